//! What goes wrong between callers and the store's writer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postroom_store::StoreError;
use postroom_store::sqlite::{WriteFault, WriteFaults, WriteOperation};

use crate::case::StoreTurn;
use crate::chance::Dice;

/// The faults of a run; they go on over a kill.
#[derive(Debug)]
pub(crate) struct Faults(Mutex<(StoreTurn, Dice)>);

impl Faults {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Mutex::new((StoreTurn::Well, Dice::new(seed))))
    }

    pub(crate) fn turn(&self, to: StoreTurn) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = to;
    }

    pub(crate) fn now(&self) -> StoreTurn {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

impl WriteFaults for Faults {
    fn on_operation(&self, operation: WriteOperation) -> WriteFault {
        let (turn, dice) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match turn {
            StoreTurn::Well => WriteFault::None,
            StoreTurn::Slow => WriteFault::Delay(Duration::from_millis(500)),
            StoreTurn::Full => WriteFault::Refuse(StoreError::Full),
            StoreTurn::Unavailable => {
                WriteFault::Refuse(StoreError::Unavailable("it is simulated so".to_owned()))
            }
            // Where a node begins, the process would end and be started again.
            StoreTurn::LosesAnswers if operation.name != "join" && dice.percent(25) => WriteFault::LoseAnswer,
            StoreTurn::LosesAnswers => WriteFault::None,
        }
    }
}
