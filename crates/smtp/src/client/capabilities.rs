//! What a relay offers, read from its answer to EHLO (RFC 5321 §4.1.1.1).

use crate::reply::Reply;

/// The extensions of a relay that the session makes use of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one per EHLO keyword, each independent of the others"
)]
pub struct Capabilities {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// SIZE (RFC 1870), with or without a limit.
    pub size: bool,
    /// The limit that SIZE names, if it names one.
    pub size_limit_bytes: Option<u64>,
    /// AUTH (RFC 4954).
    pub auth: bool,
    /// AUTH PLAIN (RFC 4616).
    pub auth_plain: bool,
    /// AUTH LOGIN.
    pub auth_login: bool,
    /// AUTH XOAUTH2.
    pub auth_xoauth2: bool,
}

impl Capabilities {
    /// Reads the lines after the first, which carries the relay's name.
    #[must_use]
    pub fn from_ehlo(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines().skip(1) {
            found.add(line);
        }
        found
    }

    fn add(&mut self, line: &str) {
        // `AUTH=LOGIN` is what some servers say for the sake of old clients.
        let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        match keyword.as_str() {
            "PIPELINING" => self.pipelining = true,
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "CHUNKING" => self.chunking = true,
            "DSN" => self.dsn = true,
            "STARTTLS" => self.starttls = true,
            "SIZE" => {
                self.size = true;
                // Zero means that there is no fixed limit (RFC 1870 §4).
                self.size_limit_bytes = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
            }
            "AUTH" => {
                self.auth = true;
                for mechanism in words {
                    self.auth_plain |= mechanism.eq_ignore_ascii_case("PLAIN");
                    self.auth_login |= mechanism.eq_ignore_ascii_case("LOGIN");
                    self.auth_xoauth2 |= mechanism.eq_ignore_ascii_case("XOAUTH2");
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_read_in_any_case_and_the_name_is_not_a_keyword() {
        let reply = Reply::basic(
            250,
            "DSN greets you\npipelining\nSize 1000\nAUTH=LOGIN\nAUTH plain XOAUTH2",
        );
        let wanted = Capabilities {
            pipelining: true,
            size: true,
            size_limit_bytes: Some(1_000),
            auth: true,
            auth_plain: true,
            auth_login: true,
            auth_xoauth2: true,
            ..Capabilities::default()
        };
        assert_eq!(Capabilities::from_ehlo(&reply), wanted);
    }

    #[test]
    fn size_without_or_with_zero_limit_limits_nothing() {
        for text in ["x\nSIZE", "x\nSIZE 0", "x\nSIZE many"] {
            let found = Capabilities::from_ehlo(&Reply::basic(250, text));
            assert_eq!((found.size, found.size_limit_bytes), (true, None));
        }
    }
}
