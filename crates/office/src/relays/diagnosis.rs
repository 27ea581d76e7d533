//! What a failed step of a connection test means, and what to do about it.

use std::io::ErrorKind;

use postroom_smtp::client::{Cause, Missing, Phase, SessionError, TlsFaultKind};

/// What is wrong, in a word for programs and in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable name.
    pub code: &'static str,
    /// What was found.
    pub text: String,
    /// What to do.
    pub advice: &'static str,
}

fn finding(code: &'static str, text: impl Into<String>, advice: &'static str) -> Finding {
    Finding {
        code,
        text: text.into(),
        advice,
    }
}

/// Finds out what a session's end means.
pub(super) fn diagnose(error: &SessionError) -> Finding {
    match &error.cause {
        Cause::Unresolved { host, .. } => finding(
            "no_dns",
            format!("The name {host} has no address."),
            "Look for a typing mistake in the host; if it is right, ask whoever runs the name server (DNS).",
        ),
        Cause::Forbidden { address, why } if error.phase == Phase::Auth => finding(
            "forbidden_address",
            format!("Connections to {address} are not allowed: {why}."),
            "Use another token endpoint, or ask whoever runs this system to allow the network.",
        ),
        Cause::Forbidden { address, why } => finding(
            "forbidden_address",
            format!("The server is at {address}; connections to it are not allowed: {why}."),
            "Use another server, or ask whoever runs this system to allow the network.",
        ),
        Cause::Io(fault) => of_connection(error.phase, fault),
        Cause::Timeout(limit) => silent(error.phase, limit.as_secs()),
        Cause::Closed if error.phase == Phase::Greeting => {
            not_smtp("It closed the connection without a greeting.")
        }
        Cause::Closed => finding(
            "closed",
            format!(
                "The server closed the connection without a word ({}).",
                error.phase
            ),
            "Look into the server's log; it may refuse this computer.",
        ),
        Cause::Garbage(_) if error.phase == Phase::Greeting => not_smtp("What it says is not SMTP."),
        Cause::Garbage(_) | Cause::Unexpected(_) => finding(
            "bad_answer",
            format!(
                "The server gave an answer that makes no sense ({}): {}.",
                error.phase, error.cause
            ),
            "Check host and port; something between may change what the server says.",
        ),
        Cause::Tls(fault) => of_tls(fault.kind, &fault.text),
        Cause::PlainTextBehindStartTls => finding(
            "tampered",
            error.cause.to_string(),
            "Do not use this way: something between this computer and the server interferes.",
        ),
        Cause::Missing(missing) => of_missing(*missing),
        Cause::Token(why) => finding(
            "no_token",
            format!("There is no access token: {why}."),
            "Check the token endpoint, the client id and its secret; the client secret may have expired.",
        ),
        Cause::Refused(_) => refused(error.phase),
    }
}

fn of_connection(phase: Phase, fault: &std::io::Error) -> Finding {
    match (phase, fault.kind()) {
        (Phase::Connect, ErrorKind::ConnectionRefused) => finding(
            "refused",
            "Nothing listens at this host and port: the connection was refused.",
            "Check the port (587 or 465 as a rule), and whether the SMTP server runs.",
        ),
        (Phase::Connect, _) => finding(
            "unreachable",
            format!("The server cannot be reached: {fault}."),
            "Check host, port and network; a firewall may be in the way.",
        ),
        (Phase::Tls, _) => finding(
            "tls_failed",
            format!("The connection was lost during the TLS handshake: {fault}."),
            "Check the TLS policy: \"implicit\" for port 465, \"required\" for port 587.",
        ),
        _ => finding(
            "closed",
            format!("The connection was lost ({phase}): {fault}."),
            "Try again; if it stays so, look into the server's log.",
        ),
    }
}

fn silent(phase: Phase, seconds: u64) -> Finding {
    let advice = if phase == Phase::Connect {
        "Check host and port; a firewall that drops connections looks like this."
    } else if phase == Phase::Greeting {
        "If this is port 465, set the TLS policy to \"implicit\"; else check that it is an SMTP server."
    } else {
        "Try again; if it stays so, look into the server's log."
    };
    let text = format!("The server did not answer within {seconds} s ({phase}).");
    finding("silent", text, advice)
}

fn not_smtp(what: &str) -> Finding {
    finding(
        "not_smtp",
        format!("There is a server, but no SMTP server: {what}"),
        "Check the port (587 or 465 as a rule; 80, 443, 993 are other services); port 465 needs TLS policy \"implicit\".",
    )
}

fn of_tls(kind: TlsFaultKind, text: &str) -> Finding {
    let (code, advice) = match kind {
        TlsFaultKind::Expired => (
            "expired_certificate",
            "Whoever runs the SMTP server has to renew its certificate; check this computer's clock, too.",
        ),
        TlsFaultKind::NotYetValid => (
            "certificate_not_yet_valid",
            "Check the clocks of this computer and of the SMTP server.",
        ),
        TlsFaultKind::WrongName => (
            "wrong_host_name",
            "Use the name that stands in the certificate as host, or have the server given one for this name.",
        ),
        TlsFaultKind::SelfSigned => (
            "self_signed",
            "If it is your own server, set trust to \"pinned\" and give this certificate; else do not use it.",
        ),
        TlsFaultKind::UnknownAuthority => (
            "unknown_authority",
            "If your organisation has an authority of its own, set trust to \"authority\" and give its certificate.",
        ),
        TlsFaultKind::NotPinned => (
            "not_pinned",
            "The server shows another certificate than the pinned one: if it was renewed, pin the new one.",
        ),
        TlsFaultKind::Certificate => (
            "bad_certificate",
            "Whoever runs the SMTP server has to fix its certificate.",
        ),
        TlsFaultKind::NotTls => (
            "not_tls",
            "Check the port: TLS policy \"implicit\" belongs to port 465, \"required\" to port 587.",
        ),
        TlsFaultKind::Handshake => (
            "tls_failed",
            "The server may speak only TLS versions that are too old (before 1.2).",
        ),
    };
    finding(code, format!("TLS cannot be used: {text}."), advice)
}

fn of_missing(missing: Missing) -> Finding {
    let text = format!("{missing}.");
    match missing {
        Missing::StartTls => finding(
            "no_starttls",
            text,
            "Use port 465 with TLS policy \"implicit\" if the server has it; else have STARTTLS switched on there.",
        ),
        Missing::TlsForAuth => finding(
            "no_starttls",
            text,
            "Without TLS the password would be readable on its way: have TLS switched on at the server.",
        ),
        Missing::Auth => finding(
            "no_auth",
            text,
            "Set auth to \"none\" if the server knows this computer by its address, or use its submission port 587.",
        ),
        Missing::Mechanism | Missing::Xoauth2 => finding(
            "auth_not_offered",
            text,
            "Choose another way to sign in: the answer of the step before lists what the server offers.",
        ),
        Missing::Token => finding("no_token", text, "Give the token endpoint."),
    }
}

fn refused(phase: Phase) -> Finding {
    if phase == Phase::Auth {
        finding(
            "auth_refused",
            "The server refused the sign-in.",
            "Check user and password; some providers want an app password, or SMTP sign-in switched on for the account.",
        )
    } else if phase == Phase::Mail {
        finding(
            "sender_refused",
            "The server does not take mail from this sender.",
            "Have the domain allowed for this account at the server, or correct the sender domains.",
        )
    } else if phase == Phase::Greeting {
        finding(
            "refused_by_server",
            "The server does not want to talk to this computer.",
            "Its words say why; it may have this computer's address on a list.",
        )
    } else {
        finding(
            "refused_by_server",
            format!("The server refused ({phase})."),
            "Its words say why.",
        )
    }
}
