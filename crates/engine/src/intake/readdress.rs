//! Changes one address in a kept letter's To and Cc fields (SPEC C7), and leaves every other octet as it is.

/// The text with each whole occurrence of the address `old` replaced by `new`; `None` where it does not occur.
///
/// Letters compare without regard to ASCII case. An occurrence inside a longer address (`ann@example.com` in
/// `joann@example.com`) is none.
pub fn readdress(text: &str, old: &str, new: &str) -> Option<String> {
    let (lower, wanted) = (text.to_ascii_lowercase(), old.to_ascii_lowercase());
    if wanted.is_empty() {
        return None;
    }
    let mut changed = String::with_capacity(text.len() + new.len());
    let (mut from, mut found) = (0, false);
    while let Some(at) = lower.get(from..)?.find(&wanted).map(|at| from + at) {
        let end = at + wanted.len();
        let before = lower.get(..at)?.chars().next_back();
        let after = lower.get(end..)?.chars().next();
        let whole = !before.is_some_and(is_of_address) && !after.is_some_and(is_of_address);
        changed.push_str(text.get(from..at)?);
        changed.push_str(if whole { new } else { text.get(at..end)? });
        found |= whole;
        from = end;
    }
    changed.push_str(text.get(from..)?);
    found.then_some(changed)
}

/// Whether a character can belong to an address (RFC 5321 §4.1.2, RFC 6531 §3.3).
fn is_of_address(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.@".contains(c)
}

/// A header block with the address replaced in its To and Cc fields; `None` where neither names it.
pub fn readdress_header(block: &[u8], old: &str, new: &str) -> Option<Vec<u8>> {
    let mut changed = Vec::with_capacity(block.len() + new.len());
    let (mut inside, mut found) = (false, false);
    for line in block.split_inclusive(|&byte| byte == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
            inside = name.eq_ignore_ascii_case(b"To") || name.eq_ignore_ascii_case(b"Cc");
        }
        let edited = inside
            .then(|| std::str::from_utf8(line).ok())
            .flatten()
            .and_then(|line| readdress(line, old, new));
        match edited {
            Some(edited) => {
                found = true;
                changed.extend_from_slice(edited.as_bytes());
            }
            None => changed.extend_from_slice(line),
        }
    }
    found.then_some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_addresses_alone_are_replaced() {
        let text = "Joann <joann@example.com>, Ann <ANN@example.com>, ann@example.com.au";
        assert_eq!(
            readdress(text, "ann@example.com", "ann@example.org").as_deref(),
            Some("Joann <joann@example.com>, Ann <ann@example.org>, ann@example.com.au")
        );
        assert_eq!(readdress(text, "bob@example.com", "x@example.org"), None);
    }

    #[test]
    fn only_to_and_cc_change_in_a_header() {
        let block =
            b"From: a@example.com\r\nTo: b@example.com,\r\n a@example.com\r\nReply-To: a@example.com\r\n\r\n";
        let changed = readdress_header(block, "a@example.com", "c@example.com").unwrap();
        assert_eq!(
            String::from_utf8(changed).unwrap(),
            "From: a@example.com\r\nTo: b@example.com,\r\n c@example.com\r\nReply-To: a@example.com\r\n\r\n"
        );
        assert_eq!(readdress_header(block, "z@example.com", "c@example.com"), None);
    }
}
