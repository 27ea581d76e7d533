//! When a day begins (L4).

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Unit};
use serde::{Serialize, Serializer};

use crate::clock::Timestamp;

/// The first day that is counted from.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// A calendar day of some time zone, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The next day of the calendar.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The day `days` before.
    #[must_use]
    pub const fn back(self, days: i32) -> Self {
        Self(self.0.saturating_sub(days))
    }

    fn date(self) -> Date {
        EPOCH.checked_add(self.0.days()).unwrap_or(Date::MAX)
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        Self(
            date.since((Unit::Day, EPOCH))
                .map_or(i32::MAX, |span| span.get_days()),
        )
    }
}

/// As `2026-03-29`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The days of one time zone. A day begins at local midnight; where a change of the clocks leaves midnight out, at the
/// first instant of that day; where midnight comes twice, at the first one.
#[derive(Debug, Clone)]
pub struct DayRule {
    zone: TimeZone,
}

impl DayRule {
    /// The days of `zone`.
    pub const fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// The days of UTC.
    pub const fn utc() -> Self {
        Self::new(TimeZone::UTC)
    }

    /// The day on which `now` lies.
    pub fn day_of(&self, now: Timestamp) -> Day {
        Day::from(now.to_jiff().to_zoned(self.zone.clone()).date())
    }

    /// The first instant of a day. A day that the zone left out, as where it moved over the date line, begins with the
    /// one after it.
    pub fn start_of(&self, day: Day) -> Timestamp {
        let midnight = day.date().to_zoned(self.zone.clone());
        midnight
            .and_then(|zoned| zoned.start_of_day())
            .map_or(Timestamp::from_micros(i64::MAX), |zoned| zoned.timestamp().into())
    }

    /// The day that counts at `now` after a `latest` one was begun: days only move forward, so that a clock set back
    /// grants nothing twice.
    pub fn current(&self, now: Timestamp, latest: Option<Day>) -> Day {
        let today = self.day_of(now);
        latest.map_or(today, |latest| latest.max(today))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(name: &str) -> DayRule {
        DayRule::new(TimeZone::get(name).unwrap())
    }

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    fn start(zone: &str, date: &str) -> Timestamp {
        rule(zone).start_of(Day::from(date.parse::<Date>().unwrap()))
    }

    #[test]
    fn day_of_a_change_to_summer_time_has_23_hours_and_of_one_back_25() {
        assert_eq!(start("Europe/Berlin", "2026-03-29"), at("2026-03-28T23:00:00Z"));
        assert_eq!(start("Europe/Berlin", "2026-03-30"), at("2026-03-29T22:00:00Z"));
        assert_eq!(start("Europe/Berlin", "2026-10-25"), at("2026-10-24T22:00:00Z"));
        assert_eq!(start("Europe/Berlin", "2026-10-26"), at("2026-10-25T23:00:00Z"));
    }

    #[test]
    fn day_without_a_midnight_begins_at_its_first_instant() {
        // The clocks went from 00:00 to 01:00.
        assert_eq!(
            start("America/Sao_Paulo", "2018-11-04"),
            at("2018-11-04T03:00:00Z")
        );
        assert_eq!(start("Asia/Beirut", "2024-03-31"), at("2024-03-30T22:00:00Z"));
        let before = rule("Asia/Beirut").day_of(at("2024-03-30T21:59:59Z"));
        assert_eq!(before.to_string(), "2024-03-30");
    }

    #[test]
    fn day_that_a_zone_left_out_begins_with_the_one_after_it() {
        assert_eq!(
            start("Pacific/Apia", "2011-12-30"),
            start("Pacific/Apia", "2011-12-31")
        );
    }

    #[test]
    fn days_are_counted_back_and_forth_and_shown_as_dates() {
        let day = Day::from("2026-03-01".parse::<Date>().unwrap());
        assert_eq!(day.back(1).to_string(), "2026-02-28");
        assert_eq!(day.back(1).next(), day);
        assert_eq!(Day(0).to_string(), "1970-01-01");
        assert_eq!(DayRule::utc().day_of(at("1970-01-02T00:00:00Z")), Day(1));
    }

    #[test]
    fn clock_set_back_does_not_bring_a_day_back() {
        let rule = rule("Europe/Berlin");
        let later = rule.day_of(at("2026-05-02T10:00:00Z"));
        assert_eq!(rule.current(at("2026-05-01T10:00:00Z"), Some(later)), later);
        assert_eq!(
            rule.current(at("2026-05-03T10:00:00Z"), Some(later)),
            later.next()
        );
    }

    proptest! {
        #[test]
        fn moment_lies_between_the_start_of_its_day_and_the_next(
            seconds in 946_684_800_i64..2_500_000_000,
            zone in prop::sample::select(vec![
                "Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe",
                "Pacific/Auckland", "Asia/Kathmandu", "America/New_York", "UTC",
            ]),
        ) {
            let rule = rule(zone);
            let now = Timestamp::from_micros(seconds * 1_000_000);
            let day = rule.day_of(now);
            prop_assert!(rule.start_of(day) <= now);
            prop_assert!(now < rule.start_of(day.next()));
            prop_assert_eq!(rule.day_of(rule.start_of(day)), day);
        }
    }
}
