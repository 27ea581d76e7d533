//! The message of standard input, with whom it is from and goes to.

use mail_parser::{Address as Field, HeaderName, HeaderValue, MessageParser};

use super::arguments::Arguments;
use super::exit::Failure;

/// A message and its envelope.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) sender: String,
    pub(super) recipients: Vec<String>,
    pub(super) octets: Vec<u8>,
}

/// Takes the message up to a single dot (unless dots are content) and finds its envelope.
///
/// # Errors
/// [`Failure::Data`] for a message without sender or recipients.
pub(super) fn read(octets: &[u8], arguments: &Arguments) -> Result<Letter, Failure> {
    let octets = if arguments.dots_are_content {
        octets
    } else {
        up_to_dot(octets)
    };
    let headers = MessageParser::new().parse_headers(octets);
    let field = |wanted: &HeaderName<'_>| -> Vec<String> {
        let headers = headers.iter().flat_map(|message| message.headers());
        let values = headers
            .filter(|header| header.name == *wanted)
            .map(|header| &header.value);
        values.flat_map(addresses).collect()
    };
    let sender = match &arguments.sender {
        Some(sender) => sender.trim_matches(['<', '>']).to_owned(),
        None => field(&HeaderName::From).into_iter().next().ok_or_else(|| {
            Failure::Data("the message has no From field, and no -f names its sender".to_owned())
        })?,
    };
    let mut recipients = arguments.recipients.clone();
    if arguments.from_header {
        for name in [HeaderName::To, HeaderName::Cc, HeaderName::Bcc] {
            recipients.extend(field(&name));
        }
    }
    let mut seen = std::collections::HashSet::new();
    recipients.retain(|recipient| seen.insert(recipient.to_ascii_lowercase()));
    if recipients.is_empty() {
        return Err(Failure::Data(
            "-t was given, yet To, Cc and Bcc name nobody".to_owned(),
        ));
    }
    Ok(Letter {
        sender,
        recipients,
        octets: octets.to_vec(),
    })
}

fn addresses(value: &HeaderValue<'_>) -> Vec<String> {
    let HeaderValue::Address(field) = value else {
        return Vec::new();
    };
    let own = |address: &mail_parser::Addr<'_>| address.address().map(str::to_owned);
    match field {
        Field::List(list) => list.iter().filter_map(own).collect(),
        Field::Group(groups) => groups
            .iter()
            .flat_map(|group| group.addresses.iter())
            .filter_map(own)
            .collect(),
    }
}

fn up_to_dot(octets: &[u8]) -> &[u8] {
    let mut end = 0;
    for line in octets.split_inclusive(|&byte| byte == b'\n') {
        if matches!(line, b".\n" | b".\r\n" | b".") {
            return octets.get(..end).unwrap_or(octets);
        }
        end += line.len();
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] =
        b"From: Desk <desk@office.example.com>\nTo: a@example.test,\n \"B, C\" <b@example.test>\n\
        Bcc: c@example.test\nSubject: x\n\nbody\n.\nmore\n";

    fn arguments(words: &[&str]) -> Arguments {
        Arguments::parse(words.iter().map(|w| (*w).to_owned())).unwrap()
    }

    #[test]
    fn recipients_come_from_the_header_and_the_command_line_once_each() {
        let letter = read(MESSAGE, &arguments(&["-t", "-i", "A@example.test"])).unwrap();
        assert_eq!(letter.sender, "desk@office.example.com");
        assert_eq!(
            letter.recipients,
            ["A@example.test", "b@example.test", "c@example.test"]
        );
        assert!(letter.octets.ends_with(b".\nmore\n"));
    }

    #[test]
    fn single_dot_ends_the_message_unless_it_is_content() {
        let letter = read(MESSAGE, &arguments(&["x@example.test"])).unwrap();
        assert!(letter.octets.ends_with(b"body\n"));
        assert_eq!(letter.recipients, ["x@example.test"]);
    }

    #[test]
    fn message_without_sender_or_recipients_is_refused() {
        assert!(read(b"To: a@example.test\n\nx", &arguments(&["-t"])).is_err());
        assert!(read(b"From: a@example.test\n\nx", &arguments(&["-t"])).is_err());
    }
}
