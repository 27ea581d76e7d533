//! Mail that has ended.

use postroom_domain::Reply;

use super::*;

impl Judge {
    /// A message has ended.
    pub(super) async fn ends(
        &mut self,
        sight: &Sight<'_>,
        id: MessageId,
        row: &Row,
        known: &Known,
    ) -> Result<(), StoreError> {
        let now = sight.clock.elapsed();
        let number = known.letter.number;
        let attempts = sight.store.attempts(&Scope::everything(), id).await?;
        let attempts = attempts.unwrap_or_default();
        // Since the look began it may have been taken.
        self.collect(sight);
        self.attempts(sight, known.letter, &attempts);
        let uncertain = attempts
            .iter()
            .filter(|attempt| attempt.result == AttemptResult::Uncertain)
            .count();
        let most = 1 + u32::try_from(uncertain).unwrap_or(u32::MAX);
        let counts = self.delivered.get(&number).cloned().unwrap_or_default();
        if let Some((address, times)) = counts.iter().find(|(_, times)| **times > most) {
            let what = format!("{address} got letter {number} {times} times");
            self.broken(Rule::Twice, now, what);
        }
        let wanted = usize::from(known.letter.recipients.max(1));
        if row.state == MessageState::Sent && counts.len() < wanted {
            let what = format!("letter {number} is Sent: {} of {wanted}", counts.len());
            self.broken(Rule::SentInTruth, now, what);
        }
        if self.damaged.contains(&number) {
            self.coverage.see("ends", "damaged");
        } else if row.state == MessageState::Failed && row.attempts < 10 {
            self.expired(sight, known, row.attempts);
        }
        Ok(())
    }

    fn attempts(&mut self, sight: &Sight<'_>, letter: Letter, attempts: &[Attempt]) {
        let (now, number) = (sight.clock.elapsed(), letter.number);
        // A relay that serves no connection for a quarter of an hour is no longer taken at its word, and one that resets
        // all of them has none that shows it works; the letter may have been looked at a while ago.
        let served_none = |reply: &Reply| {
            let mut relays = sight.relays.iter().skip(usize::from(letter.office) * 2).take(2);
            let from = now.saturating_sub(Duration::from_mins(45));
            relays.any(|relay| {
                let relay = relay.state();
                let has_reset = relay.reset_at.is_some_and(|at| at >= from);
                (reply.code == 432 && relay.was_bad(from, now))
                    || (matches!(reply.code, 421 | 432) && has_reset)
            })
        };
        for attempt in attempts {
            self.trace.note(
                now,
                format_args!(
                    "letter {number} attempt {} {:?} {}",
                    attempt.number, attempt.result, attempt.reply
                ),
            );
            if attempt.number > 10 {
                self.broken(Rule::TenAttempts, now, format!("letter {number}"));
            }
            let told = attempt.recipients.iter().map(|told| &told.reply);
            let mut said = told.chain([&attempt.reply]);
            if let Some(reply) = said
                .clone()
                .find(|reply| reply.text.contains(LIMIT) && !served_none(reply))
            {
                let what = format!("letter {number} paid for: {reply}");
                self.broken(Rule::LimitsCostNothing, now, what);
            }
            if let Some(reply) = said.find(|reply| reply.text.contains("os error 24")) {
                let what = format!("letter {number} paid for: {reply}");
                self.broken(Rule::LocalFaultsCostNothing, now, what);
            }
            self.coverage
                .see("results of attempts", format!("{:?}", attempt.result));
        }
    }

    /// A message failed before its tenth attempt: it found no relay for too long, or nothing.
    pub(super) fn expired(&mut self, sight: &Sight<'_>, known: &Known, attempts: u16) {
        let now = sight.clock.elapsed();
        let number = known.letter.number;
        self.coverage.see("ends", "expired");
        let first = usize::from(known.letter.office) * 2;
        let relays = sight.relays.get(first..first + 2).unwrap_or_default();
        let waited = now.saturating_sub(known.cycle_from);
        if waited + Duration::from_mins(1) < sight.max_wait {
            let what = format!(
                "letter {number} failed after {} min of waiting",
                waited.as_secs() / 60
            );
            self.broken(Rule::ExpiresInTruth, now, what);
        } else if !relays
            .iter()
            .any(|relay| relay.state().dialled.is_some_and(|at| at >= sight.began))
        {
            let what = format!("letter {number} failed with {attempts} attempts, before its relay was tried");
            self.broken(Rule::ExpiresInTruth, now, what);
        } else if relays.iter().any(|relay| {
            let (state, from) = (relay.state(), now.saturating_sub(Duration::from_mins(45)));
            let suffers = if sight.max_wait > PROBED {
                state.was_bad_for(known.letter.sender, from)
            } else {
                // A wait no longer than the pause between probes may be over before other mail than theirs was tried.
                state.was_bad_for_some(from)
            };
            !state.was_bad(from, now) && !suffers
        }) {
            let what = format!("letter {number} failed with {attempts} attempts, and a relay behaved");
            self.broken(Rule::ExpiresInTruth, now, what);
        }
    }
}
