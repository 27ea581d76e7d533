//! Commands and their grammar (RFC 5321 §4.1.1).

use super::envelope::{MailFrom, RcptTo};
use super::parameters;
use super::path;
use super::replies;
use crate::reply::Reply;

/// A command that is well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Ehlo(String),
    Helo(String),
    Mail(MailFrom),
    Rcpt(RcptTo),
    Data,
    Bdat {
        size_bytes: u64,
        is_last: bool,
    },
    Auth {
        mechanism: String,
        initial: Option<String>,
    },
    StartTls,
    Rset,
    Noop,
    Vrfy,
    Help,
    Quit,
}

/// Why a line is not a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Malformed {
    /// Say so and go on.
    Refused(Reply),
    /// A BDAT whose length cannot be read: where its chunk ends, and the next command starts, is not known.
    ChunkSize(Reply),
}

impl From<Reply> for Malformed {
    fn from(reply: Reply) -> Self {
        Self::Refused(reply)
    }
}

impl Command {
    /// Reads a line without its CRLF.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let line = std::str::from_utf8(line).map_err(|_| replies::not_utf8())?;
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return Err(replies::control_character().into());
        }
        let line = line.trim_end_matches([' ', '\t']);
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        Ok(match verb.to_ascii_uppercase().as_str() {
            "EHLO" => Self::Ehlo(host(rest)?),
            "HELO" => Self::Helo(host(rest)?),
            "MAIL" => Self::Mail(mail(rest)?),
            "RCPT" => Self::Rcpt(rcpt(rest)?),
            "DATA" => alone(rest, Self::Data)?,
            "BDAT" => bdat(rest)?,
            "AUTH" => auth(rest)?,
            "STARTTLS" => alone(rest, Self::StartTls)?,
            "RSET" => alone(rest, Self::Rset)?,
            "QUIT" => alone(rest, Self::Quit)?,
            "NOOP" => Self::Noop,
            "HELP" => Self::Help,
            "VRFY" if rest.is_empty() => return Err(replies::bad_argument("VRFY needs an address").into()),
            "VRFY" => Self::Vrfy,
            "EXPN" | "ETRN" | "ATRN" | "TURN" | "SEND" | "SOML" | "SAML" | "BURL" => {
                return Err(replies::not_implemented(verb).into());
            }
            _ => return Err(replies::unknown_command(verb).into()),
        })
    }
}

fn alone(rest: &str, command: Command) -> Result<Command, Reply> {
    if rest.is_empty() {
        Ok(command)
    } else {
        Err(replies::bad_argument("this command takes no argument"))
    }
}

fn host(rest: &str) -> Result<String, Reply> {
    let host = rest.trim_start_matches(' ');
    match host.len() {
        0 => Err(replies::bad_argument("give your host name after the command")),
        1..=255 => Ok(host.to_owned()),
        _ => Err(replies::bad_argument("the host name has more than 255 bytes")),
    }
}

fn mail(rest: &str) -> Result<MailFrom, Reply> {
    let path = keyword(rest, "FROM:").ok_or_else(|| replies::bad_argument("write MAIL FROM:<address>"))?;
    let (inside, parameters) = path::cut_path(path).map_err(|why| replies::bad_sender(path, why))?;
    let address = match inside {
        "" => None,
        _ => Some(path::parse_mailbox(inside).map_err(|why| replies::bad_sender(inside, why))?),
    };
    parameters::mail(address, parameters)
}

fn rcpt(rest: &str) -> Result<RcptTo, Reply> {
    let path = keyword(rest, "TO:").ok_or_else(|| replies::bad_argument("write RCPT TO:<address>"))?;
    let (inside, parameters) = path::cut_path(path).map_err(|why| replies::bad_recipient(path, why))?;
    let address = path::parse_mailbox(inside).map_err(|why| replies::bad_recipient(inside, why))?;
    parameters::rcpt(address, parameters)
}

/// Takes a keyword in any case off the start of `text`.
fn keyword<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.trim_start_matches(' ');
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

fn bdat(rest: &str) -> Result<Command, Malformed> {
    let refuse = || Malformed::ChunkSize(replies::bad_argument("write BDAT <bytes> or BDAT <bytes> LAST"));
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    let digits = words
        .next()
        .filter(|word| word.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(refuse)?;
    let size_bytes = digits.parse().map_err(|_| refuse())?;
    let is_last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return Err(refuse()),
    };
    if words.next().is_some() {
        return Err(refuse());
    }
    Ok(Command::Bdat { size_bytes, is_last })
}

fn auth(rest: &str) -> Result<Command, Reply> {
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    let (Some(mechanism), initial, None) = (words.next(), words.next(), words.next()) else {
        return Err(replies::bad_argument("write AUTH <mechanism> [<response>]"));
    };
    Ok(Command::Auth {
        mechanism: mechanism.to_owned(),
        initial: initial.map(str::to_owned),
    })
}
