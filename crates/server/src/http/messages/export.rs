//! The list as CSV (RFC 4180), streamed page by page from new to old.
//!
//! It begins with the newest message of its start and never turns back: what comes in later is not in it. Each row is
//! as it was when its page was read; a row that is deleted meanwhile is missing. A page takes a reader of the store for
//! milliseconds, so that nobody waits for somebody's export.

use std::collections::{HashSet, VecDeque};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;
use futures_util::stream;
use postroom_domain::{MessageId, Scope};
use postroom_store::{AuditAction, AuditEntry, Filter, More, PageRequest, Place, Row, StoreError};

use super::actions::MOST_IDS;
use super::filter::filter_of;
use super::table::{Column, line};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::extract::Params;
use crate::http::layout::layout_of;
use crate::http::problem::ApiError;
use crate::http::wire::list::ListQuery;
use crate::http::wire::problem::Problem;

/// Rows of a page.
const ROWS: u32 = 200;
/// The byte order mark that makes spreadsheets read UTF-8.
const BOM: &str = "\u{feff}";

/// All rows of the list as a CSV file, or those of `ids` alone.
///
/// # Errors
/// 422 for a filter or a column that cannot be used.
#[utoipa::path(
    get, path = "/api/v1/messages/export", tag = "list",
    params(ListQuery, ("columns" = Option<String>, Query, description = "names of columns, parted by commas; without it those of one's layout: one's own, or the office's"),
        ("ids" = Option<String>, Query, description = "only these, parted by commas, at most 1,000; filters do not count then"),
        ("except" = Option<String>, Query, description = "but not these, parted by commas, at most 1,000"),
        ("bom" = Option<bool>, Query, description = "begin with a byte order mark, for spreadsheets")),
    responses((status = 200, content_type = "text/csv", body = String), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn export(
    State(app): State<App>,
    Caller(who): Caller,
    wanted: Wanted,
) -> Result<Response, ApiError> {
    let filter = filter_of(&wanted.query, &who)?;
    let columns = match wanted.columns {
        Some(columns) => columns,
        None => {
            let (_, layout, _) = layout_of(&app, &who).await?;
            let keys = layout.columns.iter().map(|shown| shown.column.as_str());
            keys.filter_map(Column::of_layout).collect()
        }
    };
    let scope = who.authority.see.clone();
    let mut count = 0;
    if let Some(only) = &wanted.only {
        count = u64::try_from(only.len()).unwrap_or(u64::MAX);
    } else if let Some(filter) = &filter {
        count = app.store.counts(&scope, filter).await?.total;
    }
    // Before the first row is out: no export without its entry.
    let mut entry = AuditEntry::new(app.clock.now(), &who.note(), AuditAction::Export, "messages")
        .with("columns", columns.len())
        .with("search", wanted.query.q.is_some());
    entry.office = who.office_id();
    entry.count = count;
    app.store.append_audit(entry).await?;
    let mut first = if wanted.bom { BOM.to_owned() } else { String::new() };
    line(&mut first, columns.iter().map(|column| column.title()));
    let export = Export {
        app,
        scope,
        filter,
        columns,
        only: wanted.only.map(VecDeque::from),
        except: wanted.except,
        place: Place::First,
        ready: VecDeque::from([Bytes::from(first)]),
    };
    let mut response = Response::new(Body::from_stream(stream::unfold(Some(export), Export::next)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    let name = HeaderValue::from_static("attachment; filename=\"e-mail-queue.csv\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// The list's parameters, and what an export has besides.
pub(in crate::http) struct Wanted {
    query: ListQuery,
    /// None: those of the layout.
    columns: Option<Vec<Column>>,
    bom: bool,
    only: Option<Vec<MessageId>>,
    except: HashSet<MessageId>,
}

/// What stands in the query besides the list's own parameters.
struct Besides {
    columns: Option<Vec<Column>>,
    bom: bool,
    only: Option<Vec<MessageId>>,
    except: HashSet<MessageId>,
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let (besides, others) = split(parts.uri.query().unwrap_or(""))?;
        let uri: Uri = format!("/?{others}")
            .parse()
            .map_err(|_| ApiError::bad_parameter("query", "the query is too long"))?;
        let query = match Query::<ListQuery>::try_from_uri(&uri) {
            Ok(Query(query)) => query,
            Err(_) => {
                // Read again as a plain list's query, for its words.
                parts.uri = uri;
                let Params(query) = Params::from_request_parts(parts, state).await?;
                query
            }
        };
        let Besides {
            columns,
            bom,
            only,
            except,
        } = besides;
        Ok(Self {
            query,
            columns,
            bom,
            only,
            except,
        })
    }
}

/// Parts what an export has besides from the list's own parameters.
fn split(query: &str) -> Result<(Besides, String), ApiError> {
    let mut besides = Besides {
        columns: None,
        bom: false,
        only: None,
        except: HashSet::new(),
    };
    let mut others = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "columns" => besides.columns = Some(columns_of(&value)?),
            "ids" => besides.only = Some(ids_of("ids", &value)?),
            "except" => besides.except = ids_of("except", &value)?.into_iter().collect(),
            "bom" => {
                besides.bom = value
                    .parse()
                    .map_err(|_| ApiError::bad_parameter("bom", "bom: is \"true\" or \"false\""))?;
            }
            "limit" | "cursor" | "at" => {
                return Err(ApiError::bad_parameter(
                    name.as_ref(),
                    format!("{name}: is about pages: an export has none"),
                ));
            }
            _ => {
                others.append_pair(&name, &value);
            }
        }
    }
    Ok((besides, others.finish()))
}

/// Ids parted by commas, each once. What cannot be an id is one that nobody sees, and is left out.
fn ids_of(name: &str, ids: &str) -> Result<Vec<MessageId>, ApiError> {
    let given: Vec<&str> = ids.split(',').filter(|id| !id.is_empty()).collect();
    if given.len() > MOST_IDS {
        let detail = format!("{name}: has {} ids, but takes {MOST_IDS} at most", given.len());
        return Err(ApiError::bad_parameter(name, detail));
    }
    let mut seen = HashSet::new();
    Ok(given
        .into_iter()
        .filter_map(|id| id.trim().parse().ok())
        .filter(|id| seen.insert(*id))
        .collect())
}

fn columns_of(names: &str) -> Result<Vec<Column>, ApiError> {
    names
        .split(',')
        .map(|name| {
            Column::from_name(name.trim()).ok_or_else(|| {
                let known: Vec<_> = Column::ALL.iter().map(|column| column.name()).collect();
                let detail = format!(
                    "columns: there is no column {:?}; the columns are {}",
                    name.trim(),
                    known.join(", ")
                );
                ApiError::bad_parameter("columns", detail)
            })
        })
        .collect()
}

/// An export under way.
struct Export {
    app: App,
    scope: Scope,
    filter: Option<Filter>,
    columns: Vec<Column>,
    /// Those that are still to be read, where an export is of some by id.
    only: Option<VecDeque<MessageId>>,
    except: HashSet<MessageId>,
    place: Place,
    ready: VecDeque<Bytes>,
}

impl Export {
    /// The next piece; `None` behind the last.
    async fn next(export: Option<Self>) -> Option<(Result<Bytes, StoreError>, Option<Self>)> {
        let mut export = export?;
        loop {
            if let Some(piece) = export.ready.pop_front() {
                return Some((Ok(piece), Some(export)));
            }
            if export.app.supervisor.stopping().is_cancelled() {
                // An answer that is cut off is seen; one that ends early would look whole.
                let error = StoreError::Unavailable("the server stops".to_owned());
                return Some((Err(error), None));
            }
            match export.page().await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    tracing::warn!(%error, "an export was cut off");
                    return Some((Err(error), None));
                }
            }
        }
    }

    /// Reads a page; `false` behind the last.
    async fn page(&mut self) -> Result<bool, StoreError> {
        if let Some(only) = &mut self.only {
            let step = only.len().min(ROWS as usize);
            let ids: Vec<MessageId> = only.drain(..step).collect();
            if ids.is_empty() {
                return Ok(false);
            }
            let rows = self.app.store.rows(&self.scope, &ids).await?;
            self.write(&rows);
            return Ok(true);
        }
        let Some(filter) = self.filter.clone() else {
            return Ok(false);
        };
        let page = self
            .app
            .store
            .page(&PageRequest {
                scope: self.scope.clone(),
                filter,
                place: self.place,
                limit: ROWS,
            })
            .await?;
        self.write(&page.rows);
        match (page.more, page.resume) {
            (More::Yes | More::Unknown, Some(resume)) => self.place = Place::After(resume),
            (More::No, _) | (_, None) => self.filter = None,
        }
        Ok(true)
    }

    fn write(&mut self, rows: &[Row]) {
        let mut text = String::with_capacity(rows.len() * 256);
        for row in rows.iter().filter(|row| !self.except.contains(&row.id)) {
            line(&mut text, self.columns.iter().map(|column| column.cell(row)));
        }
        if !text.is_empty() {
            self.ready.push_back(Bytes::from(text));
        }
    }
}
