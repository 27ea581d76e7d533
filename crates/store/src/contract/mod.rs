//! What every backend must do, as traits by subject.

mod administration;
mod alerts;
mod audit;
mod bulk;
mod changes;
mod content;
mod drafts;
mod edit;
mod facts;
mod layouts;
mod limits;
mod list;
mod local;
mod measurements;
mod names;
mod pauses;
mod people;
mod queue;
mod settings;
mod situation;
mod sorted;
mod throttles;
mod upkeep;

pub use administration::{
    Account, Addressee, Administration, Branches, By, NewProxy, NewToken, OfficeChange, OpenKeys,
    PROXIES_MAX, Proxy, ProxyLevel, ProxyTerms, RESET_LINKS_MAX, SetUp, TokenPurpose, UserChange,
};
pub use alerts::{
    Alert, AlertId, AlertPage, AlertState, Alerts, Count, MailedAlerts, Mailing, Raise, RaiseBatch, Unread,
    WaitingSenders, WhichAlerts,
};
pub use audit::{
    Actor, Audit, AuditAction, AuditEntry, AuditHead, AuditNote, AuditRecord, AuditReport, AuditView,
    IdsDigest,
};
pub use bulk::{
    Bulk, FailedBy, FailureGroup, Failures, Forecast, ItemOutcome, Job, JobEnd, JobId, JobItem, JobState,
    JobStep, JobView, NewJob, NoResend, Picked, RightsAsOf, Verb, Which,
};
pub use changes::{Change, ChangeKind, ChangeSet, Changes, FactsWritten};
pub use content::{Content, ContentStore, Encoded, Packed};
pub use drafts::{DRAFTS_MAX, DraftId, DraftRow, Drafts, KeptDraft, NewDraft};
pub use edit::{Edit, Readdress, Readdressed};
pub use facts::{
    Consumer, DailyLimit, DamagedDetail, EdgeWritten, Fact, FactId, FactKind, Facts, FailedDetail,
    LimitDetail, NewFact, RelayDetail, RelayEdge, RelayKept, RelayTo, TroubleDetail, WaitingMail,
};
pub use layouts::{KeptLayout, LayoutOf, Layouts};
pub use limits::{
    ConfiguredLimits, LimitKey, Limits, LimitsNow, LimitsSet, SetLimits, Standing, USER_DAILY_LIMIT_DEFAULT,
    Usage, UsageOf,
};
pub use list::{
    Attempt, AttemptRecipient, Counts, Detail, Filter, List, More, Page, PageRequest, Place, RecipientDetail,
    Row, SearchQuery,
};
pub use local::{FormLetters, LocalSending};
pub use measurements::Measurements;
pub use names::{Names, NamesInScope};
pub use pauses::{Pause, PauseOf, Pauses};
pub use people::{
    ApiKey, KeyHash, NewApiKey, NewOffice, NewSession, NewUser, Office, OfficeSecurity, People, Rights,
    SOURCE_LASTS, SOURCES_MAX, Session, SignInClash, SignInSource, User,
};
pub use queue::{
    ActionOutcome, Admitted, AttemptRecord, AttemptResult, Authority, BodyType, ClockMove, Deliverable,
    Enqueue, Enqueued, Exhaust, Hold, IdempotencyClaim, LeaseRequest, Leased, Loaded, NewMessage,
    NewRecipient, Next, NodeLease, Outcome, OutcomeBatch, PendingRecipient, Promote, Promoted, Queue,
    QueueDepth, REVIVE_MOST, RecipientOutcome, RecipientRole, Recorded, Release, Revive, Settled, Shown,
    SmtpParameters, Submitter, Visited, Want,
};
pub use settings::{
    KeptRelay, OfficeSettings, Sealed, Settings, SmtpAuth, SmtpSettings, SmtpTls, SmtpTrust, TokenEndpoint,
    TokenGrant, route_of,
};
pub use situation::{Situation, Situations, Waits};
pub use sorted::{SortValue, Sorted, SortedEdge, SortedPage, SortedPlace, SortedRequest, Sorting};
pub use throttles::{StoredLimits, Throttles};
pub use upkeep::{CheckReport, ContentCheck, Upkeep};

/// A whole store: every subject of the contract.
pub trait Store:
    Queue
    + List
    + ContentStore
    + People
    + Upkeep
    + Changes
    + Audit
    + Bulk
    + Edit
    + Situations
    + Facts
    + Layouts
    + LocalSending
    + Sorting
    + Limits
    + Pauses
    + Administration
    + Alerts
    + Settings
    + Drafts
    + Names
    + Measurements
    + Throttles
{
}

impl<T> Store for T where
    T: Queue
        + List
        + ContentStore
        + People
        + Upkeep
        + Changes
        + Audit
        + Bulk
        + Edit
        + Situations
        + Facts
        + Layouts
        + LocalSending
        + Sorting
        + Limits
        + Pauses
        + Administration
        + Alerts
        + Settings
        + Drafts
        + Names
        + Measurements
        + Throttles
{
}
