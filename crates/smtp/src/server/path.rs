//! Paths: `<local-part@domain>` (RFC 5321 §4.1.2, §4.1.3, §4.5.3.1; RFC 6531 §3.3).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::envelope::Mailbox;

const LOCAL_PART_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;
const LABEL_BYTES_MAX: usize = 63;
/// A path's 256 bytes with its two brackets.
const MAILBOX_BYTES_MAX: usize = 254;

/// Cuts `<…>` off the start of `text`; answers what is inside and what follows.
///
/// Spaces before `<` are let pass: clients send them and every server takes them.
///
/// # Errors
/// What is wrong, in words that follow "bad address:".
pub(super) fn cut_path(text: &str) -> Result<(&str, &str), &'static str> {
    let inside = text
        .trim_start_matches(' ')
        .strip_prefix('<')
        .ok_or("it must stand in <angle brackets>")?;
    let end = closing_bracket(inside).ok_or("its closing > is missing")?;
    let (path, rest) = inside.split_at(end);
    let rest = rest.strip_prefix('>').unwrap_or(rest);
    if !rest.is_empty() && !rest.starts_with(' ') {
        return Err("a space must follow its closing >");
    }
    Ok((path, rest))
}

/// Finds the `>` that is not inside a quoted local part.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Checks the inside of a path, a source route taken off as §4.1.1.3 allows.
///
/// # Errors
/// What is wrong, in words that follow "bad address:".
pub(super) fn parse_mailbox(path: &str) -> Result<Mailbox, &'static str> {
    let mailbox = match path.strip_prefix('@') {
        Some(route) => route.split_once(':').ok_or("its source route has no end")?.1,
        None => path,
    };
    if mailbox.len() > MAILBOX_BYTES_MAX {
        return Err("it has more than 254 bytes");
    }
    if mailbox.eq_ignore_ascii_case("postmaster") {
        return Ok(Mailbox::checked(mailbox));
    }
    let (local_part, domain) = if mailbox.starts_with('"') {
        let end = quoted_end(mailbox).ok_or("its quoted local part is malformed")?;
        let (quoted, rest) = mailbox.split_at(end);
        (
            quoted,
            rest.strip_prefix('@')
                .ok_or("it has no @ after its quoted local part")?,
        )
    } else {
        let (local_part, domain) = mailbox.split_once('@').ok_or("it has no @")?;
        if !local_part.split('.').all(is_atom) {
            return Err("its local part is malformed");
        }
        (local_part, domain)
    };
    if local_part.len() > LOCAL_PART_BYTES_MAX {
        return Err("its local part has more than 64 bytes");
    }
    check_domain(domain)?;
    Ok(Mailbox::checked(mailbox))
}

/// The index after the closing quote of a quoted string at the start of `text`.
fn quoted_end(text: &str) -> Option<usize> {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some(at + 1),
            '\\' if characters
                .next()
                .is_none_or(|(_, escaped)| !matches!(escaped, ' '..='~')) =>
            {
                return None;
            }
            _ if c.is_control() => return None,
            _ => {}
        }
    }
    None
}

fn is_atom(atom: &str) -> bool {
    let fits = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' => true,
        '=' | '?' | '^' | '_' | '`' | '{' | '|' | '}' | '~' => true,
        _ => !c.is_ascii() && !c.is_control() && !c.is_whitespace(),
    };
    !atom.is_empty() && atom.chars().all(fits)
}

fn check_domain(domain: &str) -> Result<(), &'static str> {
    if let Some(literal) = domain.strip_prefix('[') {
        let literal = literal
            .strip_suffix(']')
            .ok_or("its address literal has no closing ]")?;
        let fits = match literal.get(..5) {
            Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => literal
                .get(5..)
                .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
            _ => literal.parse::<Ipv4Addr>().is_ok(),
        };
        return if fits {
            Ok(())
        } else {
            Err("its address literal is malformed")
        };
    }
    if domain.len() > DOMAIN_BYTES_MAX {
        return Err("its domain has more than 255 bytes");
    }
    if domain.split('.').all(is_label) {
        Ok(())
    } else {
        Err("its domain is malformed")
    }
}

fn is_label(label: &str) -> bool {
    let fits = |c: char| {
        if c.is_ascii() {
            c.is_ascii_alphanumeric() || c == '-'
        } else {
            c.is_alphanumeric()
        }
    };
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| fits(c) || is_mark(c))
}

/// Combining marks are part of words in many scripts and are not alphanumeric.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}' | '\u{e00}'..='\u{eff}' | '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_mailboxes_pass() {
        for good in [
            "ann@example.com",
            "a.b+c=d'e@mail-1.example.test",
            "\"odd \\\" > @ name\"@example.com",
            "ann@[192.0.2.1]",
            "ann@[IPv6:2001:db8::1]",
            "ann@localhost",
            "Postmaster",
            "grüße@bücher.example",
            "用户@例子.test",
        ] {
            assert_eq!(parse_mailbox(good).as_ref().map(Mailbox::as_str), Ok(good));
        }
    }

    #[test]
    fn source_route_is_taken_off() {
        assert_eq!(
            parse_mailbox("@a.test,@b.test:ann@c.test").unwrap().as_str(),
            "ann@c.test"
        );
    }

    #[test]
    fn bad_mailboxes_are_refused() {
        let long = format!("{}@example.com", "x".repeat(65));
        let wide = format!("a@{}", "label.".repeat(60));
        for bad in [
            "",
            "ann",
            "@",
            "ann@",
            "@example.com",
            "a@b@c",
            "a b@c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a@b..c",
            "a@-b",
            "a@b-",
            "a@b_c",
            "a@[1.2.3]",
            "a@[IPv6:xyz]",
            "a@[1.2.3.4",
            "\"a@b",
            "\"a\"b@c",
            "a\"b@c",
            "a@b\u{7}",
            "a\u{80}@b",
            "a,b@c",
            "<a@b>",
            &long,
            &wide,
        ] {
            assert!(parse_mailbox(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn path_is_cut_at_the_bracket_outside_quotes() {
        assert_eq!(cut_path("<\"a>b\"@c> SIZE=1"), Ok(("\"a>b\"@c", " SIZE=1")));
        assert_eq!(cut_path(" <>"), Ok(("", "")));
        for bad in ["a@b", "<a@b", "<a@b>SIZE=1", "<\"a>"] {
            assert!(cut_path(bad).is_err(), "{bad:?}");
        }
    }
}
