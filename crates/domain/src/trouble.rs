//! What is wrong between Postroom and a relay, in the words of those who can fix it (SPEC A1).
//!
//! | phase | heard | trouble |
//! | --- | --- | --- |
//! | any | 530, 534, 535, 538, 454 4.7.0, x.7.8, x.7.9, x.7.11 | sign-in refused |
//! | AUTH | anything | sign-in refused |
//! | TLS | anything | TLS |
//! | connect | nothing | no connection |
//! | greeting, EHLO | nothing, 4xx | no connection |
//! | greeting, EHLO | 5xx | settings: this server does not serve us |
//! | MAIL | 550, 551, 553, or 5xx x.1.8, x.7.x | sender refused |
//! | any other | | none: it is not about settings |
//!
//! Only the client knows more than its phase and what it heard (a name without an address, a relay without AUTH, no
//! access token); it says so with [`Trouble::Settings`] or [`Trouble::Token`] itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::classify::{Heard, SmtpPhase, is_sign_in};

/// What is wrong with the way to a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// No connection came about, or it was lost before the relay had spoken.
    Connect,
    /// STARTTLS, the handshake or the certificate.
    Tls,
    /// The relay refuses the user name or password, or wants one.
    Auth,
    /// The token endpoint gives no access token to sign in with, so that the relay is not even asked.
    Token,
    /// The relay does not let this sender send.
    Sender,
    /// Host, port or what the relay offers does not fit the settings.
    Settings,
}

impl Trouble {
    /// Its name in alerts' keys and in facts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Token => "token",
            Self::Sender => "sender",
            Self::Settings => "settings",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a failed attempt says of the settings, by the module's table; `None` where it says nothing.
pub fn trouble(phase: SmtpPhase, heard: Heard) -> Option<Trouble> {
    let (code, subject, detail) = match heard {
        Heard::Nothing => (0, 0, 0),
        Heard::Reply { code, enhanced } => {
            let (subject, detail) = enhanced.map_or((0, 0), |e| (e.1, e.2));
            (code, subject, detail)
        }
    };
    if code != 0 && is_sign_in(code, subject, detail) {
        return Some(Trouble::Auth);
    }
    match phase {
        SmtpPhase::Auth => Some(Trouble::Auth),
        SmtpPhase::Tls => Some(Trouble::Tls),
        SmtpPhase::Connect => Some(Trouble::Connect),
        SmtpPhase::Greeting | SmtpPhase::Ehlo if (500..=599).contains(&code) => Some(Trouble::Settings),
        SmtpPhase::Greeting | SmtpPhase::Ehlo => Some(Trouble::Connect),
        SmtpPhase::Mail
            if matches!(code, 550 | 551 | 553)
                || ((500..=599).contains(&code) && (subject == 7 || (subject, detail) == (1, 8))) =>
        {
            Some(Trouble::Sender)
        }
        SmtpPhase::Mail | SmtpPhase::Rcpt | SmtpPhase::Data | SmtpPhase::Content => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::EnhancedCode;

    #[test]
    fn trouble_has_a_name_in_keys_and_facts() {
        use Trouble::{Auth, Connect, Sender, Settings, Tls, Token};
        let names = [Connect, Tls, Auth, Token, Sender, Settings].map(|trouble| trouble.to_string());
        assert_eq!(names, ["connect", "tls", "auth", "token", "sender", "settings"]);
    }

    #[test]
    fn table_of_troubles_holds() {
        use SmtpPhase::{Auth, Connect, Content, Ehlo, Greeting, Mail, Rcpt, Tls};
        let said = |code, enhanced: Option<(u8, u16, u16)>| Heard::Reply {
            code,
            enhanced: enhanced.map(|(class, subject, detail)| EnhancedCode(class, subject, detail)),
        };
        for (phase, heard, expected) in [
            (Connect, Heard::Nothing, Some(Trouble::Connect)),
            (Greeting, Heard::Nothing, Some(Trouble::Connect)),
            (Greeting, said(421, None), Some(Trouble::Connect)),
            (Greeting, said(554, None), Some(Trouble::Settings)),
            (Ehlo, said(502, None), Some(Trouble::Settings)),
            (Tls, Heard::Nothing, Some(Trouble::Tls)),
            (Auth, said(535, Some((5, 7, 8))), Some(Trouble::Auth)),
            (Auth, said(454, Some((4, 7, 0))), Some(Trouble::Auth)),
            (Mail, said(530, Some((5, 7, 0))), Some(Trouble::Auth)),
            (Mail, said(550, Some((5, 7, 1))), Some(Trouble::Sender)),
            (Mail, said(553, None), Some(Trouble::Sender)),
            (Mail, said(554, Some((5, 7, 1))), Some(Trouble::Sender)),
            (Mail, said(554, Some((5, 1, 8))), Some(Trouble::Sender)),
            (Mail, said(554, Some((5, 1, 7))), None),
            (Mail, said(451, Some((4, 7, 1))), None),
            (Mail, said(451, Some((4, 1, 8))), None),
            (Mail, said(554, None), None),
            (Mail, Heard::Nothing, None),
            (Mail, said(552, Some((5, 3, 4))), None),
            (Mail, said(452, Some((4, 3, 1))), None),
            (Rcpt, said(550, Some((5, 1, 1))), None),
            (Rcpt, said(530, None), Some(Trouble::Auth)),
            (Content, said(554, Some((5, 7, 1))), None),
            (Content, Heard::Nothing, None),
        ] {
            assert_eq!(trouble(phase, heard), expected, "{phase:?} {heard:?}");
        }
    }
}
