//! What a job's content holds of the budget.

use crate::budget::Reservation;

/// Room in memory that a job's content holds.
#[derive(Debug)]
pub(crate) struct JobRoom {
    _shared: Option<Reservation>,
    _own: Option<Reservation>,
}

impl JobRoom {
    /// Of the share for small messages.
    pub(crate) const fn small(shared: Option<Reservation>) -> Self {
        Self {
            _shared: shared,
            _own: None,
        }
    }

    /// Of the share for large ones, and of the relay's part of it.
    pub(crate) const fn large(shared: Reservation, own: Reservation) -> Self {
        Self {
            _shared: Some(shared),
            _own: Some(own),
        }
    }
}
