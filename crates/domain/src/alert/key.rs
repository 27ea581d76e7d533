//! What counts as the same cause: one alert a key and person (SPEC A6).

use super::{LimitOf, Occasion, Outage};
use crate::trouble::Trouble;

impl Occasion {
    /// The key of its cause; `day` is today's in the limits' time zone, `2026-11-23`.
    pub fn key(&self, day: &str) -> String {
        match self {
            Self::Trouble {
                trouble: Trouble::Connect,
                route,
                epoch,
                ..
            } => format!("a1:connect:{}:{epoch}:{day}", route.0),
            Self::Trouble { trouble, route, .. } => format!("a1:{trouble}:{}:{day}", route.0),
            Self::Down { outage, .. } => outage.down_key(),
            Self::Up { outage, .. } => format!("a3:{}", outage.key()),
            Self::Limit {
                of: LimitOf::System,
                day,
                ..
            } => format!("a4:system:{day}"),
            Self::Limit { day, .. } => format!("a4:user:{day}"),
            Self::Failed { .. } => format!("a5:{day}"),
            Self::Damaged { .. } => format!("a6:{day}"),
            Self::Server(trouble) => format!("a7:{}:{day}", trouble.name()),
        }
    }

    /// Whether only the first of its cause is an alert, whoever's it is: later failures to connect are the outage's.
    pub const fn is_first_alone(&self) -> bool {
        matches!(
            self,
            Self::Trouble {
                trouble: Trouble::Connect,
                ..
            }
        )
    }
}

impl Outage {
    /// The key of its A2, by which those are found who get A3.
    pub fn down_key(&self) -> String {
        format!("a2:{}", self.key())
    }

    fn key(&self) -> String {
        format!("{}:{}:{}", self.route.0, self.place, self.number)
    }
}
