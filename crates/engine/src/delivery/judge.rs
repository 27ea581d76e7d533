//! Decides what an attempt means: for each recipient, for the message, for the relay (SPEC S2, S3, D2, D3).

use std::time::Duration;

use postroom_domain::classify::{Heard, SmtpPhase, classify};
use postroom_domain::retry::{AfterFailure, Chance, RetrySchedule};
use postroom_domain::{Blame, EnhancedCode, Lasting, RecipientState, Reply, Timestamp, Trouble, trouble};
use postroom_smtp::client::{
    Answers, Cause, LocalFault, Missing, Outcome as Spoken, Phase, SessionError, Verdict,
};
use postroom_store::{
    AttemptRecord, AttemptResult, Leased, Next, Outcome, PendingRecipient, RecipientOutcome,
};

use super::prepare::Job;

/// What an attempt says of the relay's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    /// It took or judged the message.
    Answered,
    /// It failed, in these words.
    Failed(Reply),
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

impl Judge<'_> {
    /// Judges what a session said about a job.
    pub(crate) fn judge(&self, job: &Job, spoken: &Spoken, elapsed: Duration) -> Judgement {
        match spoken {
            Spoken::Finished(answers) => self.answered(job, answers, elapsed),
            Spoken::Uncertain(error) => {
                let reply = words(error);
                let signal = Signal::Failed(reply.clone());
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
        let (signal, told) = if blame == Blame::Relay {
            (
                Signal::Failed(reply.clone()),
                self.every(job, &reply, Lasting::Transient),
            )
        } else {
            (Signal::Answered, self.every(job, &reply, lasting))
        };
        let mut outcome = self.sum_up(job, told, &reply, None, elapsed);
        set_trouble(&mut outcome, trouble_of(error));
        Judgement { outcome, signal }
    }

    /// An attempt that no session can speak of: a crash cut it off, or the content cannot be read.
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

    fn answered(&self, job: &Job, answers: &Answers, elapsed: Duration) -> Judgement {
        let mut signal = Signal::Answered;
        let (mut summary, mut wrong) = (None, None);
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
                    if blame == Blame::Relay {
                        signal = Signal::Failed(reply.clone());
                    }
                    wrong = wrong.or_else(|| trouble(phase(at), heard));
                    summary.get_or_insert_with(|| reply.clone());
                    (self.state_after(lasting, blame), reply)
                }
            };
            told.push(Told { index, state, reply });
        }
        let summary = summary.or_else(|| told.first().map(|t| t.reply.clone()));
        let summary = summary.unwrap_or_else(|| Reply::none("the message has no recipient left to try"));
        let mut outcome = self.sum_up(job, told, &summary, None, elapsed);
        set_trouble(&mut outcome, wrong);
        Judgement { outcome, signal }
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
        job.indexes.iter().map(told).collect()
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
        let count = |state| told.iter().filter(|t| t.state == state).count();
        let (sent, failed, pending) = (
            count(RecipientState::Sent),
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
            duration: elapsed,
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

fn set_trouble(outcome: &mut Outcome, trouble: Option<Trouble>) {
    if let Some(attempt) = &mut outcome.attempt {
        attempt.trouble = trouble;
    }
}

/// What a failed session says of the settings; the client knows some causes that no reply tells.
fn trouble_of(error: &SessionError) -> Option<Trouble> {
    match &error.cause {
        Cause::Unresolved { .. } | Cause::Forbidden { .. } => Some(Trouble::Settings),
        Cause::Token(_) | Cause::Missing(Missing::Token) => Some(Trouble::Token),
        Cause::Missing(Missing::StartTls | Missing::TlsForAuth) => Some(Trouble::Tls),
        Cause::Missing(Missing::Auth | Missing::Mechanism | Missing::Xoauth2) => Some(Trouble::Auth),
        Cause::Io(_)
        | Cause::Timeout(_)
        | Cause::Closed
        | Cause::Refused(_)
        | Cause::Unexpected(_)
        | Cause::Garbage(_)
        | Cause::Tls(_)
        | Cause::PlainTextBehindStartTls => trouble(phase(error.phase), heard(error)),
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

/// The relay's words, or ours where it said none, within the length that is kept.
fn words(error: &SessionError) -> Reply {
    error
        .reply()
        .map_or_else(|| Reply::none(shortened(&error.to_string())), spoken)
}

fn spoken(reply: &postroom_smtp::reply::Reply) -> Reply {
    let enhanced = reply.enhanced.map(|e| EnhancedCode(e.class, e.subject, e.detail));
    let mut text = String::new();
    for line in reply.lines() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(line);
    }
    Reply {
        code: reply.code,
        enhanced,
        text: shortened(&text),
    }
}

fn shortened(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .scan(0, |used, c| {
            *used += c.len_utf8();
            (*used <= Reply::MAX_TEXT_BYTES).then_some(c)
        })
        .collect()
}

fn heard(error: &SessionError) -> Heard {
    error.reply().map_or(Heard::Nothing, |reply| Heard::Reply {
        code: reply.code,
        enhanced: reply.enhanced.map(|e| EnhancedCode(e.class, e.subject, e.detail)),
    })
}

const fn phase(phase: Phase) -> SmtpPhase {
    match phase {
        Phase::Connect => SmtpPhase::Connect,
        Phase::Greeting => SmtpPhase::Greeting,
        Phase::Ehlo | Phase::Quit => SmtpPhase::Ehlo,
        Phase::StartTls | Phase::Tls => SmtpPhase::Tls,
        Phase::Auth => SmtpPhase::Auth,
        Phase::Mail => SmtpPhase::Mail,
        Phase::Rcpt => SmtpPhase::Rcpt,
        Phase::Data => SmtpPhase::Data,
        Phase::Content | Phase::FinalDot => SmtpPhase::Content,
    }
}
