//! The words of the server, in one place.

use std::borrow::Cow;

use crate::reply::{EnhancedCode, Reply};

fn reply(code: u16, (class, subject, detail): (u8, u16, u16), text: impl Into<Cow<'static, str>>) -> Reply {
    Reply::enhanced(code, EnhancedCode::new(class, subject, detail), text)
}

/// Shows what the client sent, short and printable.
fn shown(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    let mut shown: String = text
        .chars()
        .take(CHARACTERS_MAX)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// Shows a path; the empty one with the brackets that it came in.
fn shown_path(path: &str) -> String {
    if path.is_empty() {
        "<>".to_owned()
    } else {
        shown(path)
    }
}

macro_rules! fixed {
    ($($name:ident: $code:literal $enhanced:tt $text:literal;)+) => {
        $(pub(super) fn $name() -> Reply { reply($code, $enhanced, $text) })+
    };
}

fixed! {
    ok: 250 (2, 0, 0) "OK";
    sender_ok: 250 (2, 1, 0) "Sender OK";
    recipient_ok: 250 (2, 1, 5) "Recipient OK";
    bye: 221 (2, 0, 0) "Bye";
    vrfy: 252 (2, 5, 0) "Send some mail and see";
    help: 214 (2, 0, 0) "EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT";
    ready_for_tls: 220 (2, 0, 0) "Ready to start TLS";
    signed_in: 235 (2, 7, 0) "Authentication succeeded";

    greet_first: 503 (5, 5, 1) "Send EHLO first";
    mail_first: 503 (5, 5, 1) "Send MAIL FROM first";
    rcpt_first: 554 (5, 5, 1) "No valid recipients";
    mail_given: 503 (5, 5, 1) "The sender is given already; RSET starts anew";
    no_data_after_bdat: 503 (5, 5, 1) "A message begun with BDAT goes on with BDAT";
    not_between_chunks: 503 (5, 5, 1) "Not between the chunks of a message; RSET starts anew";
    auth_required: 530 (5, 7, 0) "Sign in first: authentication is required";
    auth_needs_tls: 538 (5, 7, 11) "Encryption is required before authentication: send STARTTLS";
    auth_off: 502 (5, 5, 1) "Authentication is not offered here";
    auth_done: 503 (5, 5, 1) "You have signed in already";
    auth_in_mail: 503 (5, 5, 1) "Not during a mail transaction; RSET ends it";
    auth_mechanism: 504 (5, 5, 4) "Unknown mechanism; PLAIN and LOGIN are offered";
    tls_off: 502 (5, 5, 1) "TLS is not offered here";
    tls_on: 503 (5, 5, 1) "TLS is active already";
    needs_smtp_utf8: 553 (5, 6, 7) "An address outside US-ASCII needs SMTPUTF8 in MAIL FROM";
    line_too_long: 500 (5, 5, 2) "Line too long";
    auth_line_too_long: 500 (5, 5, 6) "Authentication exchange line is too long";
    not_utf8: 500 (5, 5, 2) "The command is neither US-ASCII nor UTF-8";
    control_character: 500 (5, 5, 2) "The command holds a control character";
    plain_text_after_starttls: 554 (5, 5, 1) "Commands sent behind STARTTLS in plain text; closing";
    shutting_down: 421 (4, 3, 2) "Service is shutting down; try again later";
    idle: 421 (4, 4, 2) "Timeout: nothing received for too long; closing";
    too_slow: 421 (4, 4, 2) "Timeout: this takes too long; closing";
    too_many_errors: 421 (4, 7, 0) "Too many errors; closing";
    too_many_auth_failures: 421 (4, 7, 0) "Too many failed sign-ins; closing";
    too_many_commands: 421 (4, 7, 0) "Too many commands without a message; closing";
    too_many_messages: 421 (4, 7, 0) "Too many messages in one session; connect again";
    too_many_connections: 421 (4, 7, 0) "Too many connections from your address; try again later";
    too_many_connections_of_network: 421 (4, 7, 0) "Too many connections from your network; try again later";
    evicted: 421 (4, 7, 0) "Too many connections; closing this idle session";
    server_busy: 421 (4, 3, 2) "Too many connections; try again later";
}

pub(super) fn greeting(hostname: &str) -> Reply {
    Reply::basic(220, format!("{hostname} ESMTP Postroom"))
}

pub(super) fn go_ahead() -> Reply {
    Reply::basic(354, "End data with <CR><LF>.<CR><LF>")
}

pub(super) fn challenge(text: &'static str) -> Reply {
    Reply::basic(334, text)
}

pub(super) fn chunk_ok(bytes: u64) -> Reply {
    reply(250, (2, 0, 0), format!("{bytes} bytes received"))
}

pub(super) fn bad_auth(why: crate::auth::AuthError) -> Reply {
    use crate::auth::AuthError as E;
    let (code, enhanced) = match why {
        E::Cancelled => (501, (5, 7, 0)),
        E::NotBase64 | E::Malformed => (501, (5, 5, 2)),
        E::OtherIdentity => (535, (5, 7, 8)),
    };
    reply(code, enhanced, format!("Authentication failed: {why}"))
}

pub(super) fn too_many_recipients(most: usize) -> Reply {
    reply(
        452,
        (4, 5, 3),
        format!("Too many recipients: a message may have {most}; send the rest in another"),
    )
}

pub(super) fn too_big(bytes_max: usize) -> Reply {
    reply(
        552,
        (5, 3, 4),
        format!("Message is too big: the limit is {bytes_max} bytes"),
    )
}

pub(super) fn bare_line_end(what: crate::codec::BareLineEnd) -> Reply {
    reply(
        521,
        (5, 5, 2),
        format!("Refused: {what} received; lines end in CR LF; closing"),
    )
}

pub(super) fn bad_argument(why: &'static str) -> Reply {
    reply(501, (5, 5, 4), format!("Syntax error: {why}"))
}

pub(super) fn bad_sender(path: &str, why: &str) -> Reply {
    reply(
        501,
        (5, 1, 7),
        format!("{}: bad sender address: {why}", shown_path(path)),
    )
}

pub(super) fn bad_recipient(path: &str, why: &str) -> Reply {
    reply(
        501,
        (5, 1, 3),
        format!("{}: bad recipient address: {why}", shown_path(path)),
    )
}

pub(super) fn bad_parameter(keyword: &str, value: Option<&str>) -> Reply {
    let mark = if value.is_some() { "=" } else { "" };
    let (keyword, value) = (shown(keyword), shown(value.unwrap_or_default()));
    reply(501, (5, 5, 4), format!("Bad parameter: {keyword}{mark}{value}"))
}

pub(super) fn repeated_parameter(keyword: &str) -> Reply {
    reply(
        501,
        (5, 5, 4),
        format!("Parameter {} is given twice", shown(keyword)),
    )
}

pub(super) fn unknown_parameter(command: &str, keyword: &str) -> Reply {
    reply(
        555,
        (5, 5, 4),
        format!("{command} parameter {} is not known", shown(keyword)),
    )
}

pub(super) fn not_implemented(verb: &str) -> Reply {
    reply(502, (5, 5, 1), format!("{} is not implemented", shown(verb)))
}

pub(super) fn unknown_command(verb: &str) -> Reply {
    reply(500, (5, 5, 1), format!("{}: command not known", shown(verb)))
}
