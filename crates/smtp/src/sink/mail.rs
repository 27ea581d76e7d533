//! The little of SMTP's grammar that a sink reads.

/// A command line's verb, upper-cased, and the rest.
pub(super) fn split_verb(line: &str) -> (String, &str) {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    (verb.to_ascii_uppercase(), rest.trim())
}

/// The path and the parameters of `FROM:<path> parameters`, or of `TO:`.
pub(super) fn split_path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let head = rest.get(..keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let rest = rest.get(keyword.len()..)?.trim_start().strip_prefix('<')?;
    let (path, parameters) = match rest.split_once("> ") {
        Some(parts) => parts,
        None => (rest.strip_suffix('>')?, ""),
    };
    Some((path, parameters.trim()))
}

/// The number behind `SIZE=`.
pub(super) fn size_parameter(parameters: &str) -> Option<u64> {
    let word = parameters
        .split(' ')
        .find_map(|word| word.strip_prefix("SIZE="))?;
    word.parse().ok()
}

/// The value of the Message-ID field; empty where the header has none.
pub(super) fn message_id(content: &[u8]) -> String {
    const NAME: &[u8] = b"message-id:";
    for line in content.split(|byte| *byte == b'\n') {
        if matches!(line, b"" | b"\r") {
            break;
        }
        let is_it = line
            .get(..NAME.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(NAME));
        if is_it {
            let value = line.get(NAME.len()..).unwrap_or_default();
            return String::from_utf8_lossy(value).trim().to_owned();
        }
    }
    String::new()
}

/// Takes away the dot in front of each line that starts with one (RFC 5321 §4.5.2).
pub(super) fn undotted(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    let mut from = usize::from(content.first() == Some(&b'.'));
    for at in memchr::memmem::find_iter(content, b"\r\n.") {
        out.extend_from_slice(content.get(from..at + 2).unwrap_or_default());
        from = at + 3;
    }
    out.extend_from_slice(content.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_from_their_parameters() {
        assert_eq!(
            split_path("FROM:<a@b.test> SIZE=3", "FROM:"),
            Some(("a@b.test", "SIZE=3"))
        );
        assert_eq!(split_path("to: <a@b.test>", "TO:"), Some(("a@b.test", "")));
        assert_eq!(split_path("FROM:<>", "FROM:"), Some(("", "")));
        assert_eq!(split_path("FROM:a@b.test", "FROM:"), None);
        assert_eq!(split_path("é", "FROM:"), None);
    }

    #[test]
    fn message_id_is_read_from_the_header_alone() {
        assert_eq!(message_id(b"A: b\r\nMessage-Id: <x@y>\r\n\r\n"), "<x@y>");
        assert_eq!(message_id(b"A: b\r\n\r\nMessage-ID: <x@y>\r\n"), "");
    }

    #[test]
    fn doubled_dots_are_undone() {
        assert_eq!(undotted(b"..\r\n..a\r\nb.\r\n"), b".\r\n.a\r\nb.\r\n");
        assert_eq!(undotted(b"a\r\n"), b"a\r\n");
    }
}
