//! Actions on all that match a filter.

use std::collections::BTreeMap;

use async_trait::async_trait;
use postroom_domain::action::Verdict;
use postroom_domain::{MessageId, Rule, Scope, Timestamp};
use rusqlite::Connection;

use super::forecast::{counted, is_counted, latest, look, permitted};
use super::group::Group;
use super::inbox::Lane;
use super::jobs::Progress;
use super::matcher::Matcher;
use super::probe::row_state;
use super::{SqliteStore, actions, enqueue, failures, jobs};
use crate::StoreError;
use crate::contract::{
    ActionOutcome, AuditNote, Authority, Bulk, Enqueue, Enqueued, Failures, Forecast, ItemOutcome, Job,
    JobEnd, JobId, JobItem, JobState, JobStep, JobView, NewJob, NewMessage, NoResend, Picked, Release,
    RightsAsOf, Verb, Which,
};

/// Messages of one step: the limit of an operation.
const STEP_MAX: u32 = 256;

/// Does a step of a job; `false` where it has gone on or ended meanwhile, or somebody's rights have changed.
fn step(group: &mut Group<'_>, step: &JobStep) -> Result<bool, StoreError> {
    let Some(job) = jobs::job(group.conn, step.job)? else {
        return Ok(false);
    };
    let is_next = job.state == JobState::Running && job.cursor == step.from;
    if !is_next || rights_as_of(group.conn)? != step.rights {
        return Ok(false);
    }
    let still = Matcher::new(group.conn, &step.who.see, &job.which)?.still(group.conn, &step.picked.ids)?;
    let (meant, mut items) = sift(&step.picked.ids, &still);
    let outcomes = match job.verb {
        Verb::Resend => resend(group, step, &meant)?,
        verb @ (Verb::Requeue | Verb::Delete | Verb::Hold | Verb::Release) => act(group, verb, step, &meant)?,
    };
    let mut done = Vec::with_capacity(meant.len());
    for (id, outcome) in meant.into_iter().zip(outcomes) {
        match outcome {
            None => done.push(id),
            Some(undone) => items.push(undone.of(id)),
        }
    }
    let progress = Progress {
        done,
        items,
        upto: step.picked.upto,
    };
    jobs::advance(group.conn, &job, &progress, &step.note, step.enqueue.now)?;
    Ok(true)
}

/// How often rights have been changed; triggers count it (0015_rights.sql).
fn rights_as_of(conn: &Connection) -> Result<RightsAsOf, StoreError> {
    let n = conn
        .prepare_cached("SELECT n FROM rights_change WHERE one = 1")?
        .query_row([], |row| row.get(0))?;
    Ok(RightsAsOf(n))
}

/// Parts what still matches from what does no more.
fn sift(ids: &[MessageId], still: &[bool]) -> (Vec<MessageId>, Vec<JobItem>) {
    let mut meant = Vec::with_capacity(ids.len());
    let mut items = Vec::new();
    for (&id, still) in ids.iter().zip(still) {
        if *still {
            meant.push(id);
        } else {
            let reason = "it does not match the filter any more".to_owned();
            items.push(Undone::skipped(reason).of(id));
        }
    }
    (meant, items)
}

/// `None` where it was done.
type Became = Option<Undone>;

/// Why nothing was done to a message.
struct Undone {
    outcome: ItemOutcome,
    reason: String,
    rule: Option<Rule>,
}

impl Undone {
    const fn skipped(reason: String) -> Self {
        Self {
            outcome: ItemOutcome::Skipped,
            reason,
            rule: None,
        }
    }

    const fn refused(reason: String, rule: Option<Rule>) -> Self {
        Self {
            outcome: ItemOutcome::Refused,
            reason,
            rule,
        }
    }

    fn of(self, id: MessageId) -> JobItem {
        JobItem {
            id,
            outcome: self.outcome,
            reason: self.reason,
            rule: self.rule,
        }
    }
}

fn act(
    group: &mut Group<'_>,
    verb: Verb,
    step: &JobStep,
    ids: &[MessageId],
) -> Result<Vec<Became>, StoreError> {
    let now = step.enqueue.now;
    let outcomes = match verb {
        Verb::Requeue => actions::requeue(group, &step.who, ids, now)?,
        Verb::Delete => actions::delete(group, &step.who, ids, now)?,
        Verb::Hold => actions::hold(group, &step.who, ids, step.note.actor, now)?,
        // Releasing past a limit is decided message by message, not for a whole job.
        Verb::Release => actions::release(group, &step.who, ids, Release::WithinLimits, now)?.0,
        Verb::Resend => {
            return Err(StoreError::Database(format!("a job cannot {}", verb.name())));
        }
    };
    Ok(outcomes
        .into_iter()
        .map(|outcome| became(verb, outcome))
        .collect())
}

fn became(verb: Verb, outcome: ActionOutcome) -> Became {
    match outcome {
        ActionOutcome::Done => None,
        ActionOutcome::WrongState(_) => Some(Undone::skipped(outcome.reason(verb))),
        ActionOutcome::NotFound
        | ActionOutcome::NotPermitted
        | ActionOutcome::HeldBack
        | ActionOutcome::Sending
        | ActionOutcome::Damaged
        | ActionOutcome::LiveLink
        | ActionOutcome::Paused
        | ActionOutcome::OverLimit { .. } => Some(Undone::refused(outcome.reason(verb), outcome.rule(verb))),
    }
}

/// Takes in the new messages of a resend whose originals still may be sent again.
fn resend(group: &mut Group<'_>, step: &JobStep, ids: &[MessageId]) -> Result<Vec<Became>, StoreError> {
    let made: BTreeMap<MessageId, &Result<NewMessage, NoResend>> =
        step.picked.ids.iter().copied().zip(&step.resend).collect();
    let mut messages = Vec::with_capacity(ids.len());
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(became) = now_refused(group.conn, &step.who, *id)? {
            outcomes.push(Some(became));
            continue;
        }
        let refused = match made.get(id) {
            None | Some(Err(NoResend::NotFound)) => Some(ActionOutcome::NotFound.reason(Verb::Resend)),
            Some(Err(NoResend::ContentGone)) => Some("its content is no longer kept".to_owned()),
            Some(Err(NoResend::Refused(refusal))) => Some(refusal.to_string()),
            Some(Ok(message)) => {
                messages.push((*message).clone());
                None
            }
        };
        outcomes.push(refused.map(|reason| Undone::refused(reason, None)));
    }
    if !messages.is_empty() {
        let op = Enqueue {
            messages,
            ..step.enqueue.clone()
        };
        match enqueue::enqueue(group, &op, &[])? {
            Enqueued::Accepted(_) | Enqueued::Replayed(_) => {}
            Enqueued::KeyReused => {
                return Err(StoreError::Database("a job has no idempotency key".to_owned()));
            }
        }
    }
    Ok(outcomes)
}

fn now_refused(conn: &Connection, who: &Authority, id: MessageId) -> Result<Became, StoreError> {
    let verb = Verb::Resend;
    let outcome = match row_state(conn, id)? {
        None => ActionOutcome::NotFound,
        Some(row) if !permitted(who, verb).sees(row.sender, row.office, row.category) => {
            ActionOutcome::NotPermitted
        }
        Some(row) if row.has_live_link() => ActionOutcome::LiveLink,
        Some(row) => match verb.verdict(row.state) {
            Verdict::Do => ActionOutcome::Done,
            Verdict::Skip => ActionOutcome::WrongState(row.state),
            Verdict::Busy => ActionOutcome::Sending,
        },
    };
    Ok(became(verb, outcome))
}

#[async_trait]
impl Bulk for SqliteStore {
    async fn foresee(
        &self,
        who: &Authority,
        verb: Verb,
        which: &Which,
        as_of: Option<MessageId>,
    ) -> Result<Forecast, StoreError> {
        let mut which = which.clone();
        if let Some(as_of) = as_of {
            // The first moment behind it: ids are times.
            let behind = Timestamp::from_micros(as_of.submitted_at().as_micros() + 1);
            which.filter.until = Some(which.filter.until.map_or(behind, |until| until.min(behind)));
        }
        let who = who.clone();
        if is_counted(&which) {
            let (who, which) = (who.clone(), which.clone());
            let counted = self
                .read(move |conn| {
                    let as_of = as_of.map_or_else(|| latest(conn), Ok)?;
                    counted(conn, &who, verb, &which, as_of)
                })
                .await?;
            if let Some(forecast) = counted {
                return Ok(forecast);
            }
        }
        let mut forecast = Forecast {
            as_of: match as_of {
                Some(as_of) => as_of,
                None => self.read(latest).await?,
            },
            done: 0,
            skipped: 0,
            refused: 0,
        };
        let mut after = MessageId::MIN;
        while after < forecast.as_of {
            let (who, which) = (who.clone(), which.clone());
            (after, forecast) = self
                .read(move |conn| {
                    let upto = look(conn, &who, verb, &which, after, &mut forecast)?;
                    Ok((upto, forecast))
                })
                .await?;
        }
        Ok(forecast)
    }

    async fn start_job(&self, job: NewJob) -> Result<JobId, StoreError> {
        self.writer
            .run(Lane::Hot, 0, move |group| jobs::start(group.conn, &job))
            .await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.readers.run(move |conn| jobs::job(conn, id)).await
    }

    async fn job_in(&self, view: JobView, id: JobId) -> Result<Option<Job>, StoreError> {
        self.readers.run(move |conn| jobs::job_in(conn, view, id)).await
    }

    async fn jobs(&self, view: JobView) -> Result<Vec<Job>, StoreError> {
        self.readers.run(move |conn| jobs::jobs(conn, view)).await
    }

    async fn running_jobs(&self) -> Result<Vec<Job>, StoreError> {
        self.readers.run(jobs::running).await
    }

    async fn rights_as_of(&self) -> Result<RightsAsOf, StoreError> {
        self.readers.run(rights_as_of).await
    }

    async fn pick(&self, job: &Job, who: &Authority, limit: u32) -> Result<Picked, StoreError> {
        let (see, which) = (who.see.clone(), job.which.clone());
        let (after, until) = (job.cursor, job.as_of);
        let limit = usize::try_from(limit.min(STEP_MAX)).unwrap_or(1);
        self.read(move |conn| Matcher::new(conn, &see, &which)?.pick(conn, after, until, limit))
            .await
    }

    async fn step(&self, op: JobStep) -> Result<bool, StoreError> {
        if op.picked.ids.len() > usize::try_from(STEP_MAX).unwrap_or(0) {
            return Err(StoreError::TooMuch("a step takes at most 256 messages"));
        }
        let bytes = op
            .resend
            .iter()
            .flatten()
            .map(|message| message.content.header.bytes.len() + message.content.body.bytes.len())
            .sum();
        self.writer
            .run(Lane::Background, bytes, move |group| step(group, &op))
            .await
    }

    async fn end_job(
        &self,
        id: JobId,
        end: JobEnd,
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let note = note.clone();
        self.writer
            .run(Lane::Hot, 0, move |group| {
                jobs::end(group.conn, id, &end, &note, now)
            })
            .await
    }

    async fn failures(&self, scope: &Scope, most: u32) -> Result<Failures, StoreError> {
        failures::failures(&self.readers, scope, most).await
    }

    async fn job_items(&self, id: JobId, after: Option<MessageId>) -> Result<Vec<JobItem>, StoreError> {
        self.readers.run(move |conn| jobs::items(conn, id, after)).await
    }
}
