//! The parameters of MAIL and RCPT (RFC 1870, 6152, 6531, 3461, 4954).

use super::envelope::{Body, MailFrom, Mailbox, Notify, RcptTo, Ret};
use super::replies;
use crate::reply::Reply;

/// RFC 3461 §4.4.
const ENVID_BYTES_MAX: usize = 100;
/// RFC 3461 §4.2.
const ORCPT_BYTES_MAX: usize = 500;

pub(super) fn mail(address: Option<Mailbox>, text: &str) -> Result<MailFrom, Reply> {
    let mut mail = MailFrom {
        address,
        ..MailFrom::default()
    };
    let mut seen = Seen::default();
    for (keyword, value) in words(text) {
        let bad = || replies::bad_parameter(keyword, value);
        let given = || value.ok_or_else(bad);
        match seen.once(keyword)?.as_str() {
            "SIZE" => mail.size_bytes = Some(digits(given()?).ok_or_else(bad)?),
            "BODY" => mail.body = body(given()?).ok_or_else(bad)?,
            "SMTPUTF8" if value.is_none() => mail.smtp_utf8 = true,
            "RET" => mail.ret = Some(ret(given()?).ok_or_else(bad)?),
            "ENVID" => mail.envelope_id = Some(xtext(given()?, ENVID_BYTES_MAX).ok_or_else(bad)?),
            "AUTH" if value == Some("<>") => mail.auth = Some("<>".to_owned()),
            "AUTH" => mail.auth = Some(xtext(given()?, ORCPT_BYTES_MAX).ok_or_else(bad)?),
            "SMTPUTF8" => return Err(bad()),
            _ => return Err(replies::unknown_parameter("MAIL", keyword)),
        }
    }
    Ok(mail)
}

pub(super) fn rcpt(address: Mailbox, text: &str) -> Result<RcptTo, Reply> {
    let mut rcpt = RcptTo {
        address,
        notify: None,
        original_recipient: None,
    };
    let mut seen = Seen::default();
    for (keyword, value) in words(text) {
        let bad = || replies::bad_parameter(keyword, value);
        match seen.once(keyword)?.as_str() {
            "NOTIFY" => rcpt.notify = Some(value.and_then(notify).ok_or_else(bad)?),
            "ORCPT" => rcpt.original_recipient = Some(value.and_then(original_recipient).ok_or_else(bad)?),
            _ => return Err(replies::unknown_parameter("RCPT", keyword)),
        }
    }
    Ok(rcpt)
}

fn words(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| match word.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (word, None),
        })
}

/// Refuses a keyword given twice (RFC 5321 §4.1.1.11). There are few, so a list will do.
#[derive(Default)]
struct Seen(Vec<String>);

impl Seen {
    fn once(&mut self, keyword: &str) -> Result<String, Reply> {
        let keyword = keyword.to_ascii_uppercase();
        if self.0.contains(&keyword) {
            return Err(replies::repeated_parameter(&keyword));
        }
        self.0.push(keyword.clone());
        Ok(keyword)
    }
}

fn digits(value: &str) -> Option<u64> {
    let fits = (1..=20).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    // 20 digits may be more than 64 bits hold; that many bytes are too many anyway.
    fits.then(|| value.parse().unwrap_or(u64::MAX))
}

fn body(value: &str) -> Option<Body> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Some(Body::SevenBit),
        "8BITMIME" => Some(Body::EightBitMime),
        _ => None,
    }
}

fn ret(value: &str) -> Option<Ret> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Some(Ret::Full),
        "HDRS" => Some(Ret::Headers),
        _ => None,
    }
}

fn notify(value: &str) -> Option<Notify> {
    if value.eq_ignore_ascii_case("NEVER") {
        return Some(Notify::Never);
    }
    let (mut success, mut failure, mut delay) = (false, false, false);
    for word in value.split(',') {
        let flag = match word.to_ascii_uppercase().as_str() {
            "SUCCESS" => &mut success,
            "FAILURE" => &mut failure,
            "DELAY" => &mut delay,
            _ => return None,
        };
        *flag = true;
    }
    Some(Notify::On {
        success,
        failure,
        delay,
    })
}

fn original_recipient(value: &str) -> Option<String> {
    let (kind, address) = value.split_once(';')?;
    let named = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (named && value.len() <= ORCPT_BYTES_MAX).then_some(())?;
    xtext(address, ORCPT_BYTES_MAX)?;
    Some(value.to_owned())
}

/// Checks xtext (RFC 3461 §4): printable, and `+` only before two hexadecimal digits. Characters beyond ASCII and
/// `\x{…}` are what RFC 6533 §3 adds for UTF-8 addresses.
fn xtext(value: &str, bytes_max: usize) -> Option<String> {
    if value.is_empty() || value.len() > bytes_max || value.contains(|c: char| c.is_control() || c == '=') {
        return None;
    }
    let escapes_fit = value.split('+').skip(1).all(|part| {
        part.as_bytes()
            .get(..2)
            .is_some_and(|hex| hex.iter().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')))
    });
    escapes_fit.then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Mailbox {
        Mailbox::checked("ann@example.com")
    }

    #[test]
    fn mail_parameters_are_read_in_any_case() {
        let read = mail(
            None,
            " size=1000 Body=8bitmime SMTPUTF8 RET=hdrs ENVID=a+2Bb AUTH=<>",
        )
        .unwrap();
        assert_eq!(read.size_bytes, Some(1_000));
        assert_eq!(
            (read.body, read.ret, read.smtp_utf8),
            (Body::EightBitMime, Some(Ret::Headers), true)
        );
        assert_eq!(
            (read.envelope_id.as_deref(), read.auth.as_deref()),
            (Some("a+2Bb"), Some("<>"))
        );
    }

    #[test]
    fn rcpt_parameters_are_read() {
        let read = rcpt(ann(), " NOTIFY=SUCCESS,delay ORCPT=rfc822;ann+2Bx@example.com").unwrap();
        assert_eq!(
            read.notify,
            Some(Notify::On {
                success: true,
                failure: false,
                delay: true
            })
        );
        assert_eq!(
            read.original_recipient.as_deref(),
            Some("rfc822;ann+2Bx@example.com")
        );
        assert_eq!(rcpt(ann(), " notify=never").unwrap().notify, Some(Notify::Never));
    }

    #[test]
    fn bad_parameters_are_refused_by_name() {
        for bad in [
            "SIZE",
            "SIZE=",
            "SIZE=-1",
            "SIZE=1x",
            "BODY=BINARYMIME",
            "SMTPUTF8=1",
            "RET=ALL",
            "ENVID=a+2",
            "ENVID=+zz",
            "ENVID=a=b",
            "MT-PRIORITY=3",
            "SIZE=1 SIZE=1",
        ] {
            let reply = mail(None, bad).unwrap_err();
            let keyword = bad.split('=').next().unwrap();
            assert!(reply.text.contains(keyword), "{bad}: {reply}");
        }
        for bad in [
            "NOTIFY=NEVER,SUCCESS",
            "NOTIFY=",
            "NOTIFY",
            "ORCPT=ann@example.com",
            "ORCPT=;x",
            "SIZE=1",
        ] {
            assert!(rcpt(ann(), bad).is_err(), "{bad}");
        }
    }
}
