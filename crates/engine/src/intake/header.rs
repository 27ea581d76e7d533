//! The header block of a raw message: found, not rebuilt, so that what travels is what was handed in.

use memchr::{memchr, memmem};
use postroom_domain::Refusal;

use super::limits::IntakeLimits;

/// One field as it stands in the block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Name, colon, value and line ends.
    pub(super) whole: &'a [u8],
    /// What follows the colon, folded, without the last line end.
    pub(super) value: &'a [u8],
}

impl Field<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// The fields of a block, in order.
#[derive(Debug)]
pub(super) struct Header<'a> {
    fields: Vec<Field<'a>>,
}

/// Fields that two readers must not find twice: they would disagree who sent it, or what it holds.
const ONCE: [&str; 9] = [
    "From",
    "Sender",
    "Date",
    "Message-ID",
    "Subject",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "X-Postroom-Kind",
];

impl<'a> Header<'a> {
    /// Reads a block whose lines were checked, without the empty line behind it.
    ///
    /// # Errors
    /// [`Refusal::BadHeader`] names the line or the field, [`Refusal::TooLarge`] the block.
    pub(super) fn parse(block: &'a [u8], limits: &IntakeLimits) -> Result<Self, Refusal> {
        if block.len() > limits.header_bytes {
            return Err(Refusal::TooLarge {
                field: "header".to_owned(),
                most_bytes: u64::try_from(limits.header_bytes).unwrap_or(u64::MAX),
            });
        }
        let mut fields = Vec::with_capacity(24);
        let mut rest = block;
        let mut line = 1;
        while !rest.is_empty() {
            if fields.len() >= limits.header_fields {
                return Err(bad(line, "the header has too many fields: leave some out"));
            }
            let (whole, after, lines) = take_field(rest);
            fields.push(read_field(whole, line)?);
            line += lines;
            rest = after;
        }
        let header = Self { fields };
        header.check(limits)?;
        Ok(header)
    }

    fn check(&self, limits: &IntakeLimits) -> Result<(), Refusal> {
        for name in ONCE {
            if self.all(name).nth(1).is_some() {
                return Err(Refusal::BadHeader {
                    field: name.to_owned(),
                    reason: "stands in the header more than once: keep one".into(),
                });
            }
        }
        if self.all("Received").count() > limits.hops {
            return Err(Refusal::BadHeader {
                field: "Received".to_owned(),
                reason: "stands in the header so often that the message goes in a circle".into(),
            });
        }
        Ok(())
    }

    /// Every field, in order.
    pub(super) fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The fields of a name, in order.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// The value of the first field of a name that holds more than white space.
    pub(super) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name)
            .map(|field| field.value)
            .find(|value| !value.trim_ascii().is_empty())
    }
}

fn bad(line: usize, reason: &'static str) -> Refusal {
    Refusal::BadHeader {
        field: format!("header line {line}"),
        reason: reason.into(),
    }
}

/// Parts the first field, with its folded lines, from the rest; tells how many lines it has.
fn take_field(block: &[u8]) -> (&[u8], &[u8], usize) {
    let mut end = 0;
    let mut lines = 0;
    loop {
        let rest = block.get(end..).unwrap_or_default();
        end += memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        lines += 1;
        let folded = matches!(block.get(end), Some(b' ' | b'\t'));
        if !folded {
            let (field, rest) = block.split_at_checked(end).unwrap_or((block, &[]));
            return (field, rest, lines);
        }
    }
}

fn read_field(whole: &[u8], line: usize) -> Result<Field<'_>, Refusal> {
    if matches!(whole.first(), Some(b' ' | b'\t')) {
        return Err(bad(
            line,
            "begins with a space, but there is no field above it to go on with",
        ));
    }
    let Some((name, value)) = memchr(b':', whole).and_then(|colon| {
        let (name, rest) = whole.split_at_checked(colon)?;
        Some((name, rest.get(1..)?))
    }) else {
        return Err(bad(
            line,
            "is no header field: write Name: value, and an empty line before the body",
        ));
    };
    // Obsolete syntax has white space before the colon; a Bcc written so is a Bcc all the same.
    let name = name.trim_ascii_end();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return Err(bad(
            line,
            "has a field name with a space or an unusual character in it, or none",
        ));
    }
    if memchr(0, value).is_some() {
        return Err(bad(line, "has a NUL character in it: remove it"));
    }
    Ok(Field {
        name: str::from_utf8(name).unwrap_or_default(),
        whole,
        value: value.strip_suffix(b"\r\n").unwrap_or(value),
    })
}

/// A value on one line: folds removed, white space around it too; what is not UTF-8 is replaced.
pub(super) fn unfold(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let text = text.trim();
    if memmem::find(text.as_bytes(), b"\r\n").is_none() {
        return text.to_owned();
    }
    text.replace("\r\n", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(block: &str) -> Result<Vec<(String, String)>, String> {
        Header::parse(block.as_bytes(), &IntakeLimits::default())
            .map(|header| {
                let shown = |field: &Field<'_>| (field.name.to_owned(), unfold(field.value));
                header.fields().iter().map(shown).collect()
            })
            .map_err(|refusal| refusal.detail())
    }

    #[test]
    fn fields_are_found_with_their_folds() {
        let fields = parse("A: b\r\nSubject:  one\r\n two\r\n\tthree \r\nBcc : x@y.test\r\nE:");
        let expected = [
            ("A", "b"),
            ("Subject", "one two\tthree"),
            ("Bcc", "x@y.test"),
            ("E", ""),
        ];
        let expected = expected.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        assert_eq!(fields, Ok(expected));
    }

    #[test]
    fn broken_header_lines_are_named() {
        for (block, expected) in [
            ("A: b\r\nno field\r\n", "header line 2: is no header field"),
            (" A: b\r\n", "header line 1: begins with a space"),
            ("A b: c\r\n", "header line 1: has a field name with a space"),
            (": c\r\n", "header line 1: has a field name"),
            ("Ä: c\r\n", "header line 1: has a field name"),
            ("A: b\r\n c\r\nB: \0\r\n", "header line 3: has a NUL"),
            (
                "From: a\r\nfrom: b\r\n",
                "From: stands in the header more than once",
            ),
        ] {
            let refused = parse(block).expect_err(block);
            assert!(refused.starts_with(expected), "{refused}");
        }
        let loops = "Received: by x\r\n".repeat(101);
        assert!(parse(&loops).expect_err("a loop").contains("circle"));
        let many = "X: y\r\n".repeat(1001);
        assert!(parse(&many).expect_err("many").contains("too many fields"));
        let long = format!("X: {}\r\n", "y ".repeat(200_000));
        assert!(
            parse(&long)
                .expect_err("long")
                .contains("larger than the 262144 octets")
        );
    }
}
