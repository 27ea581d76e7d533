//! What every connection of the engine shares.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use postroom_domain::retry::RetrySchedule;
use postroom_domain::{Clock, MessageId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Ended;
use crate::budget::SharedBudget;
use crate::counters::Counters;
use crate::delivery::Recorder;
use crate::random::Random;
use crate::settings::Pace;

/// Messages remembered of those whose task died; beyond it all are forgotten.
const LOST_MAX: usize = 1_024;

/// What every connection of the engine shares.
#[derive(Debug)]
pub(crate) struct PoolParts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) schedule: Arc<RetrySchedule>,
    pub(crate) recorder: Recorder,
    pub(crate) ended: mpsc::UnboundedSender<Ended>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) pace: Pace,
    pub(crate) life: Life,
    pub(crate) budget: SharedBudget,
}

/// The tasks of connections and leases, and their end.
#[derive(Debug, Default)]
pub(crate) struct Life {
    pub(crate) tasks: TaskTracker,
    /// Cancelled when a stop has no more time: what is on the wire is cut off.
    pub(crate) cut_off: CancellationToken,
    pub(crate) lost: LostMessages,
}

impl PoolParts {
    /// Starts a task of a connection or a lease. A stop waits for it, and drops it when there is no more time.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let cut_off = self.life.cut_off.clone();
        self.life.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = cut_off.cancelled() => {}
                () = work => {}
            }
        });
    }
}

/// Messages whose task died before their content began to leave.
#[derive(Debug, Default)]
pub(crate) struct LostMessages(Mutex<BTreeSet<MessageId>>);

impl LostMessages {
    /// Notes one, and says whether it is the first time: a message that ends tasks must not come back at no cost for ever.
    pub(crate) fn is_first(&self, id: MessageId) -> bool {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.len() >= LOST_MAX {
            lost.clear();
        }
        lost.insert(id)
    }
}
