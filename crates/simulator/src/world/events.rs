//! What happens to a process and around it.

use super::*;

impl World<'_> {
    pub(super) async fn happens(&mut self, life: &mut Life, event: &Event) -> Option<Ended> {
        let now = life.clock.elapsed();
        self.judge.note(now, format_args!("{event:?}"));
        self.judge.coverage.see("events", name(event));
        self.judge.meets(&name(event));
        if let Event::Store { fault } = event
            && *fault != StoreTurn::Well
        {
            self.judge.sees(&format!("store {fault:?}"), |_| true);
        }
        match event {
            Event::Submit { .. } => self.submit(life, event).await,
            Event::Relay { relay, turn } => self.turn(*relay, turn, now),
            Event::Kill { off_s } => {
                let after = u64::from(self.letters % 7);
                self.cut_alerts_off(life, after).await;
                return Some(Ended::Off(Duration::from_secs(*off_s)));
            }
            Event::Damage { office, most } => {
                self.to_damage = self.waiting_of(*office, *most);
                return Some(Ended::Off(Duration::from_secs(1)));
            }
            Event::Stop { off_s } => {
                if let Some(engine) = life.engine.take() {
                    engine.stop().await;
                }
                life.store.close().await;
                return Some(Ended::Off(Duration::from_secs(*off_s)));
            }
            Event::Clock { wrong_by_min } => {
                life.clock.set_wrong_by(*wrong_by_min);
                self.judge.forget_promises();
                self.right_since = (*wrong_by_min == 0).then_some(now);
                self.disturb(now);
            }
            Event::Store { fault } => {
                self.faults.turn(*fault);
                self.disturb(now);
            }
            Event::Descriptors { gone } => {
                self.no_descriptors.store(*gone, Ordering::Relaxed);
                self.disturb(now);
            }
            Event::PauseSending => self.set_sending(life, Sending::Paused),
            Event::ResumeSending => self.set_sending(life, Sending::On),
            Event::Limits { user, system } => self.set_limits(life, *user, *system).await,
            Event::Settings { relay, connections } => self.set_connections(life, *relay, *connections),
            Event::Hold { .. }
            | Event::Release { .. }
            | Event::Requeue { .. }
            | Event::Delete { .. }
            | Event::Flush
            | Event::Pause { .. }
            | Event::Resume { .. } => {
                self.judge.forget_shares();
                if let Err(error) = self.act(life, event).await {
                    self.judge.note(now, format_args!("not done: {error}"));
                    self.unexpected(&error, now);
                }
                if let Some(engine) = &life.engine {
                    engine.wake();
                }
            }
        }
        None
    }

    fn turn(&mut self, relay: u8, turn: &Turn, now: Duration) {
        self.promises.clear();
        let text = format!("{turn:?}");
        self.judge
            .coverage
            .see("turns of relays", text.split(' ').next().unwrap_or(""));
        if let Some(relay) = self.relays.get(usize::from(relay)) {
            relay.state().turn(turn, now);
        }
    }

    fn set_sending(&mut self, life: &Life, sending: Sending) {
        self.sending = sending;
        if let Some(engine) = &life.engine {
            engine.set_sending(sending);
        }
        self.disturb(life.clock.elapsed());
    }

    fn set_connections(&mut self, life: &Life, relay: u8, connections: u32) {
        self.promises.clear();
        let n = usize::from(relay);
        if let Some(kept) = self.connections.get_mut(n) {
            *kept = connections;
        }
        let place = u8::try_from(n / 2).unwrap_or(0);
        self.judge.settings_changed(place);
        let first = n / 2 * 2;
        let relays = (first..first + 2).filter_map(|n| self.settings(life, n));
        if let Some(engine) = &life.engine
            && let Err(error) = engine.set_route(route(place), relays.collect())
        {
            self.judge
                .broken(Rule::StoreAnswers, life.clock.elapsed(), error.to_string());
        }
    }

    pub(super) async fn submit(&mut self, life: &Life, event: &Event) {
        let Event::Submit {
            office,
            sender,
            count,
            recipients,
            to,
            sort,
            later_s,
        } = *event
        else {
            return;
        };
        let (now, later) = (life.clock.right(), Duration::from_secs(later_s));
        self.scheduled = self.scheduled.max(life.clock.elapsed() + later);
        let letters: Vec<Letter> = (0..u32::from(count))
            .map(|n| Letter {
                number: self.letters + n,
                office,
                sender: Sender::of(office, sender),
                recipients,
                to,
                sort,
                send_at: (later_s > 0).then(|| now.plus(later)),
            })
            .collect();
        self.letters += u32::from(count);
        for some in letters.chunks(20) {
            let op = Enqueue {
                messages: some.iter().map(Letter::message).collect(),
                idempotency: None,
                audit: None,
                slot: SLOT,
                now: life.clock.now(),
            };
            let at = life.clock.elapsed();
            let depth = life.store.depth(Some(route(office))).await;
            let on_wire = depth.map_or(u64::MAX / 2, |depth| depth.leased);
            match life.store.enqueue(op).await {
                Ok(Enqueued::Accepted(admitted)) => {
                    for (letter, admitted) in some.iter().zip(admitted) {
                        self.judge
                            .acknowledged(admitted.id, *letter, (admitted.state, on_wire), at);
                    }
                }
                Ok(other) => self.judge.note(at, format_args!("{other:?}")),
                Err(error) => {
                    self.judge.note(at, format_args!("refused: {error}"));
                    self.unexpected(&error, at);
                }
            }
        }
    }
}

/// The first word of an event.
fn name(event: &Event) -> String {
    let text = format!("{event:?}");
    text.split([' ', '{']).next().unwrap_or("").to_owned()
}
