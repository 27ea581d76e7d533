//! The audit log, for administrators: the System Office's see all of it, another office's their own.

use std::collections::HashMap;
use std::fmt::Write as _;

use axum::extract::State;
use postroom_domain::{Rule, UserId};
use postroom_office::Principal;
use postroom_store::{Actor, AuditHead, AuditRecord, AuditView};

use super::App;
use super::auth::Caller;
use super::extract::Params;
use super::problem::ApiError;
use super::wire::audit::{AuditCheck, AuditItem, AuditPage, AuditQuery, VerifyQuery};
use super::wire::problem::Problem;

/// Entries of a page unless asked otherwise.
const ENTRIES: u32 = 50;
/// Most entries of a page.
const MOST_ENTRIES: u32 = 200;

/// One page of the log, newest first.
///
/// # Errors
/// 403 for those who are no administrators, 422 for a limit that cannot be used.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = AuditPage), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(who): Caller,
    Params(query): Params<AuditQuery>,
) -> Result<axum::Json<AuditPage>, ApiError> {
    let view = view_of(&who)?;
    let limit = query.limit.unwrap_or(ENTRIES);
    if !(1..=MOST_ENTRIES).contains(&limit) {
        return Err(ApiError::bad_parameter(
            "limit",
            format!("limit: is {limit}, but has to be 1 to {MOST_ENTRIES}"),
        ));
    }
    let records = app.store.audit_page(view, query.before, limit).await?;
    let next = (u32::try_from(records.len()) == Ok(limit))
        .then(|| records.last().map(|record| record.seq))
        .flatten();
    let mut names = HashMap::new();
    let mut entries = Vec::with_capacity(records.len());
    for record in records {
        let name = match record.entry.actor {
            Actor::User(id) => name_of(&app, &mut names, id).await?,
            Actor::Operator | Actor::Key(_) | Actor::System => None,
        };
        entries.push(shown(record, name));
    }
    Ok(axum::Json(AuditPage { entries, next }))
}

/// Checks the whole chain.
///
/// # Errors
/// 403 for those who are no administrators of the System Office, 422 for a head that is none.
#[utoipa::path(
    get, path = "/api/v1/audit/verify", tag = "audit", params(VerifyQuery),
    responses((status = 200, body = AuditCheck), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn verify(
    State(app): State<App>,
    Caller(who): Caller,
    Params(query): Params<VerifyQuery>,
) -> Result<axum::Json<AuditCheck>, ApiError> {
    if !who.is_system_administrator() {
        return Err(ApiError::forbidden(Rule::AdministerSystem));
    }
    let remembered = match query.remembered.as_deref().map(parse_head) {
        None => None,
        Some(Some(head)) => Some(head),
        Some(None) => {
            return Err(ApiError::bad_parameter(
                "remembered",
                "remembered: give a head as it was answered, a number, a colon and 64 hexadecimal digits",
            ));
        }
    };
    let report = app.store.verify_audit(remembered).await?;
    Ok(axum::Json(AuditCheck {
        entries: report.entries,
        head: format!("{}:{}", report.head.seq, hex(&report.head.hash)),
        problems: report.problems,
    }))
}

fn view_of(who: &Principal) -> Result<AuditView, ApiError> {
    if who.is_system_administrator() {
        return Ok(AuditView::Everything);
    }
    match who.office_id() {
        Some(office) if who.administers(office) => Ok(AuditView::Office(office)),
        Some(_) | None => Err(ApiError::forbidden(Rule::AdministerOffice)),
    }
}

async fn name_of(
    app: &App,
    names: &mut HashMap<UserId, Option<String>>,
    id: UserId,
) -> Result<Option<String>, ApiError> {
    if let Some(name) = names.get(&id) {
        return Ok(name.clone());
    }
    let name = app.store.user(id).await?.map(|user| user.name);
    names.insert(id, name.clone());
    Ok(name)
}

fn shown(record: AuditRecord, actor_name: Option<String>) -> AuditItem {
    let entry = record.entry;
    AuditItem {
        seq: record.seq,
        at: entry.at.to_string(),
        actor: entry.actor.to_string(),
        actor_name,
        action: entry.action.name().to_owned(),
        subject: entry.subject,
        office: entry.office.map(|office| office.0),
        count: entry.count,
        ids_digest: entry.ids_digest.map(|digest| hex(&digest)),
        detail: entry.detail,
        hash: hex(&record.hash),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn parse_head(text: &str) -> Option<AuditHead> {
    let (seq, digits) = text.split_once(':')?;
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(AuditHead {
        seq: seq.parse().ok()?,
        hash,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_reads_back_and_others_are_none() {
        let head = AuditHead {
            seq: 7,
            hash: [0xab; 32],
        };
        let text = format!("7:{}", hex(&head.hash));
        assert_eq!(parse_head(&text), Some(head));
        for wrong in ["", "7", "7:", "x:00", "7:zz", &text[..40]] {
            assert_eq!(parse_head(wrong), None, "{wrong}");
        }
    }
}
