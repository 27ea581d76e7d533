use proptest::prelude::*;

use super::*;

fn gate(limit: u64, used: u64) -> Gate {
    Gate {
        meter: Meter { limit, used },
        line: Line::Empty,
    }
}

#[test]
fn system_limit_is_asked_before_the_users() {
    let both = admit(gate(8, 8), gate(5, 5), Charge::One);
    assert_eq!(both, Admission::Hold(HoldReason::SystemLimit));
    let user = admit(gate(8, 7), gate(5, 5), Charge::One);
    assert_eq!(user, Admission::Hold(HoldReason::UserLimit));
    assert_eq!(admit(gate(8, 7), gate(5, 4), Charge::One), Admission::Accept);
}

#[test]
fn full_limit_holds_even_where_the_other_has_room() {
    let held = admit(gate(8, 8), gate(0, 0), Charge::One);
    assert_eq!(held, Admission::Hold(HoldReason::SystemLimit));
}

#[test]
fn mail_joins_what_waits_even_where_there_is_room() {
    let behind = Gate {
        line: Line::Waiting,
        ..gate(100, 0)
    };
    assert_eq!(
        admit(gate(0, 0), behind, Charge::One),
        Admission::Hold(HoldReason::UserLimit)
    );
}

#[test]
fn notification_passes_whatever_is_used() {
    assert_eq!(Charge::of(Kind::PasswordReset), Charge::Exempt);
    assert_eq!(Charge::of(Kind::FormLetter), Charge::One);
    assert_eq!(admit(gate(1, 1), gate(1, 1), Charge::Exempt), Admission::Accept);
}

proptest! {
    #[test]
    fn exactly_as_many_go_as_both_limits_allow(
        system in 0_u64..40,
        user in 0_u64..40,
        senders in prop::collection::vec(0_usize..4, 0..200),
    ) {
        let (mut all, mut each) = (0_u64, [0_u64; 4]);
        for sender in senders {
            let decided = admit(gate(system, all), gate(user, each[sender]), Charge::One);
            let full = if system > 0 && all == system {
                Some(HoldReason::SystemLimit)
            } else if user > 0 && each[sender] == user {
                Some(HoldReason::UserLimit)
            } else {
                None
            };
            prop_assert_eq!(decided, full.map_or(Admission::Accept, Admission::Hold));
            if decided == Admission::Accept {
                all += 1;
                each[sender] += 1;
            }
            prop_assert!(system == 0 || all <= system);
            prop_assert!(user == 0 || each[sender] <= user);
        }
    }
}
