//! Header fields that Postroom writes: Date, Message-ID and Received.

use std::fmt::Write as _;

use postroom_domain::Timestamp;

use crate::random::Random;

/// How a message came in (RFC 3848 for the SMTP ones).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// SMTP in plain text, without AUTH.
    Esmtp,
    /// SMTP over TLS, without AUTH.
    Esmtps,
    /// SMTP in plain text with AUTH.
    Esmtpa,
    /// SMTP over TLS with AUTH.
    Esmtpsa,
    /// The HTTP API.
    Http,
    /// The sendmail command line.
    Local,
}

impl Protocol {
    const fn name(self) -> &'static str {
        match self {
            Self::Esmtp => "ESMTP",
            Self::Esmtps => "ESMTPS",
            Self::Esmtpa => "ESMTPA",
            Self::Esmtpsa => "ESMTPSA",
            Self::Http => "HTTP",
            Self::Local => "local",
        }
    }
}

/// Where a message came from: what its Received field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// By which protocol.
    pub protocol: Protocol,
    /// The name that an SMTP client gave in EHLO.
    pub helo: Option<String>,
}

impl Origin {
    /// Longest EHLO name that is repeated.
    const HELO_CHARS: usize = 255;

    /// Through the HTTP API.
    pub const HTTP: Self = Self {
        protocol: Protocol::Http,
        helo: None,
    };

    /// The trace field (RFC 5321 §4.4) with its line end. It tells neither the client's address nor a recipient's: the
    /// one is nobody's business behind a submission server, the other would betray a Bcc.
    pub(super) fn received(&self, host: &str, now: Timestamp) -> String {
        let mut field = String::with_capacity(160);
        field.push_str("Received: ");
        if let Some(helo) = &self.helo {
            let helo: String = helo
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(*c))
                .take(Self::HELO_CHARS)
                .collect();
            if !helo.is_empty() {
                let _ = write!(field, "from {helo}\r\n\t");
            }
        }
        let _ = write!(field, "by {host} (Postroom) with {};\r\n\t", self.protocol.name());
        push_date(&mut field, now);
        field.push_str("\r\n");
        field
    }
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Appends a date in UTC (RFC 5322 §3.3).
fn push_date(text: &mut String, now: Timestamp) {
    let seconds = now.as_micros().div_euclid(1_000_000);
    let day = seconds.div_euclid(86_400);
    let second = seconds.rem_euclid(86_400);
    let (year, month, date) = civil(day);
    let name = |names: &'static [&'static str], n: i64| {
        usize::try_from(n)
            .ok()
            .and_then(|n| names.get(n).copied())
            .unwrap_or_default()
    };
    let _ = write!(
        text,
        "{}, {date} {} {year:04} {:02}:{:02}:{:02} +0000",
        name(&DAYS, day.rem_euclid(7)),
        name(&MONTHS, month - 1),
        second / 3600,
        second / 60 % 60,
        second % 60
    );
}

/// Year, month and day of a number of days since 1970 (Howard Hinnant's `civil_from_days`; the calendar library takes
/// ten times as long, and every message pays for it).
const fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let date = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, date)
}

/// The date of a Date field.
pub(super) fn date(now: Timestamp) -> String {
    let mut text = String::with_capacity(32);
    push_date(&mut text, now);
    text
}

/// A new Message-ID with its angle brackets: 128 random bits at this host (RFC 5322 §3.6.4).
pub(super) fn message_id(random: &dyn Random, host: &str) -> String {
    format!("<{:016x}{:016x}@{host}>", random.bits(), random.bits())
}

/// A boundary that no line of a part begins with by accident.
pub(super) fn boundary(random: &dyn Random) -> String {
    format!("=_{:016x}", random.bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_agree_with_the_calendar_library() {
        for day in (-30_000_i64..60_000).step_by(7) {
            let now = Timestamp::from_micros((day * 86_400 + day.rem_euclid(86_399)) * 1_000_000);
            let expected = now.to_jiff().strftime("%a, %-d %b %Y %H:%M:%S +0000").to_string();
            assert_eq!(date(now), expected);
        }
    }

    #[test]
    fn received_takes_no_foreign_syntax_from_ehlo() {
        let origin = Origin {
            protocol: Protocol::Esmtpsa,
            helo: Some("evil\r\nBcc: x (".to_owned()),
        };
        assert_eq!(
            origin.received("mail.example.com", Timestamp::from_micros(0)),
            "Received: from evilBcc:x\r\n\tby mail.example.com (Postroom) with ESMTPSA;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n"
        );
    }
}
