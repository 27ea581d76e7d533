//! Days as the operator types them: those of UTC.

use anyhow::Context as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use postroom_domain::Timestamp;

/// The moment at which a day begins.
///
/// # Errors
/// For days at the ends of the calendar.
pub(super) fn start_of(day: Date) -> anyhow::Result<Timestamp> {
    let start = day.to_zoned(TimeZone::UTC).context("this day cannot be used")?;
    Ok(start.timestamp().into())
}

/// The moment at which what has `day` as its last one is over.
///
/// # Errors
/// For days at the ends of the calendar.
pub(super) fn end_of(day: Date) -> anyhow::Result<Timestamp> {
    start_of(day.tomorrow().context("--until: no day follows this one")?)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn last_day_is_over_when_the_next_begins() {
        let day = date(2026, 12, 31);
        assert_eq!(start_of(day).unwrap().to_string(), "2026-12-31T00:00:00Z");
        assert_eq!(end_of(day).unwrap().to_string(), "2027-01-01T00:00:00Z");
        assert!(end_of(Date::MAX).is_err());
    }
}
