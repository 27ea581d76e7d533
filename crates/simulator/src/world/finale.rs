//! The end of a run: everything behaves, and everything ends.

use super::*;

impl World<'_> {
    /// From here on everything behaves, and nothing is kept back.
    pub(super) async fn begin_finale(&mut self, life: &Life) {
        let now = life.clock.elapsed();
        self.judge.note(now, format_args!("finale"));
        self.finale = Some(now);
        self.faults.turn(StoreTurn::Well);
        self.no_descriptors.store(false, Ordering::Relaxed);
        life.clock.set_wrong_by(0);
        if self.right_since.is_none() {
            self.right_since = Some(now);
        }
        for relay in &self.relays {
            let mut state = relay.state();
            // Limits stay: a relay that has some behaves.
            let limits = state.ways.clone();
            state.turn(&Turn::Good, now);
            state.ways.connections = limits.connections;
            state.ways.recipients = limits.recipients;
            state.ways.messages = limits.messages;
        }
        self.judge.forget_promises();
        self.judge.forget_shares();
        self.sending = Sending::On;
        if let Some(engine) = &life.engine {
            engine.set_sending(Sending::On);
        }
        self.disturb(now);
        self.set_limits(life, 0, 0).await;
        let note = AuditNote::by(Actor::Operator);
        let paused = life.store.pauses().await.unwrap_or_default();
        for pause in paused {
            if let Err(error) = life.store.resume(pause.of, life.clock.now(), &note).await {
                self.unexpected(&error, now);
            }
        }
        let release = Event::Release { past_limits: true };
        if let Err(error) = self.act(life, &release).await {
            self.unexpected(&error, now);
        }
        if let Some(engine) = &life.engine {
            engine.wake();
        }
    }

    /// What must hold at the end.
    pub(super) async fn last_look(&mut self, life: &Life) -> anyhow::Result<()> {
        let now = life.clock.elapsed();
        let left: Vec<(u32, MessageState)> = self
            .judge
            .open
            .values()
            // A lease that does not end is told by a rule of its own.
            .filter(|known| known.state != MessageState::Sending)
            .map(|known| (known.letter.number, known.state))
            .collect();
        if let Some((number, state)) = left.first() {
            let what = format!(
                "{} letters have not ended, among them {number}, which is {}",
                left.len(),
                state.name()
            );
            self.judge.broken(Rule::AllEnds, now, what);
        }
        for difference in life.store.check().await?.differences {
            self.judge.broken(Rule::Counts, now, difference);
        }
        Ok(())
    }
}
