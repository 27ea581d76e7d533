//! A message as its fields: what `POST /api/v1/messages` takes (SPEC I1).

use postroom_domain::{Mailbox, Refusal};

use super::extras::Extras;
use super::limits::IntakeLimits;
use super::recipients::Recipients;

/// A message to be written.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its author.
    pub from: Mailbox,
    /// To.
    pub to: Vec<Mailbox>,
    /// Cc.
    pub cc: Vec<Mailbox>,
    /// Blind copies; they never travel.
    pub bcc: Vec<Mailbox>,
    /// Where answers go.
    pub reply_to: Vec<Mailbox>,
    /// The subject.
    pub subject: String,
    /// The text body.
    pub text: Option<String>,
    /// The HTML body.
    pub html: Option<String>,
    /// Further header fields.
    pub headers: Vec<(String, String)>,
    /// Attachments.
    pub attachments: Vec<Attachment>,
    /// What is said besides.
    pub extras: Extras,
}

/// A file that goes with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
    /// Its octets.
    pub content: Vec<u8>,
}

impl Draft {
    /// A draft with nothing but its author.
    pub fn new(from: Mailbox) -> Self {
        Self {
            from,
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            subject: String::new(),
            text: None,
            html: None,
            headers: Vec::new(),
            attachments: Vec::new(),
            extras: Extras::default(),
        }
    }

    /// Checks that every value fits its header field, and the limits.
    ///
    /// # Errors
    /// A [`Refusal`] that names the field.
    pub(super) fn check(&self, limits: &IntakeLimits) -> Result<(), Refusal> {
        no_line_end("subject", &self.subject)?;
        no_nul("text", self.text.as_deref())?;
        no_nul("html", self.html.as_deref())?;
        for (name, value) in &self.headers {
            check_header(name, value, limits)?;
        }
        if self.headers.len() > limits.header_fields {
            return bad_value("headers", format!("there are more than {}", limits.header_fields));
        }
        if self.attachments.len() > limits.attachments {
            return bad_value(
                "attachments",
                format!("there are more than {}", limits.attachments),
            );
        }
        for (place, attachment) in self.attachments.iter().enumerate() {
            attachment.check(place)?;
        }
        let nothing = |body: &Option<String>| body.as_ref().is_none_or(String::is_empty);
        if self.subject.is_empty()
            && nothing(&self.text)
            && nothing(&self.html)
            && self.attachments.is_empty()
        {
            return Err(Refusal::EmptyMessage);
        }
        Ok(())
    }

    /// Octets of its bodies and files, not encoded.
    pub(super) fn content_bytes(&self) -> usize {
        let text = |body: &Option<String>| body.as_ref().map_or(0, String::len);
        let files: usize = self.attachments.iter().map(|file| file.content.len()).sum();
        text(&self.text) + text(&self.html) + files
    }

    /// Everybody it goes to.
    ///
    /// # Errors
    /// [`Refusal::TooManyRecipients`].
    pub(super) fn recipients(&self, most: usize) -> Result<Recipients, Refusal> {
        use postroom_store::RecipientRole as Role;
        let mut recipients = Recipients::new(most);
        for (list, role) in [(&self.to, Role::To), (&self.cc, Role::Cc), (&self.bcc, Role::Bcc)] {
            for mailbox in list {
                recipients.add(mailbox.address().clone().into(), role)?;
            }
        }
        Ok(recipients)
    }
}

impl Attachment {
    const MAX_NAME_CHARS: usize = 255;

    fn check(&self, place: usize) -> Result<(), Refusal> {
        let path = |field: &str| format!("attachments[{place}].{field}");
        no_line_end(&path("filename"), &self.filename)?;
        if self.filename.chars().any(char::is_control) {
            return bad_value(&path("filename"), "has a control character in it: remove it");
        }
        if self.filename.is_empty() || self.filename.chars().nth(Self::MAX_NAME_CHARS).is_some() {
            let reason = format!("has 1 to {} characters", Self::MAX_NAME_CHARS);
            return bad_value(&path("filename"), reason);
        }
        no_line_end(&path("content_type"), &self.content_type)?;
        let good = self.content_type.split_once('/').is_some_and(|(kind, rest)| {
            is_token(kind) && is_token(rest) && !kind.eq_ignore_ascii_case("multipart")
        });
        if !good || self.content_type.len() > 127 {
            let reason = "is no media type of one file: write it like application/pdf, without parameters";
            return bad_value(&path("content_type"), reason);
        }
        Ok(())
    }
}

fn bad_value<T>(field: &str, reason: impl Into<std::borrow::Cow<'static, str>>) -> Result<T, Refusal> {
    Err(Refusal::BadValue {
        field: field.to_owned(),
        reason: reason.into(),
    })
}

fn no_line_end(field: &str, value: &str) -> Result<(), Refusal> {
    if value.contains(['\r', '\n', '\0']) {
        return Err(Refusal::HeaderInjection {
            field: field.to_owned(),
        });
    }
    Ok(())
}

fn no_nul(field: &str, body: Option<&str>) -> Result<(), Refusal> {
    match body {
        Some(body) if body.contains('\0') => bad_value(field, "has a NUL character in it: remove it"),
        Some(_) | None => Ok(()),
    }
}

/// RFC 2045 §5.1 `token`.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
}

/// Fields that Postroom writes itself, and what to use for each.
const RESERVED: [(&str, &str); 12] = [
    ("from", "use the field from"),
    ("sender", "use the field from"),
    ("to", "use the field to"),
    ("cc", "use the field cc"),
    ("bcc", "use the field bcc"),
    ("reply-to", "use the field reply_to"),
    ("subject", "use the field subject"),
    ("date", "it is the time of submission"),
    ("message-id", "it is told in the answer"),
    ("mime-version", "leave it out"),
    ("received", "leave it out"),
    ("return-path", "leave it out"),
];

fn reserved(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let whole = RESERVED
        .iter()
        .find(|(field, _)| *field == name)
        .map(|(_, instead)| *instead);
    whole.or_else(|| {
        if name.starts_with("content-") {
            Some("it follows from text, html and attachments")
        } else if name.starts_with("resent-") {
            Some("leave it out")
        } else if name.starts_with("x-postroom-") {
            Some("use the fields of the API")
        } else {
            None
        }
    })
}

const MAX_HEADER_NAME_BYTES: usize = 76;
const MAX_HEADER_VALUE_BYTES: usize = 16 * 1024;

fn check_header(name: &str, value: &str, limits: &IntakeLimits) -> Result<(), Refusal> {
    let shown: String = name.chars().take(MAX_HEADER_NAME_BYTES).collect();
    let field = format!("headers.{shown}");
    no_line_end(&field, name)?;
    no_line_end(&field, value)?;
    let bad = |reason: &'static str| {
        Err(Refusal::BadHeader {
            field: field.clone(),
            reason: reason.into(),
        })
    };
    let is_name = |b: u8| b.is_ascii_graphic() && b != b':';
    if name.is_empty() || name.len() > MAX_HEADER_NAME_BYTES || !name.bytes().all(is_name) {
        return bad("a header name has 1 to 76 printable ASCII characters, no space and no colon");
    }
    if let Some(instead) = reserved(name) {
        return Err(Refusal::ReservedHeader {
            field: field.clone(),
            name: name.to_owned(),
            instead,
        });
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return bad("has a control character in it: remove it");
    }
    let longest_word = value.split([' ', '\t']).map(str::len).max().unwrap_or_default();
    let cannot_fold = value.is_ascii() && longest_word + name.len() + 2 > limits.header_line_bytes;
    if value.len() > MAX_HEADER_VALUE_BYTES || cannot_fold {
        return bad("is too long for a header field: shorten it");
    }
    Ok(())
}
