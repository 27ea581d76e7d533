//! How long things took, as counts in classes: small enough to keep for every ten seconds of an hour, and to add up.

use std::collections::BTreeMap;
use std::time::Duration;

/// Classes that there are, four for each doubling of microseconds: a class is at most a quarter as wide as the time at
/// which it begins, so that its middle is never more than an eighth off.
pub const LATENCY_CLASSES: usize = 252;

/// Parts of a doubling, as a power of two.
const PARTS: u32 = 2;

/// Returns the class of a duration.
pub fn latency_class(took: Duration) -> u8 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let class = match micros.checked_ilog2() {
        Some(doubling) if doubling >= PARTS => {
            let part = (micros >> (doubling - PARTS)) & 3;
            u64::from(doubling - 1) * 4 + part
        }
        Some(_) | None => micros,
    };
    u8::try_from(class).unwrap_or(u8::MAX)
}

/// The time in the middle of a class.
fn middle(class: u8) -> Duration {
    let (doubling, part) = (u32::from(class >> PARTS), u64::from(class & 3));
    Duration::from_micros(match doubling.checked_sub(1) {
        None => part,
        Some(shift) => ((4 + part) << shift) + ((1_u64 << shift) >> 1),
    })
}

/// How many durations fell into each class; classes that are not there have none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Latencies(BTreeMap<u8, u64>);

impl Latencies {
    /// Adds what others counted.
    pub fn merge(&mut self, other: &Self) {
        for (class, n) in other.classes() {
            *self.0.entry(class).or_default() += n;
        }
    }

    /// Returns what was counted since `earlier`, a state of the same counts.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |class| earlier.0.get(&class).copied().unwrap_or(0);
        self.classes()
            .map(|(class, n)| (class, n.saturating_sub(before(class))))
            .collect()
    }

    /// Returns the time that `percent` of the durations did not exceed, an eighth off at most; `None` where there is none.
    pub fn quantile(&self, percent: u8) -> Option<Duration> {
        let all: u64 = self.0.values().sum();
        let rank = (all * u64::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        self.classes()
            .find(|&(_, n)| {
                seen += n;
                seen >= rank
            })
            .map(|(class, _)| middle(class))
    }

    /// Returns each class that has durations, and how many.
    pub fn classes(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        self.0.iter().map(|(&class, &n)| (class, n))
    }
}

impl FromIterator<(u8, u64)> for Latencies {
    fn from_iter<I: IntoIterator<Item = (u8, u64)>>(classes: I) -> Self {
        Self(classes.into_iter().filter(|&(_, n)| n > 0).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(durations: &[Duration]) -> Latencies {
        let mut all = Latencies::default();
        for &took in durations {
            all.merge(&Latencies::from_iter([(latency_class(took), 1)]));
        }
        all
    }

    #[test]
    fn half_of_them_and_nearly_all_took_no_longer() {
        let took: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        let all = of(&took);
        for (percent, expected) in [(50, 50.0), (95, 95.0), (100, 100.0)] {
            let found = all.quantile(percent).unwrap().as_secs_f64() * 1000.0;
            assert!((found / expected - 1.0).abs() <= 0.125, "{percent} %: {found} ms");
        }
        assert_eq!(Latencies::default().quantile(50), None);
    }

    #[test]
    fn what_was_counted_since_leaves_out_what_was_before() {
        let early = of(&[Duration::from_millis(1)]);
        let late = of(&[Duration::from_millis(1), Duration::from_secs(9)]);
        assert_eq!(late.since(&early), of(&[Duration::from_secs(9)]));
        assert_eq!(late.since(&late), Latencies::default());
    }

    proptest! {
        #[test]
        fn middle_of_a_class_is_an_eighth_off_at_most_and_classes_ascend(micros in 0..u64::MAX / 2) {
            let took = Duration::from_micros(micros);
            let class = latency_class(took);
            prop_assert!(usize::from(class) < LATENCY_CLASSES);
            let off = middle(class).abs_diff(took);
            prop_assert!(off.as_micros() * 8 <= took.as_micros(), "{took:?} is off by {off:?}");
            prop_assert!(latency_class(took + Duration::from_micros(1)) >= class);
        }
    }
}
