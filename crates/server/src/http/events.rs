//! The event stream (DESIGN invariant 16): what changed on the page that somebody looks at.
//!
//! A stream sleeps until a commit touches its scope, gathers for a quarter of a second, and sends the latest rows
//! once. It holds no rows itself.

mod gather;

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use postroom_domain::MessageId;
use postroom_engine::EngineStatus;
use postroom_office::Principal;
use postroom_store::{ChangeSet, Filter, JobState, StoreError};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};
use tokio::time::Instant;

use self::gather::{Gathered, Told};
use super::App;
use super::auth::Caller;
use super::extract::Params;
use super::messages::filter::filter_of;
use super::problem::ApiError;
use super::wire::alerts::UnreadAlerts;
use super::wire::jobs::Job;
use super::wire::list::{Counts, ListQuery, Row};
use super::wire::problem::Problem;
use super::wire::status::Status;

/// Most ids that a stream watches.
const MOST_VISIBLE: usize = 200;
/// Least time between two frames: four a second.
const FRAME: Duration = Duration::from_millis(250);
/// Least time between two counts, and with a search, which costs more.
const COUNTS: Duration = Duration::from_secs(1);
const SEARCH_COUNTS: Duration = Duration::from_secs(5);
/// Least time between two statuses.
const STATUS: Duration = Duration::from_secs(2);
/// A stream ends after this time; the browser opens it anew, and rights are looked at again.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// Live changes: `rows`, `counts`, `new`, `status`, `jobs`, `alerts`, `resync`.
///
/// # Errors
/// 422 for a parameter that cannot be used, 503 `too_many_streams`.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "list",
    params(ListQuery, ("visible" = Option<String>, Query, description = "up to 200 ids, parted by commas")),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn events(
    State(app): State<App>,
    Caller(who): Caller,
    watched: Watched,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let Ok(place) = Arc::clone(&app.streams).try_acquire_owned() else {
        return Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_streams",
            "Too many people are watching",
            "the list works without live changes: reload it, or try again later",
        )
        .after(Duration::from_secs(30)));
    };
    let filter = filter_of(&watched.query, &who)?;
    let watcher = Watcher::new(app, who, filter, watched.visible, place);
    let events = stream::unfold(watcher, Watcher::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))))
}

/// The list's parameters and the ids in view.
pub(super) struct Watched {
    query: ListQuery,
    visible: Vec<MessageId>,
}

impl<S: Send + Sync> FromRequestParts<S> for Watched {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let (others, visible) = split(parts.uri.query().unwrap_or(""));
        if visible.len() > MOST_VISIBLE {
            let detail = format!("visible: at most {MOST_VISIBLE} ids are watched");
            return Err(ApiError::bad_parameter("visible", detail));
        }
        let uri: Uri = format!("/?{others}")
            .parse()
            .map_err(|_| ApiError::bad_parameter("query", "the query is too long"))?;
        if let Ok(Query(query)) = Query::<ListQuery>::try_from_uri(&uri) {
            return Ok(Self { query, visible });
        }
        // Read again as a plain list's query, for its words.
        parts.uri = uri;
        let Params(query) = Params::from_request_parts(parts, state).await?;
        Ok(Self { query, visible })
    }
}

/// Parts the ids in view from the list's own parameters.
fn split(query: &str) -> (String, Vec<MessageId>) {
    let mut visible = Vec::new();
    let mut others = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name == "visible" {
            visible.extend(
                value
                    .split(',')
                    .filter_map(|id| id.trim().parse::<MessageId>().ok()),
            );
        } else {
            others.append_pair(&name, &value);
        }
    }
    (others.finish(), visible)
}

/// One open stream.
struct Watcher {
    app: App,
    who: Arc<Principal>,
    people: watch::Receiver<u64>,
    filter: Option<Filter>,
    changes: broadcast::Receiver<Arc<ChangeSet>>,
    relays: Option<watch::Receiver<EngineStatus>>,
    jobs: watch::Receiver<u64>,
    jobs_stale: bool,
    last_jobs: Vec<Job>,
    gathered: Gathered,
    ready: VecDeque<Event>,
    next_frame: Instant,
    next_counts: Instant,
    next_status: Instant,
    last_counts: Option<Counts>,
    last_status: Option<Status>,
    ends_at: Instant,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    fn new(
        app: App,
        who: Arc<Principal>,
        filter: Option<Filter>,
        visible: Vec<MessageId>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let now = Instant::now();
        Self {
            changes: app.store.changes(),
            relays: app.engine.as_ref().map(|engine| engine.watch()),
            jobs: app.jobs.watch(),
            jobs_stale: true,
            last_jobs: Vec::new(),
            gathered: Gathered::new(visible),
            ready: VecDeque::new(),
            next_frame: now,
            next_counts: now,
            next_status: now,
            last_counts: None,
            last_status: None,
            ends_at: now + LIFE,
            people: app.authenticator.watch(),
            app,
            who,
            filter,
            _place: place,
        }
    }

    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            let due = self.due();
            tokio::select! {
                () = self.app.supervisor.stopping().cancelled() => return None,
                () = tokio::time::sleep_until(self.ends_at) => return None,
                received = self.changes.recv() => match received {
                    Ok(set) => {
                        self.gathered.note(&set, &self.who.authority.see, self.filter.as_ref());
                        self.gathered.note_alerts(&set, self.who.me());
                    }
                    Err(RecvError::Lagged(_)) => self.gathered.resync(),
                    Err(RecvError::Closed) => return None,
                },
                changed = self.people.changed() => {
                    changed.ok()?;
                    self.look_again().await?;
                }
                () = relays_changed(&mut self.relays) => {
                    self.gathered.status_changed();
                    // An outage is told at once: within a second of the fact (SPEC Q4).
                    self.next_status = Instant::now();
                }
                Ok(()) = self.jobs.changed() => self.jobs_stale = true,
                () = tokio::time::sleep_until(due.unwrap_or(self.ends_at)), if due.is_some() => {
                    // A proxy may have ended by its date and a session by its time, which nobody tells of.
                    self.look_again().await?;
                    // An error of the store ends the stream; the browser comes back.
                    self.frame().await.ok()?;
                }
            }
        }
    }

    /// Rights are those of the moment: whoever lost some starts anew with what is left, and `None` ends the stream of
    /// whoever lost all.
    async fn look_again(&mut self) -> Option<()> {
        let who = self.app.authenticator.again(&self.who).await.ok()??;
        if !Arc::ptr_eq(&who, &self.who) && who.authority.see != self.who.authority.see {
            self.gathered.resync();
        }
        self.who = who;
        Some(())
    }

    /// When the next frame goes out; `None` while there is nothing to tell.
    fn due(&self) -> Option<Instant> {
        let g = &self.gathered;
        let rows = g.has_rows().then_some(self.next_frame);
        let counts = g.counts_stale().then(|| self.next_counts.max(self.next_frame));
        let status = g.status_stale().then(|| self.next_status.max(self.next_frame));
        let jobs = self.jobs_stale.then_some(self.next_frame);
        let alerts = g.alerts_stale().then_some(self.next_frame);
        [rows, counts, status, jobs, alerts].into_iter().flatten().min()
    }

    /// Puts together what is due.
    async fn frame(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        self.next_frame = now + FRAME;
        if self.gathered.take_resync() {
            self.last_status = None;
            self.push("resync", &serde_json::json!({}));
        }
        self.rows().await?;
        if let Some(n) = self.gathered.take_new() {
            self.push("new", &serde_json::json!({ "n": n }));
        }
        if self.gathered.counts_stale() && self.next_counts <= now {
            self.gathered.counts_told();
            self.counts(now).await?;
        }
        if std::mem::take(&mut self.jobs_stale) {
            self.jobs().await?;
        }
        if self.gathered.take_alerts() {
            self.alerts().await?;
        }
        if self.gathered.status_stale() && self.next_status <= now {
            self.gathered.status_told();
            self.status(now).await?;
        }
        Ok(())
    }

    /// The status where it is another one: mail that somebody does not see moves without a word to them.
    async fn status(&mut self, now: Instant) -> Result<(), StoreError> {
        self.next_status = now + STATUS;
        let status = super::status::read(&self.app, &self.who).await?;
        if self.last_status.as_ref() != Some(&status) {
            self.push("status", &status);
            self.last_status = Some(status);
        }
        Ok(())
    }

    async fn rows(&mut self) -> Result<(), StoreError> {
        let Told { changed, mut deleted } = self.gathered.take_rows();
        let opening = self.gathered.take_opening();
        if changed.is_empty() && deleted.is_empty() {
            return Ok(());
        }
        let rows = self.app.store.rows(&self.who.authority.see, &changed).await?;
        if opening {
            let found: HashSet<MessageId> = rows.iter().map(|row| row.id).collect();
            deleted.extend(changed.into_iter().filter(|id| !found.contains(id)));
        }
        let told: Vec<RowEvent> = rows
            .into_iter()
            .map(|row| RowEvent::Row(Box::new(row.into())))
            .chain(deleted.into_iter().map(|id| RowEvent::Deleted {
                id: id.to_string(),
                deleted: true,
            }))
            .collect();
        if !told.is_empty() {
            self.push("rows", &serde_json::json!({ "rows": told }));
        }
        Ok(())
    }

    async fn counts(&mut self, now: Instant) -> Result<(), StoreError> {
        let Some(filter) = &self.filter else {
            return Ok(());
        };
        self.next_counts = now
            + if filter.search.is_some() {
                SEARCH_COUNTS
            } else {
                COUNTS
            };
        let counts: Counts = self
            .app
            .store
            .counts(&self.who.authority.see, filter)
            .await?
            .into();
        if self.last_counts.as_ref() != Some(&counts) {
            self.push("counts", &counts);
            self.last_counts = Some(counts);
        }
        Ok(())
    }

    /// Tells of one's own jobs under way, those of one's API keys among them, and once of those that have ended since.
    async fn jobs(&mut self) -> Result<(), StoreError> {
        let jobs = self.app.store.jobs(self.who.jobs()).await?;
        let jobs: Vec<Job> = jobs
            .into_iter()
            .filter(|job| {
                let was_running = |known: &Job| known.id == job.id.0 && known.ended_at.is_none();
                job.state == JobState::Running || self.last_jobs.iter().any(was_running)
            })
            .map(Into::into)
            .collect();
        if jobs != self.last_jobs {
            self.push("jobs", &serde_json::json!({ "jobs": jobs }));
            self.last_jobs = jobs;
        }
        Ok(())
    }

    /// The person's own alerts: how many are unread, and the newest.
    async fn alerts(&mut self) -> Result<(), StoreError> {
        if let Some(me) = self.who.me() {
            let unread: UnreadAlerts = self.app.store.unread_alerts(me).await?.into();
            self.push("alerts", &unread);
        }
        Ok(())
    }

    fn push<T: Serialize>(&mut self, name: &str, data: &T) {
        // JSON of our own types always fits an event: it has no line end.
        if let Ok(event) = Event::default().event(name).json_data(data) {
            self.ready.push_back(event);
        }
    }
}

/// A row of a `rows` event.
#[derive(Serialize)]
#[serde(untagged)]
enum RowEvent {
    Row(Box<Row>),
    Deleted { id: String, deleted: bool },
}

/// Waits for a relay to go down or come up; for ever where nothing delivers.
async fn relays_changed(relays: &mut Option<watch::Receiver<EngineStatus>>) {
    if let Some(receiver) = relays
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
