//! Parses a stored message for people to look at.

use axum::http::StatusCode;
use mail_parser::{Address, HeaderName, HeaderValue, Message, MessageParser, MimeHeaders, PartType};
use postroom_domain::{Damage, MessageId, Scope, legible};
use postroom_engine::packing;
use postroom_store::StoreError;

use super::structure;
use crate::http::App;
use crate::http::problem::ApiError;
use crate::http::wire::detail::{Attachment, HeaderField, Part};

/// Most header fields that are shown.
const MOST_FIELDS: usize = 500;
/// Longest value of a header field that is shown, in characters.
const MOST_VALUE_CHARS: usize = 4_000;
/// Longest name of a file, in characters.
const MOST_NAME_CHARS: usize = 150;

/// What is stored of a message's content.
pub(super) enum Stored {
    /// The message as it travels.
    Octets(Vec<u8>),
    /// Retention has removed it, or the message is out of scope.
    Gone,
    /// It is not what was stored.
    Damaged(Damage),
}

/// Reads the content of a message in scope.
pub(super) async fn read(app: &App, scope: &Scope, id: MessageId) -> Result<Stored, ApiError> {
    let content = match app.store.content(scope, id, app.clock.now()).await {
        Ok(Some(content)) => content,
        Ok(None) => return Ok(Stored::Gone),
        Err(StoreError::Damaged(_, damage)) => return Ok(Stored::Damaged(damage)),
        Err(error) => return Err(error.into()),
    };
    let unpacked = move || {
        let mut octets = Vec::new();
        packing::unpack_into(&content.header, &mut octets)?;
        packing::unpack_into(&content.body, &mut octets)?;
        Ok::<_, packing::UnpackError>(octets)
    };
    let unpacked = tokio::task::spawn_blocking(unpacked)
        .await
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(unpacked.map_or_else(
        |error| {
            tracing::error!(message.id = %id, %error, "the stored content cannot be unpacked");
            Stored::Damaged(Damage::Content)
        },
        Stored::Octets,
    ))
}

/// Reads the content of a message in scope; `None` where it is gone.
///
/// # Errors
/// 500 `content_damaged` besides those of the store.
pub(super) async fn load(app: &App, scope: &Scope, id: MessageId) -> Result<Option<Vec<u8>>, ApiError> {
    match read(app, scope, id).await? {
        Stored::Octets(octets) => Ok(Some(octets)),
        Stored::Gone => Ok(None),
        Stored::Damaged(damage) => Err(ApiError::damaged(damage)),
    }
}

/// The answer where retention has removed the content.
pub(super) fn content_gone() -> ApiError {
    ApiError::new(
        StatusCode::GONE,
        "content_gone",
        "The content is no longer kept",
        "the record is kept longer than the content of this message",
    )
}

/// A message that cannot be parsed safely: its structure would take too much time or memory, or it has no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotReadable;

impl NotReadable {
    /// What that means, in one sentence.
    pub(super) const WORDS: &str =
        "This message cannot be parsed safely, so only its header and source are shown.";
}

impl From<NotReadable> for ApiError {
    fn from(_: NotReadable) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not_readable",
            "The message cannot be parsed",
            "this message cannot be parsed safely: download it to open it in a mail program",
        )
    }
}

/// Parses a message.
///
/// # Errors
/// Where that is not safe, or it has no header.
pub(super) fn parse(octets: &[u8]) -> Result<Message<'_>, NotReadable> {
    if !structure::is_readable(octets) {
        return Err(NotReadable);
    }
    MessageParser::new().parse(octets).ok_or(NotReadable)
}

/// Reads the header of a message alone, each field as it is written.
pub(super) fn parse_header(octets: &[u8]) -> Option<Message<'_>> {
    // With one parser named, all other fields are read as they are, too.
    MessageParser::new()
        .header_raw(HeaderName::Subject)
        .parse_headers(octets)
}

/// The header fields, decoded and unfolded.
pub(super) fn fields(message: &Message<'_>) -> Vec<HeaderField> {
    message
        .headers()
        .iter()
        .take(MOST_FIELDS)
        .map(|header| HeaderField {
            name: header.name().to_owned(),
            value: shown_value(message, header),
        })
        .collect()
}

fn shown_value(message: &Message<'_>, header: &mail_parser::Header<'_>) -> String {
    let decoded = match header.value() {
        HeaderValue::Text(text) => text.to_string(),
        HeaderValue::Address(address) => mailboxes(address),
        HeaderValue::TextList(_)
        | HeaderValue::DateTime(_)
        | HeaderValue::ContentType(_)
        | HeaderValue::Received(_)
        | HeaderValue::Empty => {
            let start = usize::try_from(header.offset_start()).unwrap_or(usize::MAX);
            let end = usize::try_from(header.offset_end()).unwrap_or(0);
            let raw = message.raw_message().get(start..end).unwrap_or_default();
            String::from_utf8_lossy(raw).into_owned()
        }
    };
    let unfolded = decoded.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    legible::shown(&unfolded).chars().take(MOST_VALUE_CHARS).collect()
}

fn mailboxes(address: &Address<'_>) -> String {
    let shown: Vec<String> = address
        .iter()
        .map(|mailbox| match (mailbox.name(), mailbox.address()) {
            (Some(name), Some(address)) => format!("{name} <{address}>"),
            (None, Some(address)) => address.to_owned(),
            (Some(name), None) => name.to_owned(),
            (None, None) => String::new(),
        })
        .collect();
    shown.join(", ")
}

/// The files of a message.
pub(super) fn attachments(message: &Message<'_>) -> Vec<Attachment> {
    (0u32..)
        .zip(message.attachments())
        .map(|(index, part)| Attachment {
            index,
            filename: file_name(part, index),
            content_type: media_type(part),
            size_bytes: u64::try_from(part.contents().len()).unwrap_or(u64::MAX),
        })
        .collect()
}

/// The bodies that a message has itself; the parser would convert one into the other.
pub(super) fn parts(message: &Message<'_>) -> Vec<Part> {
    let mut found = Vec::new();
    if text_of(message).is_some() {
        found.push(Part::Text);
    }
    if html_of(message).is_some() {
        found.push(Part::Html);
    }
    found
}

/// The plain text body.
pub(super) fn text_of<'a>(message: &'a Message<'_>) -> Option<&'a str> {
    let parts = message.text_body.iter().chain(&message.html_body);
    parts
        .filter_map(|&n| message.part(n))
        .find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.as_ref()),
            PartType::Html(_)
            | PartType::Binary(_)
            | PartType::InlineBinary(_)
            | PartType::Message(_)
            | PartType::Multipart(_) => None,
        })
}

/// The HTML body.
pub(super) fn html_of<'a>(message: &'a Message<'_>) -> Option<&'a str> {
    let parts = message.html_body.iter().chain(&message.text_body);
    parts
        .filter_map(|&n| message.part(n))
        .find_map(|part| match &part.body {
            PartType::Html(html) => Some(html.as_ref()),
            PartType::Text(_)
            | PartType::Binary(_)
            | PartType::InlineBinary(_)
            | PartType::Message(_)
            | PartType::Multipart(_) => None,
        })
}

/// The media type of a part.
pub(super) fn media_type(part: &mail_parser::MessagePart<'_>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
    part.content_type()
        .and_then(|given| Some((given.ctype(), given.subtype()?)))
        .filter(|(kind, sub)| kind.chars().all(plain) && sub.chars().all(plain))
        .map_or_else(
            || "application/octet-stream".to_owned(),
            |(kind, sub)| format!("{kind}/{sub}").to_ascii_lowercase(),
        )
}

/// A name that is safe as a file's: no folders, no leading dot, and no hidden characters, which make `gpj.exe` read as
/// `exe.jpg`; no marks of direction either.
pub(super) fn file_name(part: &mail_parser::MessagePart<'_>, index: u32) -> String {
    let given = part.attachment_name().unwrap_or("");
    let last = given.rsplit(['/', '\\']).next().unwrap_or("");
    let printable: String = last
        .chars()
        .filter(|&c| !c.is_control() && !legible::is_direction_mark(c))
        .collect();
    let safe: String = legible::shown(&printable)
        .chars()
        .map(|c| if "<>:\"|?*".contains(c) { '_' } else { c })
        .take(MOST_NAME_CHARS)
        .collect();
    let safe = safe.trim().trim_start_matches('.').trim();
    if safe.is_empty() {
        format!("attachment-{}", index + 1)
    } else {
        safe.to_owned()
    }
}
