//! Actions on all that match a filter: a forecast, and jobs that do them in steps (SPEC C4, DESIGN invariant 20).
//!
//! A job has an `as_of`: the largest id that was committed when it began. It walks the ids from old to new up to it,
//! at most 256 at a step. A step rechecks filter and rights in the transaction of its changes, which also moves the
//! job's cursor: each message is visited once, whatever is stopped or killed in between, and
//! `done + skipped + refused` is the number of messages visited.

use async_trait::async_trait;
use postroom_domain::{
    FailureCause, MessageId, OfficeId, Refusal, Reply, RouteId, Rule, Scope, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

pub use postroom_domain::action::Verb;

use super::audit::{Actor, AuditNote};
use super::list::Filter;
use super::queue::{Authority, Enqueue, NewMessage};
use crate::StoreError;

/// Does things to all messages that match a filter.
#[async_trait]
pub trait Bulk: Send + Sync {
    /// What doing `verb` would come to now: exact, also with a search.
    ///
    /// # Errors
    /// Those of the store.
    async fn foresee(
        &self,
        who: &Authority,
        verb: Verb,
        which: &Which,
        as_of: Option<MessageId>,
    ) -> Result<Forecast, StoreError>;

    /// Keeps a job; it is done by [`Bulk::pick`] and [`Bulk::step`].
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] where its owner has ten jobs under way; a person and their API keys count as one.
    async fn start_job(&self, job: NewJob) -> Result<JobId, StoreError>;

    /// A job.
    ///
    /// # Errors
    /// Those of the store.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// A job, where it is one of a view's.
    ///
    /// # Errors
    /// Those of the store.
    async fn job_in(&self, view: JobView, id: JobId) -> Result<Option<Job>, StoreError>;

    /// The latest jobs of a view, newest first, at most 100.
    ///
    /// # Errors
    /// Those of the store.
    async fn jobs(&self, view: JobView) -> Result<Vec<Job>, StoreError>;

    /// Every job under way.
    ///
    /// # Errors
    /// Those of the store.
    async fn running_jobs(&self) -> Result<Vec<Job>, StoreError>;

    /// How often somebody's rights have been changed so far. A step names what it was before its rights were worked out.
    ///
    /// # Errors
    /// Those of the store.
    async fn rights_as_of(&self) -> Result<RightsAsOf, StoreError>;

    /// The messages of a job's next step, of those that `who` sees, at most `limit` (256). Changes nothing.
    ///
    /// # Errors
    /// Those of the store.
    async fn pick(&self, job: &Job, who: &Authority, limit: u32) -> Result<Picked, StoreError>;

    /// Does a step of a job, with its progress, in one transaction; `false` where the job has gone on or ended
    /// meanwhile, or somebody's rights were changed since `step.rights`, and nothing was done.
    ///
    /// # Errors
    /// Those of the store; nothing was done.
    async fn step(&self, step: JobStep) -> Result<bool, StoreError>;

    /// Ends a job before it is done; `false` where it had ended.
    ///
    /// # Errors
    /// Those of the store.
    async fn end_job(
        &self,
        id: JobId,
        end: JobEnd,
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The newest failed mail of the scope, at most so many messages, in groups.
    ///
    /// # Errors
    /// Those of the store.
    async fn failures(&self, scope: &Scope, most: u32) -> Result<Failures, StoreError>;

    /// What a job did not do, by id from behind `after`, at most 200 a page. The first 10,000 are kept.
    ///
    /// # Errors
    /// Those of the store.
    async fn job_items(&self, id: JobId, after: Option<MessageId>) -> Result<Vec<JobItem>, StoreError>;
}

/// Which messages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Which {
    /// Those that match.
    pub filter: Filter,
    /// But not these, at most 1,000.
    pub except: Vec<MessageId>,
    /// Only those whose last attempt failed by this.
    pub failed_by: Option<FailedBy>,
}

/// What mail failed by (C6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FailedBy {
    /// The way out.
    pub route: RouteId,
    /// The cause.
    pub cause: FailureCause,
}

/// Failed mail in groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures {
    /// The groups, the largest first.
    pub groups: Vec<FailureGroup>,
    /// Whether that is all failed mail; else the counts say "at least", and older mail may have other causes.
    pub complete: bool,
}

/// Failed mail of one cause on one way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureGroup {
    /// What it failed by.
    pub by: FailedBy,
    /// How many messages.
    pub count: u64,
    /// The latest of them.
    pub latest: MessageId,
    /// When it failed.
    pub latest_at: Option<Timestamp>,
    /// What was said about it.
    pub reply: Option<Reply>,
}

/// What an action would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// The largest id that it looked at.
    pub as_of: MessageId,
    /// To how many messages it would be done.
    pub done: u64,
    /// For how many it makes no sense.
    pub skipped: u64,
    /// For how many it would be refused.
    pub refused: u64,
}

impl Forecast {
    /// How many messages match.
    pub const fn total(&self) -> u64 {
        self.done + self.skipped + self.refused
    }
}

/// Names a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

/// Whose jobs are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobView {
    /// Everybody's.
    Everything,
    /// A person's: those that they started themself, and those of their API keys, also of keys that have ended (V6).
    Person(UserId),
    /// Those that one actor started: an office's key, or the operator.
    Actor(Actor),
}

/// A job to keep.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Whose it is: it does what this person may at each step.
    pub owner: Actor,
    /// The owner's office.
    pub office: Option<OfficeId>,
    /// What to do.
    pub verb: Verb,
    /// To which messages.
    pub which: Which,
    /// Up to which id.
    pub as_of: MessageId,
    /// How many match.
    pub total: u64,
    /// When it began.
    pub now: Timestamp,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub owner: Actor,
    /// The owner's office.
    pub office: Option<OfficeId>,
    /// What it does.
    pub verb: Verb,
    /// To which messages.
    pub which: Which,
    /// Up to which id.
    pub as_of: MessageId,
    /// Up to which id it has looked.
    pub cursor: MessageId,
    /// How many matched when it began.
    pub total: u64,
    /// Done.
    pub done: u64,
    /// Made no sense, or matched no more.
    pub skipped: u64,
    /// Refused.
    pub refused: u64,
    /// How it stands.
    pub state: JobState,
    /// Why it stopped, where it did, or why it has visited less than `total`.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Under way.
    Running,
    /// It has visited all.
    Done,
    /// Somebody cancelled it; what was done stays done.
    Cancelled,
    /// It cannot go on.
    Stopped,
}

impl JobState {
    /// Every state, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Cancelled, Self::Stopped];

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::Running => 0,
            Self::Done => 1,
            Self::Cancelled => 2,
            Self::Stopped => 3,
        }
    }

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Stopped => "stopped",
        }
    }
}

/// Why a job ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// Somebody wants it so.
    Cancelled,
    /// It cannot go on, because of this.
    Stopped(String),
}

/// The messages of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// The messages, from old to new.
    pub ids: Vec<MessageId>,
    /// Up to which id was looked.
    pub upto: MessageId,
}

/// A step of a job.
#[derive(Debug, Clone)]
pub struct JobStep {
    /// The job.
    pub job: JobId,
    /// Where it stood when the step was picked.
    pub from: MessageId,
    /// What was picked.
    pub picked: Picked,
    /// What its owner may see and do now.
    pub who: Authority,
    /// Read before `who` was worked out: a step whose rights may have been taken meanwhile is not done.
    pub rights: RightsAsOf,
    /// For a resend: what becomes of each picked message, in their order; empty for other verbs.
    pub resend: Vec<Result<NewMessage, NoResend>>,
    /// The envelope of new messages: node and time; its own messages are not looked at.
    pub enqueue: Enqueue,
    /// Who is named in the audit log.
    pub note: AuditNote,
}

/// Counts changes of what somebody may see and do: rights, branches, proxies, office security, the tree of offices,
/// disabled people, ended keys. Equal numbers: nothing was changed in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RightsAsOf(pub i64);

/// Why a message is not sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoResend {
    /// No such message in what the person may act on.
    NotFound,
    /// Its content has been removed.
    ContentGone,
    /// Intake refuses it.
    Refused(Refusal),
}

/// A message that a job visited without doing anything to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobItem {
    /// The message.
    pub id: MessageId,
    /// Whether it was skipped or refused.
    pub outcome: ItemOutcome,
    /// Why, in a sentence.
    pub reason: String,
    /// The rule by which it was refused, where a rule about people refused it.
    pub rule: Option<Rule>,
}

/// How a message fared that nothing was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemOutcome {
    /// It made no sense.
    Skipped,
    /// It was refused.
    Refused,
}
