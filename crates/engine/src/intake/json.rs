//! Drafts from JSON, with refusals that name the field by its path.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postroom_domain::{Mailbox, Refusal, Timestamp};
use serde_json::{Map, Value};

use super::draft::{Attachment, Draft};
use super::extras::Extras;

const MESSAGE_FIELDS: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "reply_to",
    "subject",
    "text",
    "html",
    "headers",
    "attachments",
    "kind",
    "send_at",
    "tags",
    "external_id",
    "metadata",
];
const ATTACHMENT_FIELDS: &[&str] = &["filename", "content_type", "content"];

impl Draft {
    /// Reads the body of `POST /messages`.
    ///
    /// # Errors
    /// [`Refusal::BadJson`] with line and column, or a refusal that names the field.
    pub fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        parse(body).and_then(Self::from_value)
    }

    /// Reads one message of a JSON value; `null` is the same as a missing field.
    ///
    /// # Errors
    /// A refusal that names the field.
    pub fn from_value(value: Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(value, "", MESSAGE_FIELDS)?;
        let Some(from) = fields.string("from")? else {
            return Err(Refusal::MissingField {
                field: "from".to_owned(),
            });
        };
        Ok(Self {
            from: mailbox("from".to_owned(), &from)?,
            to: fields.mailboxes("to")?,
            cc: fields.mailboxes("cc")?,
            bcc: fields.mailboxes("bcc")?,
            reply_to: fields.mailboxes("reply_to")?,
            subject: fields.string("subject")?.unwrap_or_default(),
            text: fields.string("text")?,
            html: fields.string("html")?,
            headers: fields.headers()?,
            attachments: fields.attachments()?,
            extras: fields.extras()?,
        })
    }

    /// Reads the body of `POST /messages/batch`: each message, or why it is none.
    ///
    /// # Errors
    /// For what is wrong with the batch itself; [`Refusal::BatchTooLarge`] over `most` messages.
    pub fn batch_from_json(body: &[u8], most: usize) -> Result<Vec<Result<Self, Refusal>>, Refusal> {
        let mut fields = Fields::of(parse(body)?, "", &["messages"])?;
        let Some(messages) = fields.list("messages")? else {
            return Err(Refusal::MissingField {
                field: "messages".to_owned(),
            });
        };
        if messages.len() > most {
            return Err(Refusal::BatchTooLarge {
                count: messages.len(),
                most,
            });
        }
        Ok(messages.into_iter().map(Self::from_value).collect())
    }
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::BadJson {
        reason: error.to_string(),
    })
}

/// The fields of an object, taken out one by one.
struct Fields {
    map: Map<String, Value>,
    /// `attachments[0].`, or nothing.
    path: String,
}

impl Fields {
    fn of(value: Value, path: &str, known: &[&str]) -> Result<Self, Refusal> {
        let map = object(value).map_err(|found| {
            let path = path.trim_end_matches('.');
            let whole = if path.is_empty() { "the message" } else { path };
            wrong_type(whole.to_owned(), "an object", &found)
        })?;
        if let Some(unknown) = map.keys().find(|name| !known.contains(&name.as_str())) {
            let unknown: String = unknown.chars().take(80).collect();
            return Err(Refusal::UnknownField {
                field: format!("{path}{unknown}"),
                known: known.join(", ").into(),
            });
        }
        Ok(Self {
            map,
            path: path.to_owned(),
        })
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    fn string(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        self.take(name)
            .map(|value| string(value, || self.path(name)))
            .transpose()
    }

    fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(found) => Err(wrong_type(self.path(name), "a list", &found)),
        }
    }

    fn strings(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        let list = self.list(name)?.unwrap_or_default();
        list.into_iter()
            .enumerate()
            .map(|(place, value)| string(value, || format!("{}[{place}]", self.path(name))))
            .collect()
    }

    fn mailboxes(&mut self, name: &str) -> Result<Vec<Mailbox>, Refusal> {
        let list = self.strings(name)?;
        list.iter()
            .enumerate()
            .map(|(place, text)| mailbox(format!("{name}[{place}]"), text))
            .collect()
    }

    fn headers(&mut self) -> Result<Vec<(String, String)>, Refusal> {
        let Some(value) = self.take("headers") else {
            return Ok(Vec::new());
        };
        let map = object(value).map_err(|found| wrong_type("headers".to_owned(), "an object", &found))?;
        map.into_iter()
            .map(|(name, value)| {
                let value = string(value, || format!("headers.{name}"))?;
                Ok((name, value))
            })
            .collect()
    }

    fn attachments(&mut self) -> Result<Vec<Attachment>, Refusal> {
        let list = self.list("attachments")?.unwrap_or_default();
        list.into_iter()
            .enumerate()
            .map(|(place, value)| attachment(place, value))
            .collect()
    }

    fn extras(&mut self) -> Result<Extras, Refusal> {
        let kind = self.string("kind")?.map(|kind| {
            kind.parse().map_err(|error| Refusal::UnknownKind {
                field: "kind".to_owned(),
                error,
            })
        });
        let send_at = self.string("send_at")?.map(|text| {
            text.parse::<jiff::Timestamp>()
                .map(Timestamp::from)
                .map_err(|_| Refusal::BadValue {
                    field: "send_at".to_owned(),
                    reason: "is no time: write it like 2026-11-23T09:30:00Z".into(),
                })
        });
        let metadata = self.take("metadata").map(object).transpose();
        let metadata = metadata.map_err(|found| wrong_type("metadata".to_owned(), "an object", &found))?;
        Ok(Extras {
            kind: kind.transpose()?,
            send_at: send_at.transpose()?,
            tags: self.strings("tags")?,
            external_id: self.string("external_id")?,
            metadata: metadata
                .filter(|map| !map.is_empty())
                .map(|map| Value::Object(map).to_string()),
        })
    }
}

fn object(value: Value) -> Result<Map<String, Value>, Value> {
    if let Value::Object(map) = value {
        Ok(map)
    } else {
        Err(value)
    }
}

fn string(value: Value, path: impl FnOnce() -> String) -> Result<String, Refusal> {
    if let Value::String(text) = value {
        Ok(text)
    } else {
        Err(wrong_type(path(), "a string", &value))
    }
}

fn mailbox(field: String, text: &str) -> Result<Mailbox, Refusal> {
    text.parse().map_err(|error| Refusal::BadAddress { field, error })
}

fn attachment(place: usize, value: Value) -> Result<Attachment, Refusal> {
    let path = format!("attachments[{place}].");
    let mut fields = Fields::of(value, &path, ATTACHMENT_FIELDS)?;
    let Some(content) = fields.string("content")? else {
        return Err(Refusal::MissingField {
            field: fields.path("content"),
        });
    };
    let content = decode(&content).map_err(|reason| Refusal::BadBase64 {
        field: fields.path("content"),
        reason,
    })?;
    let filename = fields.string("filename")?;
    let content_type = fields.string("content_type")?;
    Ok(Attachment {
        filename: filename.unwrap_or_else(|| format!("attachment-{}", place + 1)),
        content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
        content,
    })
}

/// Decodes base64 (RFC 4648 §4); line breaks are left out, as MIME allows.
fn decode(text: &str) -> Result<Vec<u8>, String> {
    let decoded = if text.bytes().any(|b| b.is_ascii_whitespace()) {
        let dense: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        STANDARD.decode(dense)
    } else {
        STANDARD.decode(text)
    };
    decoded.map_err(|error| error.to_string())
}

fn wrong_type(field: String, expected: &'static str, found: &Value) -> Refusal {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Refusal::WrongType {
        field,
        expected: expected.into(),
        found: found.into(),
    }
}
