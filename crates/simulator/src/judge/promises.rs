//! What an explanation said happens next has happened by its time, or the explanation changed before.

use postroom_office::Principal;
use postroom_office::explain::{Explained, Explainer};

use super::*;

/// Messages of one state that are asked about at a time.
const ASKED: usize = 2;
/// How long after its time what was promised may take.
const SLACK: Duration = Duration::from_mins(5);

/// What somebody was told of a message.
#[derive(Debug, Clone)]
pub(super) struct Promise {
    explained: Explained,
    state: MessageState,
    attempts: u16,
    /// When it was said.
    made: Duration,
    /// When it is to happen.
    due: Duration,
    /// When mail is given up that waits for a relay, where that was said.
    gives_up: Option<Duration>,
}

impl Judge {
    /// The process has ended, or the clock was moved: what was said counts from the next look on.
    pub(crate) fn forget_promises(&mut self) {
        self.promises.clear();
    }

    /// Asks why some messages have not gone, and compares with what was said before.
    pub(crate) async fn explanations(
        &mut self,
        sight: &Sight<'_>,
        explainer: &Explainer,
    ) -> Result<(), StoreError> {
        let now = sight.clock.elapsed();
        for id in self.asked() {
            let Some(known) = self.open.get(&id).cloned() else {
                self.promises.remove(&id);
                continue;
            };
            let relays = sight
                .engine
                .map(|engine| engine.status().relays)
                .unwrap_or_default();
            let Some(explained) = explainer.explain(&Principal::operator(), id, relays).await? else {
                self.promises.remove(&id);
                continue;
            };
            let rows = sight.store.rows(&Scope::everything(), &[id]).await?;
            let Some(row) = rows.into_iter().next() else {
                continue;
            };
            if let Some(said) = self.promises.remove(&id)
                && said.state == row.state
                && said.attempts == row.attempts
                && now >= said.due
                && self.judge_promise(sight, &known, &said, &explained) == Judged::NotYet
            {
                self.promises.insert(id, said);
                continue;
            }
            if let Some(at) = explained.next_at {
                self.coverage.see(
                    "explained",
                    format!("{}: {}", row.state.name(), words(&explained.next)),
                );
                let gives_up = explained.evidence.iter().find_map(|line| given_up(line));
                self.promises.insert(
                    id,
                    Promise {
                        made: now,
                        due: sight.clock.true_time(at).max(now),
                        gives_up: gives_up.map(|at| sight.clock.true_time(at)),
                        explained,
                        state: row.state,
                        attempts: row.attempts,
                    },
                );
            }
        }
        Ok(())
    }

    /// What was asked about before, and the first few of each state.
    fn asked(&self) -> Vec<MessageId> {
        let mut ids: Vec<MessageId> = self.promises.keys().copied().collect();
        for state in MessageState::ALL {
            let some = self.open.iter().filter(|(_, known)| known.state == state);
            ids.extend(some.map(|(&id, _)| id).take(ASKED));
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Judges what was said of a message that is as it was then, once the time has come.
    fn judge_promise(
        &mut self,
        sight: &Sight<'_>,
        known: &Known,
        said: &Promise,
        explained: &Explained,
    ) -> Judged {
        let now = sight.clock.elapsed();
        let number = known.letter.number;
        let (next, office) = (&said.explained.next, known.letter.office);
        let late = (now - said.due).as_secs();
        if let (Some(at), Some(_)) = (
            said.gives_up,
            explained.evidence.iter().find_map(|line| given_up(line)),
        ) && self.is_calm(sight, at, EXPIRES)
        {
            let what = format!(
                "letter {number} was to be given up {} s ago",
                (now - at).as_secs()
            );
            self.broken(Rule::ExplainedInTruth, now, what);
        }
        if words(next) == ATTEMPT {
            // What was before it when it came is carried first.
            let goes = known.goes.max(GOES + self.carrying(sight, office));
            if now < said.due + goes {
                return Judged::NotYet;
            }
            // Else a relay keeps it, which is what is said now.
            let kept = Self::is_kept_by(sight, office, known.letter.sender, said.made);
            if self.is_good(sight, office, said.due, goes) && !kept {
                let what = format!("letter {number}: \"{next}\" was for {late} s ago");
                self.broken(Rule::ExplainedInTruth, now, what);
            }
            return Judged::Done;
        }
        if now < said.due + SLACK {
            return Judged::NotYet;
        }
        if !self.is_calm(sight, said.due, SLACK) {
            return Judged::Done;
        }
        if words(next) == TRIES {
            let first = usize::from(office) * 2;
            let relays = sight.relays.get(first..first + 2).unwrap_or_default();
            let tried = |relay: &Relay| relay.state().heard.is_some_and(|at| at >= said.made);
            if !relays.iter().any(tried) {
                let what =
                    format!("letter {number}: nothing tried the server, which was to be tried {late} s ago");
                self.broken(Rule::ExplainedInTruth, now, what);
            }
        } else if said.explained.next_at == explained.next_at {
            let what = format!("letter {number}: \"{next}\" was for {late} s ago");
            self.broken(Rule::ExplainedInTruth, now, what);
        }
        Judged::Done
    }
}

/// Whether the time to judge a promise has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    NotYet,
    Done,
}

/// How an explanation begins that says when a message tries a relay that is Down.
const TRIES: &str = "One message tries the server at the time beside";

/// What an explanation says of the next attempt.
const ATTEMPT: &str = "Attempt is made at the time beside";

/// The part of what happens next that does not depend on the message.
fn words(next: &str) -> &str {
    if next.starts_with("Attempt ") {
        return ATTEMPT;
    }
    next.split([',', ';', ':', '.']).next().unwrap_or(next)
}

/// When mail is given up, from the evidence.
fn given_up(line: &str) -> Option<postroom_domain::Timestamp> {
    let rest = line.strip_prefix("it is given up at ")?;
    let at = rest.split(',').next()?;
    serde_json::from_str(&format!("\"{at}\"")).ok()
}
