//! Copy to Compose, and another address for a recipient (SPEC C7).

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{Message, MimeHeaders as _};
use postroom_domain::{Address, Category, Damage, MessageId, Refusal, Rule, legible};
use postroom_engine::intake::{readdress, readdress_header};
use postroom_engine::packing::{pack, unpack_into};
use postroom_office::Principal;
use postroom_store::{
    ActionOutcome, Detail as Kept, Packed, Readdress, Readdressed, RecipientDetail, RecipientRole, Verb,
};

use super::mime::{self, NotReadable};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::extract::{Id, Json};
use crate::http::problem::ApiError;
use crate::http::views;
use crate::http::wire::edit::{Changed, NewAddress};
use crate::http::wire::list::State as StateName;
use crate::http::wire::problem::Problem;
use crate::http::wire::submit::{NewAttachment, NewMessage};

/// The message as a new one to edit and submit: everything but its Date, Message-ID and fate.
///
/// # Errors
/// 403 for mail with a live link in it, 404, 410 `content_gone`, 422 `not_readable`; 429 `too_many_views` or 503
/// `server_busy` for a large message, where others that were asked for before are still being prepared.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}/draft", tag = "message", params(("id" = String, Path)),
    responses((status = 200, body = NewMessage), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn draft(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
) -> Result<axum::Json<NewMessage>, ApiError> {
    let see = &who.authority.see;
    let kept = app
        .store
        .detail(see, id)
        .await?
        .ok_or_else(ApiError::no_message)?;
    if kept.row.kind.body_is_secret() {
        return Err(ApiError::forbidden(Rule::SecretBody));
    }
    let own = app.views.own_permit_for(&who, kept.row.size_bytes).await?;
    let octets = mime::load(&app, see, id).await?.ok_or_else(mime::content_gone)?;
    let draft = views::run(own, app.supervisor.stopping(), move |_| {
        let message = mime::parse(&octets)?;
        Ok::<_, NotReadable>(copied(kept, &message))
    });
    Ok(axum::Json(draft.await??))
}

fn copied(kept: Kept, message: &Message<'_>) -> NewMessage {
    let bcc = kept
        .recipients
        .iter()
        .filter(|one| one.role == RecipientRole::Bcc);
    let headers: BTreeMap<String, String> = mime::fields(message)
        .into_iter()
        .filter(|field| field.name.to_ascii_lowercase().starts_with("x-"))
        .map(|field| (field.name, field.value))
        .collect();
    NewMessage {
        from: Some(kept.row.from),
        to: mailboxes(message.to()),
        cc: mailboxes(message.cc()),
        bcc: bcc.map(|one| one.address.clone()).collect(),
        reply_to: mailboxes(message.reply_to()),
        subject: message.subject().unwrap_or_default().to_owned(),
        text: mime::text_of(message).map(str::to_owned),
        html: mime::html_of(message).map(str::to_owned),
        headers,
        attachments: (0u32..)
            .zip(message.attachments())
            .map(|(index, part)| NewAttachment {
                filename: mime::file_name(part, index),
                content_type: part.content_type().map(|_| mime::media_type(part)),
                content: STANDARD.encode(part.contents()),
            })
            .collect(),
        // A copy of a notification is a person's own letter.
        kind: Some(kept.row.kind).filter(|kind| kind.category() == Category::User),
        send_at: None,
        tags: kept.row.tags,
        external_id: None,
        metadata: kept.metadata.and_then(|text| serde_json::from_str(&text).ok()),
    }
}

fn mailboxes(field: Option<&mail_parser::Address<'_>>) -> Vec<String> {
    field
        .into_iter()
        .flat_map(mail_parser::Address::iter)
        .filter_map(|mailbox| {
            let address = mailbox.address()?;
            Some(match mailbox.name() {
                Some(name) => {
                    let name = name.replace(['"', '\\'], "");
                    format!("\"{}\" <{address}>", legible::shown(&name))
                }
                None => address.to_owned(),
            })
        })
        .collect()
}

/// Gives a recipient another address and tries again: in the envelope, the list and the letter's To or Cc. Date and
/// Message-ID stay.
///
/// # Errors
/// 404, 403 by V7, 409 where the recipient has the letter, an attempt is under way, another recipient has the address
/// or the letter does not name it; 422 for an address that is none.
#[utoipa::path(
    post, path = "/api/v1/messages/{id}/recipients/{index}", tag = "message",
    params(("id" = String, Path), ("index" = u16, Path, description = "place in recipients_detail, from 0")),
    request_body = NewAddress,
    responses((status = 200, body = Changed), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn change_recipient(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
    Path(place): Path<(String, String)>,
    Json(request): Json<NewAddress>,
) -> Result<axum::Json<Changed>, ApiError> {
    let kept = app
        .store
        .detail(&who.authority.see, id)
        .await?
        .ok_or_else(ApiError::no_message)?;
    // Whoever may act on it could send themself the link.
    if kept.row.kind.body_is_secret() {
        return Err(ApiError::forbidden(Rule::SecretBody));
    }
    let index: u16 = place.1.parse().map_err(|_| no_recipient())?;
    let recipient = kept
        .recipients
        .get(usize::from(index))
        .cloned()
        .ok_or_else(no_recipient)?;
    let new = address(&request.address)?;
    let change = prepared(&app, &who, id, index, &kept, &recipient, new).await?;
    let now = app.clock.now();
    let outcome = app
        .store
        .readdress(&who.authority, change, &who.note(), now)
        .await?;
    answered(outcome)?;
    app.wake_engine();
    let rows = app.store.rows(&who.authority.see, &[id]).await?;
    let row = rows.into_iter().next().ok_or_else(ApiError::no_message)?;
    Ok(axum::Json(Changed {
        id: id.to_string(),
        state: StateName::from(row.state),
    }))
}

fn address(text: &str) -> Result<String, ApiError> {
    let parsed: Address = text.trim().parse().map_err(|error| Refusal::BadAddress {
        field: "address".to_owned(),
        error,
    })?;
    let written = parsed.to_string();
    if !written.is_ascii() {
        return Err(Refusal::BadValue {
            field: "address".to_owned(),
            reason: "has letters that this message was not made for: copy it to a new message instead".into(),
        }
        .into());
    }
    Ok(written)
}

/// What is to be changed, with the letter's new header where it names the address.
async fn prepared(
    app: &App,
    who: &Principal,
    id: MessageId,
    index: u16,
    kept: &Kept,
    recipient: &RecipientDetail,
    new: String,
) -> Result<Readdress, ApiError> {
    let old = recipient.address.clone();
    let named = match recipient.role {
        RecipientRole::To | RecipientRole::Cc => true,
        RecipientRole::Bcc | RecipientRole::Envelope => false,
    };
    let header = if named {
        let content = app.store.content(&who.authority.see, id, app.clock.now()).await?;
        let content = content.ok_or_else(mime::content_gone)?;
        let edited = edited(&content.header, &old, &new)?;
        Some((content.header, edited))
    } else {
        None
    };
    // The list's texts were kept as they are shown: without the hidden characters of an address of before.
    let seen = legible::shown(&old).into_owned();
    let shown = |text: &str| readdress(text, &seen, &new).unwrap_or_else(|| text.to_owned());
    Ok(Readdress {
        message: id,
        index,
        header,
        shown: [
            shown(&kept.row.to),
            shown(&kept.row.cc),
            if recipient.role == RecipientRole::Bcc {
                shown(&kept.row.bcc)
            } else {
                kept.row.bcc.clone()
            },
        ],
        old,
        new,
    })
}

fn edited(header: &Packed, old: &str, new: &str) -> Result<Packed, ApiError> {
    let mut octets = Vec::new();
    unpack_into(header, &mut octets).map_err(|_| ApiError::damaged(Damage::Content))?;
    let edited = readdress_header(&octets, old, new).ok_or_else(|| {
        conflict(
            "address_not_in_letter",
            "the letter writes this address in another way in To and Cc: copy the message and send it anew",
        )
    })?;
    Ok(pack(&edited))
}

fn answered(outcome: Readdressed) -> Result<(), ApiError> {
    match outcome {
        Readdressed::Outcome(ActionOutcome::Done) => Ok(()),
        Readdressed::Outcome(ActionOutcome::NotFound) => Err(ApiError::no_message()),
        Readdressed::Outcome(ActionOutcome::NotPermitted) => Err(ApiError::forbidden(Rule::ActOnMessage)),
        Readdressed::Outcome(outcome @ ActionOutcome::Sending) => {
            Err(conflict("attempt_under_way", &outcome.reason(Verb::Requeue)))
        }
        // The address is changed; whatever keeps the message from being tried at once is told by its state.
        Readdressed::Outcome(_) => Ok(()),
        Readdressed::Delivered => Err(conflict("delivered", "this recipient has the letter already")),
        Readdressed::Duplicate => Err(conflict(
            "duplicate",
            "another recipient has this address already",
        )),
        Readdressed::Stale => Err(conflict(
            "stale",
            "the message has changed since it was read: look at it again",
        )),
    }
}

fn conflict(code: &'static str, detail: &str) -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        code,
        "The recipient cannot be changed",
        detail,
    )
}

fn no_recipient() -> ApiError {
    ApiError::not_found("this message has no such recipient; recipients_detail counts them from 0")
}
