//! Probes of relays that are Down, and the search for the messages that are them.

use super::*;

#[test]
fn down_relay_gets_nothing_until_its_probe_is_due_and_then_one() {
    let mut scheduler = down();
    scheduler.look_anew(after(29));
    let step = scheduler.step(after(29));
    assert_eq!((step.grants, step.promote), (vec![], Some(vec![ROUTE])));
    let due = after(30);
    scheduler.look_anew(due);
    let step = scheduler.step(due);
    assert_eq!((step.grants, step.promote), (vec![grant(FIRST, 1)], Some(vec![])));
    scheduler.leased(grant(FIRST, 1), &[id(7)], due);
    assert_eq!(scheduler.step(due).grants, []);
    assert!(matches!(
        scheduler.ended(FIRST, id(7), &Signal::Answered, due, Chance::EVEN),
        Some(HealthEdge::CameUp { .. })
    ));
    // The load ramps: one connection at first.
    assert_eq!(scheduler.step(due).grants, [grant(FIRST, 2)]);
}

#[test]
fn due_probe_that_finds_nothing_ready_seeks_a_deferred_message_once() {
    let mut scheduler = down();
    let due = after(30);
    scheduler.look_anew(due);
    assert_eq!(scheduler.step(due).grants, [grant(FIRST, 1)]);
    scheduler.leased(grant(FIRST, 1), &[], due);
    let step = scheduler.step(due);
    assert_eq!(step.seek_probe, [seek(None, None)]);
    let nothing = Promoted {
        moved: 0,
        next_due: None,
    };
    scheduler.promoted(nothing, due);
    scheduler.settled(Settled::default(), due);
    let again = scheduler.step(due);
    assert_eq!(again.seek_probe, []);
    assert!(scheduler.wake_at(due) > due, "nothing to do is no reason to spin");
    // What was found probes; where it fails, the next probe seeks the message behind it.
    scheduler.look_anew(due);
    scheduler.leased(grant(FIRST, 1), &[id(2)], due);
    fail(&mut scheduler, 2, due);
    let next = after(30 + 61);
    scheduler.look_anew(next);
    scheduler.step(next);
    scheduler.leased(grant(FIRST, 1), &[], next);
    assert_eq!(scheduler.step(next).seek_probe, [seek(Some(2), None)]);
}

#[test]
fn mail_that_begins_to_wait_is_sought_though_nothing_was_found_before() {
    let mut scheduler = down();
    let due = after(30);
    scheduler.step(due);
    scheduler.leased(grant(FIRST, 1), &[], due);
    assert_eq!(scheduler.step(due).seek_probe, [seek(None, None)]);
    assert_eq!(scheduler.step(due).seek_probe, []);
    scheduler.falls_due(after(90), &BTreeSet::from([ROUTE]));
    assert_eq!(scheduler.step(due).seek_probe, [], "not at every commit");
    let later = after(40);
    assert!(scheduler.wake_at(due) <= later);
    scheduler.step(later);
    scheduler.leased(grant(FIRST, 1), &[], later);
    assert_eq!(scheduler.step(later).seek_probe, [seek(None, None)]);
    assert_eq!(scheduler.step(later).seek_probe, []);
}

#[test]
fn relays_that_are_all_down_are_probed_in_turn() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 10)]);
    take_down(&mut scheduler);
    scheduler.leased(grant(SECOND, 20), &[id(4), id(5), id(6)], NOW);
    for n in 4..=6 {
        fail_at(&mut scheduler, SECOND, n, NOW);
    }
    let due = after(300);
    scheduler.mail_arrived();
    let grants = [grant(FIRST, 1), grant(SECOND, 1)];
    assert_eq!(scheduler.step(due).grants, grants);
    scheduler.leased(grant(FIRST, 1), &[id(9)], due);
    fail(&mut scheduler, 9, due);
    let next = after(600);
    scheduler.mail_arrived();
    assert_eq!(
        scheduler.step(next).grants,
        [grants[1], grants[0]],
        "whose probe is due for longest"
    );
}

#[test]
fn probe_behind_one_senders_mail_is_another_senders_where_there_is_one() {
    let mut scheduler = down();
    let due = after(30);
    scheduler.leased(grant(FIRST, 1), &[id(4)], due);
    let hangs_up = Signal::Failed(RelayFailure {
        sender: UserId(4),
        at: FailedAt::Content,
        reply: Reply::none("lost"),
    });
    scheduler.ended(FIRST, id(4), &hangs_up, due, Chance::EVEN);
    let next = after(30 + 61);
    scheduler.look_anew(next);
    let step = scheduler.step(next);
    assert_eq!(step.seek_probe, [seek(Some(4), Some(4))]);
    assert_eq!(step.grants, [], "what is ready would come first");
    // Found or not, the probe starts: there may be nobody else's mail.
    assert_eq!(scheduler.step(next).seek_probe, []);
    assert_eq!(scheduler.step(next).grants, [grant(FIRST, 1)]);
    scheduler.leased(grant(FIRST, 1), &[], next);
    let step = scheduler.step(next);
    assert_eq!(step.seek_probe, [seek(Some(4), None)], "the same sender's, then");
    assert_eq!(scheduler.step(next).seek_probe, []);
}

#[test]
fn relay_that_is_up_seeks_no_probe() {
    let mut scheduler = scheduler();
    scheduler.leased(grant(FIRST, 20), &[], NOW);
    assert_eq!(scheduler.step(NOW).seek_probe, []);
}

#[test]
fn relay_is_not_probed_while_the_one_that_serves_can_take_nothing() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 1)]);
    take_down(&mut scheduler);
    scheduler.leased(grant(SECOND, 2), &[id(4), id(5)], NOW);
    scheduler.look_anew(after(31));
    assert_eq!(
        scheduler.step(after(31)).grants,
        [],
        "what suits no probe could go nowhere"
    );
    scheduler.ended(SECOND, id(4), &Signal::Answered, after(31), Chance::EVEN);
    let grants = scheduler.step(after(31)).grants;
    assert_eq!(
        grants.iter().map(|grant| grant.relay).collect::<Vec<_>>(),
        [FIRST, SECOND]
    );
}

#[test]
fn changed_relay_that_was_down_is_probed_at_once_and_comes_up_once() {
    let mut scheduler = down();
    scheduler.set_route(ROUTE, &[limits(SECOND, 10)], NOW);
    assert_eq!(scheduler.step(NOW).grants, [grant(SECOND, 1)]);
    scheduler.leased(grant(SECOND, 1), &[id(7)], NOW);
    assert_eq!(
        scheduler.ended(FIRST, id(3), &Signal::Answered, NOW, Chance::EVEN),
        None,
        "what the old relay's connections still say is nothing about the new one"
    );
    let edge = scheduler.ended(SECOND, id(7), &Signal::Answered, NOW, Chance::EVEN);
    assert!(matches!(edge, Some(HealthEdge::CameUp { down_since: NOW, .. })));
}

#[test]
fn smallest_step_has_room_for_a_probe_beside_the_relay_that_serves() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 10)]);
    scheduler.pace.step = 1;
    take_down(&mut scheduler);
    let due = after(60);
    scheduler.look_anew(due);
    let grants = scheduler.step(due).grants;
    let relays: Vec<_> = grants.iter().map(|grant| grant.relay).collect();
    assert_eq!(relays, [FIRST, SECOND], "the first is Down and its probe is due");
}

#[test]
fn relay_that_is_down_is_not_probed_while_the_one_that_serves_has_no_room() {
    let mut scheduler = with(&[limits(FIRST, 10), limits(SECOND, 1)]);
    take_down(&mut scheduler);
    let due = after(60);
    scheduler.look_anew(due);
    let grants = scheduler.step(due).grants;
    let suits: Vec<_> = grants.iter().map(|grant| grant.suits).collect();
    assert_eq!(suits, [Suits::Untried, Suits::Any]);
    // Only mail that was tried: all of it is the serving relay's.
    scheduler.leased(grants[0], &[], due);
    scheduler.leased(grants[1], &[id(4), id(5), id(6)], due);
    assert_eq!(scheduler.step(due).grants, []);
    scheduler.ended(SECOND, id(4), &Signal::Answered, due, Chance::EVEN);
    assert_eq!(
        scheduler.step(due).grants,
        [],
        "it has two for its one connection"
    );
    scheduler.ended(SECOND, id(5), &Signal::Answered, due, Chance::EVEN);
    assert_eq!(
        scheduler.step(due).grants.len(),
        2,
        "and goes on without a notice"
    );
}
