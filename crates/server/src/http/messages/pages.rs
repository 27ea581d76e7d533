//! The bodies of a message as pages of their own.

use std::collections::HashSet;
use std::time::Duration;

use mail_parser::Message;
use mail_parser::decoders::html::html_to_text;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::deadline::Deadline;
use super::mime::{self, NotReadable};
use super::sanitise::{Unshown, sanitise};

/// Most of a text or a source that is shown, in bytes; all of it is in `raw`.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// How long the preparation of HTML may take, until the text is shown in its place.
const HTML_DURATION_MAX: Duration = Duration::from_secs(1);

/// How texts and notes look.
const TEXT_STYLE: &str = "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,monospace;margin:0}\
     .note{font:13px/1.5 system-ui,sans-serif;margin:0 0 12px;padding:8px 12px;background:#f3f1ea;border-radius:4px}";

/// A body of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyKind {
    /// The plain text.
    Text,
    /// The HTML, or the text where it cannot be shown.
    Html,
    /// The message as it is stored.
    Source,
}

impl BodyKind {
    /// The body of a name, if there is one.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "html" => Some(Self::Html),
            "source" => Some(Self::Source),
            _ => None,
        }
    }
}

/// Whether pictures that lie elsewhere are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Pictures {
    /// Only those that the message brings along.
    #[default]
    Inside,
    /// Also those that lie elsewhere: who put them there learns that the message is being read.
    Remote,
}

/// The page of a body; `None` where the message does not have it.
///
/// # Errors
/// Where the message cannot be parsed safely, which its source does not need.
pub(super) fn page_of(
    octets: &[u8],
    body: BodyKind,
    pictures: Pictures,
    cancelled: &CancellationToken,
) -> Result<Option<String>, NotReadable> {
    if body == BodyKind::Source {
        let shown = octets.get(..TEXT_BYTES_MAX).unwrap_or(octets);
        let cut = Cut::of(octets.len());
        return Ok(Some(text_page(&String::from_utf8_lossy(shown), cut, None)));
    }
    let message = mime::parse(octets)?;
    if body == BodyKind::Text {
        return Ok(mime::text_of(&message).map(|text| beginning_page(text, None)));
    }
    let Some(html) = mime::html_of(&message) else {
        return Ok(None);
    };
    // The time begins after the message was parsed, which cannot be interrupted.
    let deadline = Deadline::new(HTML_DURATION_MAX, cancelled.clone());
    let page = html_page(html, pictures, &deadline);
    Ok(Some(page.unwrap_or_else(|why| text_instead(&message, html, why))))
}

/// Whether all of a text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Whole,
    Beginning,
}

impl Cut {
    const fn of(bytes: usize) -> Self {
        if bytes > TEXT_BYTES_MAX {
            Self::Beginning
        } else {
            Self::Whole
        }
    }
}

/// The text in place of HTML that cannot be shown: the message's own, or what the HTML says without its tags.
fn text_instead(message: &Message<'_>, html: &str, why: Unshown) -> String {
    let line = format!(
        "{} The plain text is shown instead. Download the message to see the original.",
        why.words()
    );
    match mime::text_of(message) {
        Some(text) => beginning_page(text, Some(&line)),
        None => {
            let text = html_to_text(beginning(html));
            text_page(&text, Cut::of(html.len()), Some(&line))
        }
    }
}

fn beginning_page(text: &str, line: Option<&str>) -> String {
    text_page(beginning(text), Cut::of(text.len()), line)
}

fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX))
        .unwrap_or(text)
}

/// A text as a page, below a line that says something about it.
fn text_page(text: &str, cut: Cut, line: Option<&str>) -> String {
    let escaped = ammonia::clean_text(text)
        .replace("&#10;", "\n")
        .replace("&#13;", "")
        .replace("&#32;", " ");
    let cut = match cut {
        Cut::Whole => None,
        Cut::Beginning => Some("Only the first MiB is shown; download the message to see the rest."),
    };
    let notes: String = line
        .into_iter()
        .chain(cut)
        .map(|note| format!("<p class=\"note\">{note}</p>"))
        .collect();
    wrapped(TEXT_STYLE, &format!("{notes}<pre>{escaped}</pre>"))
}

/// The page of a body that has to wait, with a sentence that says why.
pub(super) fn later_page(sentence: &str) -> String {
    let sentence = ammonia::clean_text(sentence).replace("&#32;", " ");
    // In its frame, which its own address loads again.
    let again = "<a href=\"\" target=\"_self\">Try again</a>";
    wrapped(TEXT_STYLE, &format!("<p class=\"note\">{sentence} {again}</p>"))
}

/// Sanitised HTML: no scripts, forms, frames or links that act; pictures where they are inside (`data:`), and remote ones
/// where somebody asked for them.
fn html_page(html: &str, pictures: Pictures, deadline: &Deadline) -> Result<String, Unshown> {
    let page = sanitise(&cleaner(pictures), html, deadline)?;
    Ok(wrapped(
        "body{font:14px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}img{max-width:100%}",
        &page,
    ))
}

/// What stays of HTML.
pub(super) fn cleaner(pictures: Pictures) -> ammonia::Builder<'static> {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_generic_attributes([
            "style", "align", "valign", "bgcolor", "width", "height", "border", "dir",
        ])
        .add_tags(["font", "center"])
        .add_tag_attributes("font", ["color", "face", "size"])
        .add_tag_attributes("table", ["cellpadding", "cellspacing"])
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "data"]))
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(move |element, attribute, value| match (element, attribute) {
            ("img", "src") if value.starts_with("data:image/") => Some(value.into()),
            ("img", "src") if pictures == Pictures::Remote && is_remote(value) => Some(value.into()),
            ("img", "src" | "srcset") => None,
            // A data: address opens a page of the sender's making.
            (_, "href") if value.trim_start().to_ascii_lowercase().starts_with("data:") => None,
            // The policy forbids the network anyway; this keeps addresses out of the page too.
            (_, "style") if value.to_ascii_lowercase().contains("url(") => None,
            _ => Some(value.into()),
        });
    cleaner
}

/// Whether an address names something on the web.
fn is_remote(address: &str) -> bool {
    let start = address
        .trim_start()
        .get(..8)
        .unwrap_or(address)
        .to_ascii_lowercase();
    start.starts_with("https://") || start.starts_with("http://")
}

fn wrapped(style: &str, body: &str) -> String {
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\"><base target=\"_blank\"><style>:root{{color-scheme:light}}body{{margin:12px;background:#fff;color:#111}}{style}</style></head><body>{body}</body></html>"
    )
}

#[cfg(test)]
mod tests;
