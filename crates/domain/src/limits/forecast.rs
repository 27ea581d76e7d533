//! What would become of so many messages (L6).

use serde::Serialize;

use super::{Day, Meter};

/// Days that a forecast looks ahead.
const DAYS_MAX: i32 = 366;

/// Mail that waits under a limit before the messages asked about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ahead {
    /// Of the person.
    pub own: u64,
    /// Of each other person that has any.
    pub others: Vec<u64>,
    /// Whether some waits under the system's limit, so that nobody's new mail overtakes it.
    pub system_line: bool,
}

/// So many go on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DayShare {
    /// The day.
    pub day: Day,
    /// Messages.
    pub count: u64,
}

/// What would become of so many messages if nobody else sent anything meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Messages that would go at once.
    pub today: u64,
    /// When the rest would go.
    pub later: Vec<DayShare>,
    /// Messages that would still wait after a year.
    pub beyond: u64,
}

/// Foresees `count` messages of a person, sent at once on the day `today`.
pub fn forecast(count: u64, today: Day, system: Meter, user: Meter, ahead: &Ahead) -> Forecast {
    let behind_a_line = ahead.own > 0 || ahead.system_line;
    let now = if behind_a_line {
        0
    } else {
        [system.room(), user.room()]
            .into_iter()
            .flatten()
            .fold(count, u64::min)
    };
    let mut own = ahead.own + count - now;
    let mut others = ahead.others.clone();
    let mut before = ahead.own;
    let mut later = Vec::new();
    let mut day = today;
    while own > 0 && day.0 < today.0 + DAYS_MAX {
        day = day.next();
        let share = one_day(own, &mut others, system.limit, user.limit);
        own -= share;
        let of_these = share.saturating_sub(before);
        before = before.saturating_sub(share);
        if of_these > 0 {
            later.push(DayShare { day, count: of_these });
        }
    }
    Forecast {
        today: now,
        later,
        beyond: own,
    }
}

/// Shares a day's system limit out by turns, the person last in each round; answers what the person gets.
fn one_day(own: u64, others: &mut [u64], system_limit: u64, user_limit: u64) -> u64 {
    let most = |waiting: u64| {
        if user_limit == 0 {
            waiting
        } else {
            waiting.min(user_limit)
        }
    };
    let want = most(own);
    let wanted: u64 = others.iter().map(|&n| most(n)).sum::<u64>() + want;
    if system_limit == 0 || wanted <= system_limit {
        for n in others.iter_mut() {
            *n -= most(*n);
        }
        return want;
    }
    // The most whole rounds that fit; each round takes one of everybody who has one left.
    let taken = |rounds: u64, others: &[u64]| {
        others.iter().map(|&n| most(n).min(rounds)).sum::<u64>() + want.min(rounds)
    };
    let (mut low, mut high) = (0, system_limit);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if taken(middle, others) <= system_limit {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let mut left = system_limit - taken(low, others);
    for n in others.iter_mut() {
        let mut share = most(*n).min(low);
        if left > 0 && most(*n) > low {
            share += 1;
            left -= 1;
        }
        *n -= share;
    }
    want.min(low) + u64::from(left > 0 && want > low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TODAY: Day = Day(20_000);

    fn meter(limit: u64, used: u64) -> Meter {
        Meter { limit, used }
    }

    fn days(forecast: &Forecast) -> Vec<(i32, u64)> {
        let share = |share: &DayShare| (share.day.0 - TODAY.0, share.count);
        forecast.later.iter().map(share).collect()
    }

    #[test]
    fn everything_goes_today_without_a_limit() {
        let told = forecast(5_000, TODAY, meter(0, 9), meter(0, 9), &Ahead::default());
        assert_eq!((told.today, days(&told), told.beyond), (5_000, vec![], 0));
    }

    #[test]
    fn rest_goes_by_a_days_limit_each_day() {
        let told = forecast(5_000, TODAY, meter(0, 500), meter(2_000, 500), &Ahead::default());
        assert_eq!((told.today, days(&told)), (1_500, vec![(1, 2_000), (2, 1_500)]));
    }

    #[test]
    fn own_mail_that_waits_goes_first() {
        let ahead = Ahead {
            own: 15,
            ..Ahead::default()
        };
        let told = forecast(10, TODAY, meter(0, 10), meter(10, 10), &ahead);
        assert_eq!((told.today, days(&told)), (0, vec![(2, 5), (3, 5)]));
    }

    #[test]
    fn system_limit_is_shared_by_turns_with_what_others_have_waiting() {
        let ahead = Ahead {
            own: 0,
            others: vec![10, 1],
            system_line: true,
        };
        let told = forecast(4, TODAY, meter(5, 5), meter(0, 0), &ahead);
        // 5 a day: a round takes one of all three, then one of two of them.
        assert_eq!((told.today, days(&told)), (0, vec![(1, 2), (2, 2)]));
    }

    #[test]
    fn forecast_ends_after_a_year() {
        let told = forecast(1_000, TODAY, meter(0, 0), meter(1, 1), &Ahead::default());
        assert_eq!((told.later.len(), told.beyond), (366, 634));
    }

    /// A day, message by message: in each round everybody who has one left and is below the limit gives one, the person last.
    fn day_by_turns(own: &mut u64, others: &mut [u64], system_limit: u64, user_limit: u64) -> u64 {
        let start = *own;
        let mut left = if system_limit == 0 { u64::MAX } else { system_limit };
        let mut gave = vec![0; others.len()];
        let may = |waiting: u64, gave: u64| waiting > 0 && (user_limit == 0 || gave < user_limit);
        loop {
            let mut somebody = false;
            for (waiting, gave) in others.iter_mut().zip(&mut gave) {
                if left > 0 && may(*waiting, *gave) {
                    (*waiting, *gave, left, somebody) = (*waiting - 1, *gave + 1, left - 1, true);
                }
            }
            if left > 0 && may(*own, start - *own) {
                (*own, left, somebody) = (*own - 1, left - 1, true);
            }
            if !somebody {
                return start - *own;
            }
        }
    }

    proptest! {
        #[test]
        fn day_is_shared_as_by_taking_turns(
            own in 0_u64..20,
            others in prop::collection::vec(0_u64..12, 0..5),
            system_limit in 0_u64..30,
            user_limit in 0_u64..8,
        ) {
            let (mut own_left, mut by_turns) = (own, others.clone());
            let expected = day_by_turns(&mut own_left, &mut by_turns, system_limit, user_limit);
            let mut at_once = others;
            prop_assert_eq!(one_day(own, &mut at_once, system_limit, user_limit), expected);
            prop_assert_eq!(at_once, by_turns);
        }

        #[test]
        fn forecast_counts_every_message_once_on_days_that_follow(
            count in 0_u64..60,
            own in 0_u64..20,
            others in prop::collection::vec(0_u64..12, 0..4),
            limits in (0_u64..6, 0_u64..6),
            used in (0_u64..6, 0_u64..6),
            system_line in any::<bool>(),
        ) {
            let ahead = Ahead { own, others: others.clone(), system_line };
            let (system, user) = (meter(limits.0, used.0), meter(limits.1, used.1));
            let told = forecast(count, TODAY, system, user, &ahead);
            let later: u64 = told.later.iter().map(|share| share.count).sum();
            prop_assert_eq!(told.today + later + told.beyond, count);
            let rooms = [system.room(), user.room()];
            let fits = rooms.into_iter().flatten().min().unwrap_or(count).min(count);
            prop_assert_eq!(told.today, if own > 0 || system_line { 0 } else { fits });
            // The same, day by day: of a day's share the person's earlier mail goes first.
            let (mut waiting, mut others, mut before) = (own + count - told.today, others, own);
            let mut expected = Vec::new();
            for day in 1..=DAYS_MAX {
                let share = day_by_turns(&mut waiting, &mut others, limits.0, limits.1);
                let earlier = share.min(before);
                before -= earlier;
                if share > earlier {
                    expected.push((day, share - earlier));
                }
            }
            prop_assert_eq!(days(&told), expected);
        }
    }

    #[test]
    fn mail_that_waits_longer_than_a_year_is_beyond_it() {
        let ahead = Ahead {
            own: 366,
            ..Ahead::default()
        };
        let told = forecast(3, TODAY, meter(0, 0), meter(1, 1), &ahead);
        assert_eq!((days(&told), told.beyond), (vec![], 3));
    }
}
