//! A session's words in the domain's.

use postroom_domain::classify::{Heard, SmtpPhase};
use postroom_domain::{EnhancedCode, Reply, Trouble, legible, trouble};
use postroom_smtp::client::{Cause, Missing, Phase, SessionError};

/// What a failed session says of the settings; the client knows some causes that no reply tells.
pub(super) fn trouble_of(error: &SessionError) -> Option<Trouble> {
    match &error.cause {
        Cause::Unresolved { .. } | Cause::Forbidden { .. } => Some(Trouble::Settings),
        Cause::Token(_) | Cause::Missing(Missing::Token) => Some(Trouble::Token),
        Cause::Missing(Missing::StartTls | Missing::TlsForAuth) => Some(Trouble::Tls),
        Cause::Missing(Missing::Auth | Missing::Mechanism | Missing::Xoauth2) => Some(Trouble::Auth),
        Cause::Io(_)
        | Cause::Timeout(_)
        | Cause::Closed
        | Cause::Refused(_)
        | Cause::Unexpected(_)
        | Cause::Garbage(_)
        | Cause::Tls(_)
        | Cause::PlainTextBehindStartTls => trouble(phase(error.phase), heard(error)),
    }
}

/// The relay's words, or ours where it said none, within the length that is kept.
pub(super) fn words(error: &SessionError) -> Reply {
    error
        .reply()
        .map_or_else(|| Reply::none(shortened(&error.to_string())), spoken)
}

pub(super) fn spoken(reply: &postroom_smtp::reply::Reply) -> Reply {
    let enhanced = reply.enhanced.map(|e| EnhancedCode(e.class, e.subject, e.detail));
    let mut text = String::new();
    for line in reply.lines() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(line);
    }
    Reply {
        code: reply.code,
        enhanced,
        text: shortened(&text),
    }
}

pub(super) fn shortened(text: &str) -> String {
    text.chars()
        .filter(|&c| !legible::is_hidden(c))
        .scan(0, |used, c| {
            *used += c.len_utf8();
            (*used <= Reply::MAX_TEXT_BYTES).then_some(c)
        })
        .collect()
}

pub(super) fn heard(error: &SessionError) -> Heard {
    error.reply().map_or(Heard::Nothing, |reply| Heard::Reply {
        code: reply.code,
        enhanced: reply.enhanced.map(|e| EnhancedCode(e.class, e.subject, e.detail)),
    })
}

pub(super) const fn phase(phase: Phase) -> SmtpPhase {
    match phase {
        Phase::Connect => SmtpPhase::Connect,
        Phase::Greeting => SmtpPhase::Greeting,
        Phase::Ehlo | Phase::Quit => SmtpPhase::Ehlo,
        Phase::StartTls | Phase::Tls => SmtpPhase::Tls,
        Phase::Auth => SmtpPhase::Auth,
        Phase::Mail => SmtpPhase::Mail,
        Phase::Rcpt => SmtpPhase::Rcpt,
        Phase::Data => SmtpPhase::Data,
        Phase::Content | Phase::FinalDot => SmtpPhase::Content,
    }
}
