//! A connection's part in its account.

use std::pin::pin;
use std::sync::Arc;

use postroom_domain::throttle::LATELY;
use postroom_domain::{Others, Throttle, Timestamp, Witness};
use postroom_smtp::client::Progress as ContentProgress;
use tokio::time::Instant;

use super::{Account, Meanwhile, SETTLES_WITHIN, Stage, Vital};

/// A connection's part in its account, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(super) account: Arc<Account>,
    pub(super) number: u64,
}

impl Slot {
    /// Notes that the relay served the connection.
    pub(crate) fn answered(&self, now: Timestamp) {
        let mut state = self.account.state();
        if let Some(vital) = state.connections.get_mut(&self.number) {
            vital.shown = Some(now);
            vital.meanwhile = Meanwhile::Nothing;
        }
        drop(state);
        self.account.settled.notify_waiters();
    }

    /// Notes the progress of the message that the connection carries now.
    pub(crate) fn carries(&self, progress: ContentProgress) {
        let mut state = self.account.state();
        if let Some(vital) = state.connections.get_mut(&self.number) {
            vital.progress = progress;
        }
    }

    /// Notes that the connection could not be opened, and waits for what those come to that opened at the same time:
    /// they show whether the relay is down or takes fewer connections.
    pub(crate) async fn failed_to_open(&self, now: Timestamp) {
        let last = {
            let mut state = self.account.state();
            if let Some(vital) = state.connections.get_mut(&self.number) {
                vital.stage = Stage::Refused;
            }
            state.opened
        };
        self.account.settled.notify_waiters();
        let settle = async {
            loop {
                let mut settled = pin!(self.account.settled.notified());
                settled.as_mut().enable();
                let is_known = {
                    let state = self.account.state();
                    !state.opens(last) || state.others_work(self.number, now)
                };
                if is_known {
                    return;
                }
                settled.await;
            }
        };
        let _ = tokio::time::timeout(SETTLES_WITHIN, settle).await;
    }

    /// Notes that the connection says QUIT and carries nothing more. It counts until this is dropped: the relay counts it,
    /// too, until it has answered.
    pub(crate) fn closes(&self, now: Timestamp) {
        let mut state = self.account.state();
        if let Some(vital) = state.connections.get_mut(&self.number)
            && vital.stage != Stage::Refused
        {
            vital.stage = Stage::Closes;
            vital.shown = Some(now);
        }
    }

    /// Notes that the relay answered QUIT: it worked while those opened that have no answer yet.
    pub(crate) fn closed(&self) {
        let mut state = self.account.state();
        let own = state.connections.get(&self.number);
        if own.is_some_and(|vital| vital.stage == Stage::Closes) {
            let opens = |vital: &&mut Vital| vital.stage == Stage::Opens && vital.shown.is_none();
            for vital in state.connections.values_mut().filter(opens) {
                vital.meanwhile = Meanwhile::OtherServed;
            }
        }
    }

    /// Notes that the relay took or judged a message.
    pub(crate) fn took(&self, now: Timestamp) {
        self.answered(now);
        let mut state = self.account.state();
        if let Some(vital) = state.connections.get_mut(&self.number) {
            vital.stage = Stage::Serves;
            let relay = vital.relay;
            state.crowded.remove(&relay);
        }
        state.took = Some(now);
        state.taken.take(1, now);
        state.limits.answered(now);
    }

    /// Whether other connections of the account are open.
    pub(crate) fn others(&self, now: Timestamp) -> Others {
        self.account.state().others(self.number, now)
    }

    /// Whether other connections of the account that came as far as content are open still.
    pub(crate) fn others_are_open(&self) -> bool {
        self.account.state().others_are_open(self.number)
    }

    /// What shows that the relay works, apart from this connection.
    pub(crate) fn witness(&self, now: Timestamp) -> Witness {
        let state = self.account.state();
        if state.others_work(self.number, now) {
            Witness::OtherSessions
        } else if state.took.is_some_and(|at| now.since(at) <= LATELY) {
            Witness::Lately
        } else {
            Witness::Nothing
        }
    }

    /// Notes that the relay takes fewer connections than there are, and how many it takes. The relay may count this one,
    /// too, until it is closed; what that shows is as old as what the others showed.
    pub(crate) fn refused(&self, now: Timestamp) {
        let mut state = self.account.state();
        let Some(mut left) = state.connections.remove(&self.number) else {
            return;
        };
        let works = |vital: &&Vital| vital.stage != Stage::Refused;
        let worked = state.connections.values().filter(works).count();
        let worked = u32::try_from(worked).unwrap_or(u32::MAX);
        // One that has just ended explains the refusal, and shows no number.
        if worked > 0 || !state.has_just_ended() {
            state.limits.refused(Throttle::Connections, worked, now);
        }
        let serves = |vital: &Vital| vital.relay == left.relay && vital.stage == Stage::Serves;
        if !state.connections.values().any(serves) {
            state.crowd(left.relay, now);
        }
        if let Some(at) = state.connections.values().filter_map(|vital| vital.shown).max() {
            left.shown = Some(left.shown.map_or(at, |own| own.min(at)));
            left.stage = Stage::Refused;
            state.connections.insert(self.number, left);
        }
        drop(state);
        self.account.settled.notify_waiters();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.account.state();
        let left = state.connections.remove(&self.number);
        if left.is_some_and(|vital| vital.came_to_content()) {
            state.ended = Some(Instant::now());
        }
        drop(state);
        self.account.settled.notify_waiters();
    }
}
