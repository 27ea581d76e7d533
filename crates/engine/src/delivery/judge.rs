//! Decides what an attempt means: for each recipient, for the message, for the relay (SPEC S2, S3, D2, D3).

use std::time::Duration;

use postroom_domain::classify::{Heard, SmtpPhase, classify};
use postroom_domain::health::FailedAt;
use postroom_domain::retry::{AfterFailure, Chance, RetrySchedule};
use postroom_domain::{
    Blame, Damage, EnhancedCode, Lasting, RecipientState, Reply, Timestamp, Trouble, UserId, trouble,
};
use postroom_smtp::client::{Answers, LocalFault, Outcome as Spoken, Phase, SessionError, Verdict};
use postroom_store::{
    AttemptRecord, AttemptResult, Leased, Next, Outcome, PendingRecipient, RecipientOutcome,
};

use super::limited::over_limit;
use super::prepare::Job;
use super::said::{heard, phase, shortened, spoken, trouble_of, words};

/// What an attempt says of the relay's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    /// It took or judged the message.
    Answered,
    /// It failed, or so it seems.
    Failed(RelayFailure),
    /// Nothing: it was not tried.
    Untried,
    /// Nothing: this machine could not connect to it.
    Local(LocalTrouble),
}

/// Why this machine could not connect (SPEC D9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalTrouble {
    /// What it lacks.
    pub(crate) fault: LocalFault,
    /// In words.
    pub(crate) text: Reply,
}

impl LocalTrouble {
    /// What a session that could not be opened says of this machine.
    pub(crate) fn of(error: &SessionError) -> Option<Self> {
        let fault = error.local_fault()?;
        let text = Reply::none(shortened(&format!("this server cannot connect: {error}")));
        Some(Self { fault, text })
    }
}

/// A failure that may be the relay's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelayFailure {
    /// Whose message met it.
    pub(crate) sender: UserId,
    /// How far the session had come.
    pub(crate) at: FailedAt,
    /// The relay's words, or ours where it said none.
    pub(crate) reply: Reply,
}

/// What is written down, and what it says of the relay.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    pub(crate) signal: Signal,
}

/// The rules an attempt is judged by.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    pub(crate) schedule: &'a RetrySchedule,
    pub(crate) relay: &'a str,
    pub(crate) tls: Option<&'a str>,
    pub(crate) now: Timestamp,
    pub(crate) chance: Chance,
}

/// One recipient's verdict.
struct Told {
    index: u16,
    state: RecipientState,
    reply: Reply,
}

impl Told {
    fn outcome(self) -> RecipientOutcome {
        RecipientOutcome {
            index: self.index,
            state: self.state,
            reply: self.reply,
        }
    }
}

/// What a transaction's answers mean.
struct Verdicts {
    told: Vec<Told>,
    signal: Signal,
    summary: Option<Reply>,
    /// What refused the message as a whole.
    whole: Option<(RecipientState, Reply)>,
    wrong: Option<Trouble>,
}

/// The end of a message of which something stored is damaged: it is not tried.
pub(crate) const fn ended_damaged(lease: &Leased, damage: Damage) -> Outcome {
    Outcome {
        id: lease.id,
        generation: lease.generation,
        attempt: None,
        recipients: Vec::new(),
        next: Next::Damaged(damage),
    }
}

impl Judge<'_> {
    /// Judges what a session said about a job.
    pub(crate) fn judge(&self, job: &Job, spoken: &Spoken, elapsed: Duration) -> Judgement {
        match spoken {
            Spoken::Finished(answers) => self.answered(job, answers, elapsed),
            Spoken::Uncertain(error) => {
                let reply = words(error);
                let signal = failed(job, error.phase, Blame::Relay, &reply);
                let outcome = self.all_failed(job, &reply, Some(AttemptResult::Uncertain), elapsed);
                Judgement { outcome, signal }
            }
            Spoken::Failed(error) => self.session_failed(job, error, elapsed),
            Spoken::Untried(_) => untried(&job.lease),
            Spoken::Unsendable(reason) => {
                let reply = Reply {
                    code: 0,
                    enhanced: Some(EnhancedCode(5, 6, 7)),
                    text: reason.to_string(),
                };
                let told = self.every(job, &reply, Lasting::Permanent);
                let outcome = self.sum_up(job, told, &reply, None, elapsed);
                Judgement {
                    outcome,
                    signal: Signal::Untried,
                }
            }
        }
    }

    /// Judges a session that could not be opened, or was lost before the dot.
    pub(crate) fn session_failed(&self, job: &Job, error: &SessionError, elapsed: Duration) -> Judgement {
        let reply = words(error);
        let (lasting, blame) = classify(phase(error.phase), heard(error));
        let signal = failed(job, error.phase, blame, &reply);
        let told = if blame == Blame::Relay {
            self.every(job, &reply, Lasting::Transient)
        } else {
            self.every(job, &reply, lasting)
        };
        let mut outcome = self.sum_up(job, told, &reply, None, elapsed);
        set_trouble(&mut outcome, trouble_of(error));
        Judgement { outcome, signal }
    }

    /// An attempt that no session can speak of: a crash cut it off.
    pub(crate) fn without_session(
        &self,
        lease: &Leased,
        pending: &[PendingRecipient],
        result: AttemptResult,
        text: &str,
    ) -> Outcome {
        let indexes: Vec<_> = pending.iter().map(|recipient| recipient.index).collect();
        self.cut_off(lease, &indexes, result, text)
    }

    /// As [`Judge::without_session`], of these recipients.
    pub(crate) fn cut_off(
        &self,
        lease: &Leased,
        recipients: &[u16],
        result: AttemptResult,
        text: &str,
    ) -> Outcome {
        let reply = Reply::none(shortened(text));
        let next = self.next(u32::from(lease.attempts) + 1, Lasting::Transient, Blame::Message);
        let state = if next == Next::Failed {
            RecipientState::Failed
        } else {
            RecipientState::Pending
        };
        let told = |&index: &u16| RecipientOutcome {
            index,
            state,
            reply: reply.clone(),
        };
        let recipients = recipients.iter().map(told).collect();
        let attempt = AttemptRecord {
            started_at: self.now,
            duration: Duration::ZERO,
            relay: self.relay.to_owned(),
            tls: None,
            result,
            reply,
            trouble: None,
        };
        Outcome {
            id: lease.id,
            generation: lease.generation,
            attempt: Some(attempt),
            recipients,
            next,
        }
    }

    /// Judges a transaction that further ones of the same attempt follow: each recipient but those at the places `again`,
    /// which are tried once more, and what of them is to be durable before. `None` where the relay refused the message as
    /// a whole, and with it the further recipients.
    pub(crate) fn part(
        &self,
        job: &Job,
        answers: &Answers,
        again: &[usize],
    ) -> Option<(Vec<RecipientOutcome>, Outcome)> {
        let is_refused = !answers.mail.is_success()
            || answers
                .data
                .as_ref()
                .is_some_and(|(_, reply)| !reply.is_success());
        if is_refused {
            return None;
        }
        let told = self.hear(job, answers).told.into_iter().enumerate();
        let told = told.filter(|(place, _)| again.binary_search(place).is_err());
        let told: Vec<_> = told.map(|(_, told)| told.outcome()).collect();
        let accepted = told.iter().filter(|told| told.state == RecipientState::Sent);
        let outcome = Outcome {
            recipients: accepted.cloned().collect(),
            next: Next::Continue,
            ..untried(&job.lease).outcome
        };
        Some((told, outcome))
    }

    fn answered(&self, job: &Job, answers: &Answers, elapsed: Duration) -> Judgement {
        let Verdicts {
            mut told,
            signal,
            summary,
            whole,
            wrong,
        } = self.hear(job, answers);
        // What refused the message refused it for those whom a further transaction would have named.
        if let Some((state, reply)) = whole {
            for place in over_limit(answers) {
                if let Some(told) = told.get_mut(place) {
                    (told.state, told.reply) = (state, reply.clone());
                }
            }
            told.extend(job.rest().iter().map(|&index| Told {
                index,
                state,
                reply: reply.clone(),
            }));
        }
        let earlier = job.earlier.others.first().map(|told| &told.reply);
        let summary = earlier.cloned().or(summary);
        let summary = summary.or_else(|| told.first().map(|t| t.reply.clone()));
        let summary = summary.unwrap_or_else(|| Reply::none("the message has no recipient left to try"));
        let mut outcome = self.sum_up(job, told, &summary, None, elapsed);
        set_trouble(&mut outcome, wrong);
        Judgement { outcome, signal }
    }

    fn hear(&self, job: &Job, answers: &Answers) -> Verdicts {
        let mut signal = Signal::Answered;
        let (mut summary, mut whole, mut wrong) = (None, None, None);
        let mut told = Vec::with_capacity(job.indexes.len());
        for (place, &index) in job.indexes.iter().enumerate() {
            let (state, reply) = match answers.verdict(place) {
                Verdict::Accepted(reply) => (RecipientState::Sent, spoken(reply)),
                Verdict::Refused(at, reply) => {
                    let reply = spoken(reply);
                    let heard = Heard::Reply {
                        code: reply.code,
                        enhanced: reply.enhanced,
                    };
                    let (lasting, blame) = classify(phase(at), heard);
                    if matches!(blame, Blame::Relay | Blame::Sender) {
                        signal = failed(job, at, blame, &reply);
                    }
                    wrong = wrong.or_else(|| trouble(phase(at), heard));
                    summary.get_or_insert_with(|| reply.clone());
                    let state = self.state_after(lasting, blame);
                    if at != Phase::Rcpt {
                        whole = Some((state, reply.clone()));
                    }
                    (state, reply)
                }
            };
            told.push(Told { index, state, reply });
        }
        Verdicts {
            told,
            signal,
            summary,
            whole,
            wrong,
        }
    }

    fn all_failed(
        &self,
        job: &Job,
        reply: &Reply,
        result: Option<AttemptResult>,
        elapsed: Duration,
    ) -> Outcome {
        let told = self.every(job, reply, Lasting::Transient);
        self.sum_up(job, told, reply, result, elapsed)
    }

    fn every(&self, job: &Job, reply: &Reply, lasting: Lasting) -> Vec<Told> {
        let state = self.state_after(lasting, Blame::Message);
        let told = |&index| Told {
            index,
            state,
            reply: reply.clone(),
        };
        job.indexes.iter().chain(job.rest()).map(told).collect()
    }

    /// A permanent refusal ends a recipient only where the office chose that (`permanent_failures = "fail"`).
    fn state_after(&self, lasting: Lasting, blame: Blame) -> RecipientState {
        if self.schedule.ends_at_once(lasting, blame) {
            RecipientState::Failed
        } else {
            RecipientState::Pending
        }
    }

    fn sum_up(
        &self,
        job: &Job,
        told: Vec<Told>,
        summary: &Reply,
        result: Option<AttemptResult>,
        elapsed: Duration,
    ) -> Outcome {
        let earlier = job.earlier.others.iter().map(|told| Told {
            index: told.index,
            state: told.state,
            reply: told.reply.clone(),
        });
        let told: Vec<_> = earlier.chain(told).collect();
        let count = |state| told.iter().filter(|t| t.state == state).count();
        let (sent, failed, pending) = (
            job.earlier.accepted + count(RecipientState::Sent),
            count(RecipientState::Failed),
            count(RecipientState::Pending),
        );
        let attempts = u32::from(job.lease.attempts) + 1;
        let next = match (pending, failed) {
            (0, 0) if !job.failed_before => Next::Sent,
            (0, _) => Next::Failed,
            _ => self.next(attempts, Lasting::Transient, Blame::Relay),
        };
        let result = result.unwrap_or(match (sent, pending + failed, next) {
            (_, 0, _) => AttemptResult::Sent,
            (0, _, Next::Failed) => AttemptResult::Failed,
            (0, _, _) => AttemptResult::Deferred,
            (_, _, _) => AttemptResult::Partial,
        });
        let gave_up = next == Next::Failed;
        let recipients = told.into_iter().map(|t| RecipientOutcome {
            index: t.index,
            state: if gave_up && t.state == RecipientState::Pending {
                RecipientState::Failed
            } else {
                t.state
            },
            reply: t.reply,
        });
        let attempt = AttemptRecord {
            started_at: job.started_at,
            duration: job.earlier.elapsed + elapsed,
            relay: self.relay.to_owned(),
            tls: self.tls.map(str::to_owned),
            result,
            reply: summary.clone(),
            trouble: None,
        };
        Outcome {
            id: job.lease.id,
            generation: job.lease.generation,
            attempt: Some(attempt),
            recipients: recipients.collect(),
            next,
        }
    }

    fn next(&self, attempts: u32, lasting: Lasting, blame: Blame) -> Next {
        match self
            .schedule
            .after_failure(attempts, lasting, blame, self.now, self.chance)
        {
            AfterFailure::Retry { at } => Next::Defer(at),
            AfterFailure::GiveUp => Next::Failed,
        }
    }
}

/// What a failure says of the relay's health.
fn failed(job: &Job, at: Phase, blame: Blame, reply: &Reply) -> Signal {
    let at = match (blame, phase(at)) {
        (Blame::Recipient | Blame::Message, _) => return Signal::Answered,
        (Blame::Sender, _) => FailedAt::Sender,
        (Blame::Relay, SmtpPhase::Mail | SmtpPhase::Rcpt | SmtpPhase::Data) => FailedAt::Transaction,
        (Blame::Relay, SmtpPhase::Content) => FailedAt::Content,
        (
            Blame::Relay,
            SmtpPhase::Connect | SmtpPhase::Tls | SmtpPhase::Greeting | SmtpPhase::Ehlo | SmtpPhase::Auth,
        ) => FailedAt::Session,
    };
    Signal::Failed(RelayFailure {
        sender: job.sender,
        at,
        reply: reply.clone(),
    })
}

fn set_trouble(outcome: &mut Outcome, trouble: Option<Trouble>) {
    if let Some(attempt) = &mut outcome.attempt {
        attempt.trouble = trouble;
    }
}

/// The lease ends without an attempt, at no cost.
pub(crate) fn untried(lease: &Leased) -> Judgement {
    let outcome = Outcome {
        id: lease.id,
        generation: lease.generation,
        attempt: None,
        recipients: Vec::new(),
        next: Next::GiveBack,
    };
    Judgement {
        outcome,
        signal: Signal::Untried,
    }
}
