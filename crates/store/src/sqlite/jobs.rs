//! Jobs as rows: kept, read, moved on, ended.

use postroom_domain::{MessageId, OfficeId, Rule, Timestamp, UserId};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit;
use super::codes::{from_json, to_json};
use crate::StoreError;
use crate::contract::{
    Actor, AuditAction, AuditEntry, AuditNote, IdsDigest, ItemOutcome, Job, JobEnd, JobId, JobItem, JobState,
    JobView, NewJob, Verb,
};

/// Jobs that one person may have under way.
const RUNNING_MAX: i64 = 10;
/// Jobs of one page.
const JOBS_MAX: u32 = 100;
/// Items of one page.
const ITEMS_PAGE: u32 = 200;
/// Items that are kept of one job.
const ITEMS_MAX: u64 = 10_000;
/// How long a job that ended is kept, in microseconds: 30 days.
const KEPT_US: i64 = 30 * 86_400_000_000;

const COLUMNS: &str = "SELECT id, owner, office, verb, which, as_of, cursor, total, done, skipped, refused, state, \
                       reason, started_at, ended_at FROM job";

/// Keeps a new job, and forgets a little of those that ended long ago.
pub(crate) fn start(conn: &Connection, job: &NewJob) -> Result<JobId, StoreError> {
    let owner = job.owner.to_string();
    let (seen, whose) = condition(view_of(conn, job.owner)?);
    let running: i64 = conn
        .prepare_cached(&format!("SELECT count(*) FROM job WHERE state = 0 AND {seen}"))?
        .query_row([whose], |row| row.get(0))?;
    if running >= RUNNING_MAX {
        return Err(StoreError::TooMuch(
            "ten jobs of yours are under way: wait or cancel one",
        ));
    }
    forget(conn, job.now)?;
    conn.prepare_cached(
        "INSERT INTO job (owner, office, verb, which, as_of, total, digest, started_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, zeroblob(32), ?7)",
    )?
    .execute(params![
        owner,
        job.office.map(|office| office.0),
        job.verb.name(),
        to_json(&job.which)?,
        job.as_of.ord(),
        i64::try_from(job.total).unwrap_or(i64::MAX),
        job.now.as_micros()
    ])?;
    let id = JobId(conn.last_insert_rowid());
    let mut entry = AuditEntry::new(
        job.now,
        &AuditNote::by(job.owner),
        AuditAction::JobStart,
        subject(id),
    )
    .with("action", job.verb.name())
    .with("as_of", job.as_of.to_string());
    entry.office = job.office;
    entry.count = job.total;
    audit::append(conn, &entry)?;
    Ok(id)
}

fn forget(conn: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let before = now.as_micros() - KEPT_US;
    conn.prepare_cached(
        "DELETE FROM job_item WHERE (job, ord) IN (SELECT i.job, i.ord FROM job_item i JOIN job j ON j.id = i.job
         WHERE j.state <> 0 AND j.ended_at < ?1 LIMIT 256)",
    )?
    .execute([before])?;
    conn.prepare_cached(
        "DELETE FROM job WHERE state <> 0 AND ended_at < ?1 AND NOT EXISTS
         (SELECT 1 FROM job_item WHERE job_item.job = job.id)",
    )?
    .execute([before])?;
    Ok(())
}

fn subject(id: JobId) -> String {
    format!("job {}", id.0)
}

/// A job.
pub(crate) fn job(conn: &Connection, id: JobId) -> Result<Option<Job>, StoreError> {
    let kept = conn
        .prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?
        .query_row([id.0], Kept::read)
        .optional()?;
    kept.map(Kept::into_job).transpose()
}

/// A job of a view.
pub(crate) fn job_in(conn: &Connection, view: JobView, id: JobId) -> Result<Option<Job>, StoreError> {
    let (seen, whose) = condition(view);
    let kept = conn
        .prepare_cached(&format!("{COLUMNS} WHERE id = ?2 AND {seen}"))?
        .query_row(params![whose, id.0], Kept::read)
        .optional()?;
    kept.map(Kept::into_job).transpose()
}

/// The latest jobs of a view.
pub(crate) fn jobs(conn: &Connection, view: JobView) -> Result<Vec<Job>, StoreError> {
    let (seen, whose) = condition(view);
    let kept: Vec<Kept> = conn
        .prepare_cached(&format!("{COLUMNS} WHERE {seen} ORDER BY id DESC LIMIT ?2"))?
        .query_map(params![whose, JOBS_MAX], Kept::read)?
        .collect::<Result<_, _>>()?;
    kept.into_iter().map(Kept::into_job).collect()
}

/// What is true of a view's jobs, with its parameter `?1`.
fn condition(view: JobView) -> (&'static str, Value) {
    match view {
        JobView::Everything => ("?1 IS NULL", Value::Null),
        JobView::Person(UserId(user)) => (
            "owner IN (SELECT 'user:' || ?1 UNION ALL SELECT 'key:' || id FROM api_key WHERE user = ?1)",
            Value::Integer(user),
        ),
        JobView::Actor(actor) => ("owner = ?1", Value::Text(actor.to_string())),
    }
}

/// Whose jobs an actor's count among: a person's key is that person.
fn view_of(conn: &Connection, owner: Actor) -> Result<JobView, StoreError> {
    let user = match owner {
        Actor::User(user) => Some(user),
        Actor::Key(key) => conn
            .prepare_cached("SELECT user FROM api_key WHERE id = ?1")?
            .query_row([key.0], |row| row.get::<_, Option<i64>>(0))
            .optional()?
            .flatten()
            .map(UserId),
        Actor::Operator | Actor::System => None,
    };
    Ok(user.map_or(JobView::Actor(owner), JobView::Person))
}

/// Every job under way.
pub(crate) fn running(conn: &Connection) -> Result<Vec<Job>, StoreError> {
    let kept: Vec<Kept> = conn
        .prepare_cached(&format!("{COLUMNS} WHERE state = 0 ORDER BY id"))?
        .query_map([], Kept::read)?
        .collect::<Result<_, _>>()?;
    let mut jobs = Vec::with_capacity(kept.len());
    for job in kept {
        match job.into_job() {
            Ok(job) => jobs.push(job),
            // The others go on.
            Err(error) if error.is_of_content() => tracing::error!(%error, "a stored job is damaged"),
            Err(error) => return Err(error),
        }
    }
    Ok(jobs)
}

struct Kept {
    owner: String,
    verb: String,
    which: String,
    job: [i64; 8],
    office: Option<i64>,
    reason: Option<String>,
    started_at: i64,
    ended_at: Option<i64>,
}

impl Kept {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            job: [
                row.get(0)?,
                row.get(5)?,
                row.get(6)?,
                row.get(7)?,
                row.get(8)?,
                row.get(9)?,
                row.get(10)?,
                row.get(11)?,
            ],
            owner: row.get(1)?,
            office: row.get(2)?,
            verb: row.get(3)?,
            which: row.get(4)?,
            reason: row.get(12)?,
            started_at: row.get(13)?,
            ended_at: row.get(14)?,
        })
    }

    fn into_job(self) -> Result<Job, StoreError> {
        let [id, as_of, cursor, total, done, skipped, refused, state] = self.job;
        let corrupt = |what: &str| StoreError::Corrupt(format!("job {id}: {what}"));
        let number = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok(Job {
            id: JobId(id),
            owner: self.owner.parse().map_err(|()| corrupt("owner"))?,
            office: self.office.map(OfficeId),
            verb: Verb::from_name(&self.verb).ok_or_else(|| corrupt("verb"))?,
            which: from_json("job.which", &self.which)?,
            as_of: MessageId::from_ord(as_of),
            cursor: MessageId::from_ord(cursor),
            total: number(total),
            done: number(done),
            skipped: number(skipped),
            refused: number(refused),
            state: JobState::ALL
                .into_iter()
                .find(|known| known.number() == state)
                .ok_or_else(|| corrupt("state"))?,
            reason: self.reason,
            started_at: Timestamp::from_micros(self.started_at),
            ended_at: self.ended_at.map(Timestamp::from_micros),
        })
    }
}

/// What a step came to.
pub(crate) struct Progress {
    /// What it was done to, in order.
    pub(crate) done: Vec<MessageId>,
    /// What it was not done to.
    pub(crate) items: Vec<JobItem>,
    /// Up to which id was looked.
    pub(crate) upto: MessageId,
}

/// Moves a job on; one that has looked at all is done.
pub(crate) fn advance(
    conn: &Connection,
    job: &Job,
    progress: &Progress,
    note: &AuditNote,
    now: Timestamp,
) -> Result<(), StoreError> {
    let count = |outcome| {
        progress
            .items
            .iter()
            .filter(|item| item.outcome == outcome)
            .count()
    };
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let digest: [u8; 32] = conn
        .prepare_cached("SELECT digest FROM job WHERE id = ?1")?
        .query_row([job.id.0], |row| row.get(0))?;
    let digest = progress
        .done
        .iter()
        .fold(IdsDigest(digest), |digest, &id| digest.then(id));
    conn.prepare_cached(
        "UPDATE job SET cursor = ?2, done = done + ?3, skipped = skipped + ?4, refused = refused + ?5, digest = ?6
         WHERE id = ?1",
    )?
    .execute(params![
        job.id.0,
        progress.upto.ord(),
        number(progress.done.len()),
        number(count(ItemOutcome::Skipped)),
        number(count(ItemOutcome::Refused)),
        digest.0
    ])?;
    if job.skipped + job.refused < ITEMS_MAX {
        keep_items(conn, job.id, &progress.items)?;
    }
    if progress.upto >= job.as_of {
        let visited = job.done + job.skipped + job.refused;
        let now_visited = u64::try_from(progress.done.len() + progress.items.len()).unwrap_or(u64::MAX);
        let missed = job.total.saturating_sub(visited + now_visited);
        let reason = (missed > 0).then(|| {
            format!(
                "{missed} of them were not found any more: they were deleted, match no more, or whoever started it may not see them"
            )
        });
        finish(conn, job.id, JobState::Done, reason.as_deref(), note, now)?;
    }
    Ok(())
}

fn keep_items(conn: &Connection, job: JobId, items: &[JobItem]) -> Result<(), StoreError> {
    let mut insert = conn.prepare_cached(
        "INSERT OR REPLACE INTO job_item (job, ord, refused, reason, rule) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for item in items {
        let refused = i64::from(item.outcome == ItemOutcome::Refused);
        let rule = item.rule.map(Rule::name);
        insert.execute(params![job.0, item.id.ord(), refused, item.reason, rule])?;
    }
    Ok(())
}

/// Ends a job early; `false` where it had ended.
pub(crate) fn end(
    conn: &Connection,
    id: JobId,
    end: &JobEnd,
    note: &AuditNote,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(found) = job(conn, id)?.filter(|job| job.state == JobState::Running) else {
        return Ok(false);
    };
    match end {
        JobEnd::Cancelled => {
            let mut entry = AuditEntry::new(now, note, AuditAction::JobCancel, subject(id));
            entry.office = found.office;
            audit::append(conn, &entry)?;
            finish(
                conn,
                id,
                JobState::Cancelled,
                None,
                &AuditNote::by(found.owner),
                now,
            )?;
        }
        JobEnd::Stopped(reason) => finish(conn, id, JobState::Stopped, Some(reason), note, now)?,
    }
    Ok(true)
}

/// Writes how a job ended, and to what it was done.
fn finish(
    conn: &Connection,
    id: JobId,
    state: JobState,
    reason: Option<&str>,
    note: &AuditNote,
    now: Timestamp,
) -> Result<(), StoreError> {
    let digest: [u8; 32] = conn
        .prepare_cached(
            "UPDATE job SET state = ?2, reason = ?3, ended_at = ?4 WHERE id = ?1 RETURNING digest",
        )?
        .query_row(params![id.0, state.number(), reason, now.as_micros()], |row| {
            row.get(0)
        })?;
    let Some(job) = job(conn, id)? else {
        return Ok(());
    };
    let action = match job.verb {
        _ if job.which.failed_by.is_some() => AuditAction::Replay,
        Verb::Requeue => AuditAction::Requeue,
        Verb::Resend => AuditAction::Resend,
        Verb::Delete => AuditAction::Delete,
        Verb::Hold => AuditAction::Hold,
        Verb::Release => AuditAction::Release,
    };
    let mut entry = AuditEntry::new(now, note, action, subject(id))
        .with("ended", state.name())
        .with("skipped", job.skipped)
        .with("refused", job.refused);
    entry.office = job.office;
    entry.count = job.done;
    entry.ids_digest = Some(digest);
    audit::append(conn, &entry)
}

/// A page of what a job did not do.
pub(crate) fn items(
    conn: &Connection,
    id: JobId,
    after: Option<MessageId>,
) -> Result<Vec<JobItem>, StoreError> {
    let after = after.map_or(-1, MessageId::ord);
    Ok(conn
        .prepare_cached(
            "SELECT ord, refused, reason, rule FROM job_item WHERE job = ?1 AND ord > ?2 ORDER BY ord LIMIT ?3",
        )?
        .query_map(params![id.0, after, ITEMS_PAGE], |row| {
            Ok(JobItem {
                id: MessageId::from_ord(row.get(0)?),
                outcome: if row.get::<_, i64>(1)? == 0 {
                    ItemOutcome::Skipped
                } else {
                    ItemOutcome::Refused
                },
                reason: row.get(2)?,
                rule: row
                    .get::<_, Option<String>>(3)?
                    .and_then(|name| Rule::from_name(&name)),
            })
        })?
        .collect::<Result<_, _>>()?)
}
