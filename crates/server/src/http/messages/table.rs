//! Rows of the list as cells of a table that a spreadsheet opens without harm.

use std::borrow::Cow;

use postroom_domain::Timestamp;
use postroom_store::Row;

use crate::http::wire::detail::code_of;

macro_rules! columns {
    ($($variant:ident = $name:literal, $title:literal;)+) => {
        /// A column of the list (SPEC Q2).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Column { $($variant,)+ }

        impl Column {
            /// Every column, in the order of an export.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in the API.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The title that people read.
            pub(super) const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// The column of a name.
            pub(super) fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|column| column.name() == name)
            }
        }
    };
}

columns! {
    Id = "id", "Id";
    Date = "date", "Date";
    Type = "type", "Type";
    Status = "status", "Status";
    Source = "source", "Source";
    Kind = "kind", "Kind";
    User = "user", "User";
    Office = "office", "Office";
    From = "from", "From";
    To = "to", "To";
    Cc = "cc", "Cc";
    Bcc = "bcc", "Bcc";
    Subject = "subject", "Subject";
    Body = "body", "Body";
    MimeType = "mime_type", "Mime Type";
    Size = "size", "Size";
    Attempts = "attempts", "Send Attempts";
    Sent = "sent", "Sent";
    SentOn = "sent_on", "Sent On";
    NextAttempt = "next_attempt", "Next Attempt";
    HeldUntil = "held_until", "Held Until";
    Code = "code", "Code";
    Error = "error", "Error Message";
    Tags = "tags", "Tags";
    ExternalId = "external_id", "External Id";
}

impl Column {
    /// The column of a layout's key, which has two names of its own.
    pub(super) fn of_layout(key: &str) -> Option<Self> {
        match key {
            "send_attempts" => Some(Self::Attempts),
            "error_message" => Some(Self::Error),
            same => Self::from_name(same),
        }
    }

    /// What a row has in it.
    pub(super) fn cell(self, row: &Row) -> Cow<'_, str> {
        let time = |at: Option<Timestamp>| Cow::Owned(at.map_or_else(String::new, |at| at.to_string()));
        match self {
            Self::Id => row.id.to_string().into(),
            Self::Date => row.date.to_string().into(),
            Self::Type => row.state.shown().name().into(),
            Self::Status => row.state.name().into(),
            Self::Source => row.kind.category().name().into(),
            Self::Kind => row.kind.name().into(),
            Self::User => row.sender.1.as_str().into(),
            Self::Office => row.office.1.as_str().into(),
            Self::From => row.from.as_str().into(),
            Self::To => row.to.as_str().into(),
            Self::Cc => row.cc.as_str().into(),
            Self::Bcc => row.bcc.as_str().into(),
            Self::Subject => row.subject.as_str().into(),
            Self::Body if row.kind.body_is_secret() => "".into(),
            Self::Body => row.preview.as_str().into(),
            Self::MimeType => row.mime_type.as_str().into(),
            Self::Size => row.size_bytes.to_string().into(),
            Self::Attempts => row.attempts.to_string().into(),
            Self::Sent => if row.sent_on.is_some() { "Yes" } else { "No" }.into(),
            Self::SentOn => time(row.sent_on),
            Self::NextAttempt => time(row.next_attempt_at),
            Self::HeldUntil => time(row.hold.as_ref().and_then(|hold| hold.until)),
            Self::Code => row.error.as_ref().and_then(code_of).unwrap_or_default().into(),
            Self::Error => row
                .error
                .as_ref()
                .map_or_else(String::new, ToString::to_string)
                .into(),
            Self::Tags => row.tags.join(" ").into(),
            Self::ExternalId => row.external_id.as_deref().unwrap_or("").into(),
        }
    }
}

/// Adds a line of cells (RFC 4180 §2): each in quotes where it has to be, ended by CR LF.
pub(super) fn line<C: AsRef<str>>(out: &mut String, cells: impl Iterator<Item = C>) {
    for (n, cell) in cells.enumerate() {
        if n > 0 {
            out.push(',');
        }
        put(out, cell.as_ref());
    }
    out.push_str("\r\n");
}

/// A cell that begins as a formula begins (= + - @, tab, CR, also behind spaces) gets an apostrophe in front: a
/// spreadsheet then shows it and runs nothing.
fn put(out: &mut String, cell: &str) {
    let first = cell.trim_start_matches([' ', '\n']).chars().next();
    let defused = matches!(
        first,
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠')
    );
    let quoted = defused || cell.contains([',', '"', '\r', '\n']);
    if !quoted {
        out.push_str(cell);
        return;
    }
    out.push('"');
    if defused {
        out.push('\'');
    }
    for c in cell.chars() {
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cells: &[&str]) -> String {
        let mut out = String::new();
        line(&mut out, cells.iter());
        out
    }

    #[test]
    fn cells_are_quoted_where_they_have_to_be() {
        assert_eq!(written(&["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(
            written(&["a,b", "say \"hi\"", "two\nlines"]),
            "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n"
        );
    }

    #[test]
    fn formulas_are_defused() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"] {
            let written = written(&[formula]);
            assert!(written.starts_with("\"'"), "{written:?}");
        }
        assert_eq!(written(&["a=b", "2026-11-23"]), "a=b,2026-11-23\r\n");
    }

    #[test]
    fn every_column_of_a_layout_can_be_exported() {
        for column in postroom_domain::Column::ALL {
            let exported = Column::of_layout(column.key()).unwrap();
            assert_eq!(exported.title(), column.title());
        }
    }

    #[test]
    fn every_column_has_one_name() {
        for column in Column::ALL {
            assert_eq!(Column::from_name(column.name()), Some(*column));
        }
    }
}
