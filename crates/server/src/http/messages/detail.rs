//! One message: its record, its attempts, and why it is where it is.

use axum::extract::State;
use postroom_domain::{Kind, Scope, Verb, Verdict};
use postroom_store::{self as store, Submitter};

use super::mime::{self, NotReadable, Stored};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::extract::Id;
use crate::http::problem::ApiError;
use crate::http::views;
use crate::http::wire::detail::{
    Action, Attachment, Attempts, Detail, Explanation, HeaderField, Links, Part,
};
use crate::http::wire::problem::Problem;

/// One message in full.
///
/// # Errors
/// 404 for an id that does not exist or is out of sight; 429 `too_many_views` or 503 `server_busy` for a large message,
/// where others that were asked for before are still being prepared.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}", tag = "message", params(("id" = String, Path)),
    responses((status = 200, body = Detail), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn detail(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
) -> Result<axum::Json<Detail>, ApiError> {
    let see = &who.authority.see;
    let found = app
        .store
        .detail(see, id)
        .await?
        .ok_or_else(ApiError::no_message)?;
    let own = app.views.own_permit_for(&who, found.row.size_bytes).await?;
    let (octets, damage) = match mime::read(&app, see, id).await? {
        Stored::Octets(octets) => (octets, found.damage),
        Stored::Gone => (Vec::new(), found.damage),
        Stored::Damaged(damage) => (Vec::new(), Some(damage)),
    };
    let kind = found.row.kind;
    let shown = views::run(own, app.supervisor.stopping(), move |_| shown_of(&octets, kind));
    let shown = shown.await?;
    Ok(axum::Json(Detail {
        message_id: found.message_id,
        damaged: damage.map(|damage| damage.words().to_owned()),
        not_readable: shown.not_readable.map(|_| NotReadable::WORDS.to_owned()),
        headers: shown.headers,
        attachments: shown.attachments,
        parts: shown.parts,
        actions: actions_of(&found.row, &who.authority),
        submitted_by: submitter(&app, found.submitted_by, &found.row).await?,
        links: Links {
            resent_from: found.resent_from.map(|id| id.to_string()),
            resent_as: found.resent_as.iter().map(ToString::to_string).collect(),
        },
        metadata: found.metadata.and_then(|text| serde_json::from_str(&text).ok()),
        recipients_detail: found.recipients.into_iter().map(Into::into).collect(),
        row: found.row.into(),
    }))
}

/// What is shown of the content.
#[derive(Debug, Default)]
struct Shown {
    headers: Vec<HeaderField>,
    attachments: Vec<Attachment>,
    parts: Vec<Part>,
    not_readable: Option<NotReadable>,
}

/// The header, the files and the bodies that a message has. Mail with a live link, and mail that cannot be parsed safely,
/// has only a header; what is gone has nothing.
fn shown_of(octets: &[u8], kind: Kind) -> Shown {
    if octets.is_empty() {
        return Shown::default();
    }
    let message = match mime::parse(octets) {
        Ok(message) => message,
        Err(why) => {
            let header = mime::parse_header(octets);
            return Shown {
                headers: header.map(|header| mime::fields(&header)).unwrap_or_default(),
                not_readable: Some(why),
                ..Shown::default()
            };
        }
    };
    let headers = mime::fields(&message);
    if kind.body_is_secret() {
        return Shown {
            headers,
            ..Shown::default()
        };
    }
    Shown {
        headers,
        attachments: mime::attachments(&message),
        parts: mime::parts(&message),
        not_readable: None,
    }
}

/// The attempts of a message, oldest first.
///
/// # Errors
/// 404 for an id that does not exist or is out of sight.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}/attempts", tag = "message", params(("id" = String, Path)),
    responses((status = 200, body = Attempts), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn attempts(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
) -> Result<axum::Json<Attempts>, ApiError> {
    let found = app.store.attempts(&who.authority.see, id).await?;
    let attempts = found.ok_or_else(ApiError::no_message)?;
    Ok(axum::Json(Attempts {
        attempts: attempts.into_iter().map(Into::into).collect(),
    }))
}

/// Why a message is where it is, and what happens next.
///
/// # Errors
/// 404 for an id that does not exist or is out of sight.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}/explain", tag = "message", params(("id" = String, Path)),
    responses((status = 200, body = Explanation), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn explain(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
) -> Result<axum::Json<Explanation>, ApiError> {
    let relays = app.engine.as_ref().map(|engine| engine.status().relays);
    let explained = app
        .explainer()
        .explain(&who, id, relays.unwrap_or_default())
        .await?;
    let explained = explained.ok_or_else(ApiError::no_message)?;
    Ok(axum::Json(explained.into()))
}

/// What this person may do with the message now.
pub(super) fn actions_of(row: &store::Row, who: &store::Authority) -> Vec<Action> {
    let sees = |scope: &Scope| scope.sees(row.sender.0, row.office.0, row.kind.category());
    [
        (Verb::Requeue, Action::Requeue),
        (Verb::Resend, Action::Resend),
        (Verb::Delete, Action::Delete),
        (Verb::Hold, Action::Hold),
        (Verb::Release, Action::Release),
    ]
    .into_iter()
    .filter(|(verb, _)| verb.verdict(row.state) == Verdict::Do)
    .filter(|(verb, _)| *verb != Verb::Resend || !row.kind.body_is_secret())
    .filter(|(verb, _)| match verb {
        Verb::Requeue | Verb::Resend | Verb::Delete => sees(&who.act),
        Verb::Hold | Verb::Release => sees(&who.hold),
    })
    .map(|(_, action)| action)
    .collect()
}

async fn submitter(app: &App, submitted_by: Submitter, row: &store::Row) -> Result<String, ApiError> {
    Ok(match submitted_by {
        Submitter::User(user) if user == row.sender.0 => row.sender.1.clone(),
        Submitter::User(user) => match app.store.user(user).await? {
            Some(user) => user.name,
            None => format!("user {user}"),
        },
        Submitter::Key(key) => format!("API key {key}"),
        Submitter::System => app.brand(),
    })
}
