//! What people do.

use super::*;

impl World<'_> {
    pub(super) async fn act(&mut self, life: &Life, event: &Event) -> Result<(), StoreError> {
        let (now, at) = (life.clock.now(), life.clock.elapsed());
        let note = AuditNote::by(Actor::Operator);
        match event {
            Event::Hold { part } => self.hold(life, *part).await,
            Event::Release { past_limits: true } => self.release(life, Release::PastLimits).await,
            Event::Release { past_limits: false } => self.release(life, Release::WithinLimits).await,
            Event::Requeue { office, most } => self.requeue(life, *office, *most).await,
            Event::Delete { office, most } => self.delete(life, *office, *most).await,
            Event::Flush => self.flush(life).await,
            Event::Pause { office, sender } => {
                let paused = life
                    .store
                    .pause(whom(*office, *sender), String::new(), now, &note)
                    .await;
                self.disturb(at);
                self.is_disturbed = true;
                paused.map(drop)
            }
            Event::Resume { office, sender } => {
                life.store.resume(whom(*office, *sender), now, &note).await?;
                self.disturb(at);
                self.is_disturbed |= !life.store.pauses().await?.is_empty();
                Ok(())
            }
            Event::Submit { .. }
            | Event::Relay { .. }
            | Event::PauseSending
            | Event::ResumeSending
            | Event::Limits { .. }
            | Event::Settings { .. }
            | Event::Kill { .. }
            | Event::Damage { .. }
            | Event::Stop { .. }
            | Event::Clock { .. }
            | Event::Store { .. }
            | Event::Descriptors { .. } => Ok(()),
        }
    }

    async fn hold(&mut self, life: &Life, part: u8) -> Result<(), StoreError> {
        let (who, note) = (everybody(), AuditNote::by(Actor::Operator));
        let ids = self.ids(|n, state| n % 3 == u32::from(part) && state != MessageState::Held);
        for some in ids.chunks(50) {
            let done = life.store.hold(&who, some, &note, life.clock.now()).await?;
            self.done("hold", &done);
        }
        Ok(())
    }

    async fn release(&mut self, life: &Life, how: Release) -> Result<(), StoreError> {
        let (who, note) = (everybody(), AuditNote::by(Actor::Operator));
        let ids = self.ids(|_, state| state == MessageState::Held);
        for some in ids.chunks(50) {
            let done = life
                .store
                .release(&who, some, how, &note, life.clock.now())
                .await?;
            self.done("release", &done);
        }
        Ok(())
    }

    async fn requeue(&mut self, life: &Life, office: u8, most: u16) -> Result<(), StoreError> {
        let (who, note) = (everybody(), AuditNote::by(Actor::Operator));
        let at = life.clock.elapsed();
        let ids = self.some_of(office, most);
        let mut any = false;
        for some in ids.chunks(50) {
            let done = life.store.requeue(&who, some, &note, life.clock.now()).await?;
            for (&id, outcome) in some.iter().zip(&done) {
                if *outcome == ActionOutcome::Done {
                    self.judge.requeued(id, at);
                    let known = self.judge.open.get(&id);
                    any |= known.is_some_and(|known| !self.judge.is_damaged(known));
                }
            }
            self.done("requeue", &done);
        }
        if any {
            self.promise(life, office, at);
        }
        Ok(())
    }

    async fn delete(&mut self, life: &Life, office: u8, most: u16) -> Result<(), StoreError> {
        let (who, note) = (everybody(), AuditNote::by(Actor::Operator));
        let ids = self.some_of(office, most);
        for some in ids.chunks(50) {
            let done = life.store.delete(&who, some, &note, life.clock.now()).await;
            for (n, &id) in some.iter().enumerate() {
                // Where the answer was lost it may be gone.
                let gone = done
                    .as_ref()
                    .map_or(true, |done| done.get(n) == Some(&ActionOutcome::Done));
                if gone {
                    self.judge.deleted(id);
                }
            }
            self.done("delete", &done?);
        }
        Ok(())
    }

    async fn flush(&mut self, life: &Life) -> Result<(), StoreError> {
        let (mut any, mut after) = (false, None);
        loop {
            let now = life.clock.now();
            let step = life.store.flush(&Scope::everything(), after, now).await?;
            any |= step.changed > 0;
            after = step.last;
            if let Some(engine) = &life.engine {
                engine.try_now();
            }
            if after.is_none() {
                break;
            }
        }
        for place in 0..u8::try_from(self.case.setup.offices.len()).unwrap_or(0) {
            if any && self.may_be_tried(place) {
                self.promise(life, place, life.clock.elapsed());
            }
        }
        Ok(())
    }

    /// Whether an office has mail that only a relay keeps waiting: a relay is tried with a message.
    fn may_be_tried(&self, office: u8) -> bool {
        let mut open = self.judge.open.values();
        open.any(|known| {
            known.letter.office == office
                && matches!(known.state, MessageState::Queued | MessageState::Deferred)
                && !self.judge.is_damaged(known)
        })
    }

    pub(super) fn done(&mut self, verb: &'static str, outcomes: &[ActionOutcome]) {
        for outcome in outcomes {
            let text = format!("{outcome:?}");
            let name = text.split([' ', '(']).next().unwrap_or("");
            self.judge.coverage.see("actions", format!("{verb}: {name}"));
        }
    }

    /// Remembers that somebody asked for a try, where nothing but the pause between probes is in its way.
    pub(super) fn promise(&mut self, life: &Life, place: u8, now: Duration) {
        let first = usize::from(place) * 2;
        let relays = self.relays.get(first..first + 2).unwrap_or_default();
        let behaves = relays.iter().all(|relay| !relay.state().is_bad());
        let Some(engine) = &life.engine else { return };
        let status = engine.status();
        let mut all = status.relays.iter().filter(|relay| relay.route == route(place));
        let waits = all.all(|relay| relay.state == HealthState::Down);
        let right = self
            .right_since
            .is_some_and(|right| right + Duration::from_mins(15) < now);
        if behaves && waits && right && !self.is_disturbed {
            self.judge.coverage.see("promises", "try now");
            self.promises.push((now + NOW, place));
        }
    }

    pub(super) fn ids(&self, suits: impl Fn(u32, MessageState) -> bool) -> Vec<MessageId> {
        let open = self.judge.open.iter();
        open.filter(|(_, known)| suits(known.letter.number, known.state))
            .map(|(&id, _)| id)
            .collect()
    }

    /// The first so many of an office's, those that have ended too.
    pub(super) fn some_of(&self, office: u8, most: u16) -> Vec<MessageId> {
        let all = self.judge.ended.iter().chain(&self.judge.open);
        let mut ids: Vec<MessageId> = all
            .filter(|(_, known)| known.letter.office == office && known.state != MessageState::Sent)
            .map(|(&id, _)| id)
            .collect();
        ids.sort_unstable();
        ids.truncate(usize::from(most));
        ids
    }

    pub(super) async fn set_limits(&mut self, life: &Life, user: u64, system: u64) {
        let change = SetLimits {
            system: Some(system),
            user: Some(user),
            time_zone: None,
            version: None,
            now: life.clock.now(),
        };
        let set = life
            .store
            .set_limits(change, &AuditNote::by(Actor::Operator))
            .await;
        let at = life.clock.elapsed();
        match set {
            Ok(_) => {}
            Err(error) => self.unexpected(&error, at),
        }
        if let Some(engine) = &life.engine {
            engine.wake();
        }
    }
}

fn everybody() -> Authority {
    Authority {
        see: Scope::everything(),
        act: Scope::everything(),
        hold: Scope::everything(),
    }
}

fn whom(place: u8, sender: Option<u8>) -> postroom_store::PauseOf {
    match sender {
        Some(sender) => postroom_store::PauseOf::Sender(Sender::of(place, sender).user()),
        None => postroom_store::PauseOf::Office(office(place)),
    }
}
