//! The service extensions that our EHLO reply lists (RFC 5321 §4.1.1.1).

/// Extensions that every session offers, whatever its state: RFC 2920, 6152, 6531, 3030, 2034, 3461.
const ALWAYS: &str = "PIPELINING\n8BITMIME\nSMTPUTF8\nCHUNKING\nENHANCEDSTATUSCODES\nDSN";

/// What a session offers at the moment of EHLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The most bytes of a message, told by SIZE (RFC 1870).
    pub message_bytes_max: usize,
    /// STARTTLS (RFC 3207): there is a certificate and the connection is not encrypted yet.
    pub starttls: bool,
    /// AUTH (RFC 4954): allowed on this connection and not done yet.
    pub auth: bool,
}

impl Offer {
    /// Writes the words of the EHLO reply, a line each: the greeting first, then the extensions.
    #[must_use]
    pub fn ehlo_text(&self, hostname: &str) -> String {
        let size = self.message_bytes_max;
        let mut text = format!("{hostname}\n{ALWAYS}\nSIZE {size}");
        if self.starttls {
            text.push_str("\nSTARTTLS");
        }
        if self.auth {
            text.push_str("\nAUTH PLAIN LOGIN");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starttls_and_auth_are_offered_only_where_they_can_be_used() {
        let offer = Offer {
            message_bytes_max: 1_000,
            starttls: false,
            auth: false,
        };
        let text = offer.ehlo_text("mx.example.com");
        assert!(text.starts_with("mx.example.com\nPIPELINING\n") && text.ends_with("\nSIZE 1000"));
        let text = Offer {
            starttls: true,
            auth: true,
            ..offer
        }
        .ehlo_text("mx.example.com");
        assert!(text.ends_with("\nSTARTTLS\nAUTH PLAIN LOGIN"));
    }
}
