//! Hosts and origins as requests name them.

use std::net::Ipv6Addr;

/// Longest host name, in octets (RFC 1035 §2.3.4, and room for a dot at its end).
const HOST_BYTES_MAX: usize = 254;

/// How people come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// Reads `http` or `https`, in any case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("http") {
            Some(Self::Http)
        } else if text.eq_ignore_ascii_case("https") {
            Some(Self::Https)
        } else {
            None
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A host, in lower case and addresses in their usual form, with or without a port: `mail.example.com`, `[::1]:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Takes the value of a Host field apart (RFC 9110 §7.2); `None` where it is not one. Of the characters that names may
    /// have by RFC 3986 those are taken that names of machines have.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
            let (address, port) = bracketed.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            (format!("[{address}]"), port)
        } else {
            let end = text.find(':').unwrap_or(text.len());
            let (host, port) = text.split_at(end);
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
            if host.is_empty() || host.len() > HOST_BYTES_MAX || !host.chars().all(is_plain) {
                return None;
            }
            (host.to_ascii_lowercase(), port)
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|octet| octet.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
        };
        Some(Self { host, port })
    }

    /// Whether it is the same host and port where a scheme's usual port may be left out.
    pub(crate) fn is_same(&self, other: &Self, scheme: Scheme) -> bool {
        let port = |one: &Self| one.port.unwrap_or(scheme.port());
        self.host == other.host && port(self) == port(other)
    }
}

/// Scheme, host and port: what browsers call an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of what is at a host by a scheme.
    pub(crate) fn of(scheme: Scheme, authority: Authority) -> Self {
        Self {
            scheme,
            host: authority.host,
            port: authority.port.unwrap_or(scheme.port()),
        }
    }

    /// Takes the value of an Origin field apart, `https://mail.example.com`; `None` where it is not one of HTTP or HTTPS.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        Some(Self::of(Scheme::parse(scheme)?, Authority::parse(authority)?))
    }

    /// The origin of a web address, whatever its path; `None` where it is not one of HTTP or HTTPS with an ASCII host and
    /// without a user.
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        Some(Self::of(Scheme::parse(scheme)?, Authority::parse(authority)?))
    }

    /// Whether its port is the scheme's usual one.
    pub(crate) const fn has_usual_port(&self) -> bool {
        self.port == self.scheme.port()
    }

    /// Its scheme.
    pub(crate) const fn scheme(&self) -> Scheme {
        self.scheme
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_a_name_or_an_address_with_or_without_a_port() {
        for good in [
            "mail.example.com",
            "MAIL.Example.com:8080",
            "mail.example.com.",
            "my_server:80",
            "localhost:",
            "192.0.2.1:443",
            "[::1]",
            "[2001:DB8::1]:8443",
            "xn--mnchen-3ya.example",
        ] {
            assert!(Authority::parse(good).is_some(), "{good}");
        }
        let long = "a".repeat(255);
        for bad in [
            "",
            ":80",
            "a b",
            "user@mail.example.com",
            "mail.example.com/x",
            "mail.example.com:80:80",
            "mail.example.com:65536",
            "mail.example.com:+80",
            "mail.example.com:a",
            "mail.example.com, other.example.com",
            "münchen.example",
            "[::1",
            "[::1]80",
            "[::1%25eth0]",
            "[mail.example.com]",
            "::1",
            long.as_str(),
        ] {
            assert_eq!(Authority::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn origins_are_the_same_with_and_without_the_usual_port() {
        let same = |a: &str, b: &str| {
            let parsed = Origin::parse(a);
            assert!(parsed.is_some(), "{a}");
            parsed == Origin::parse(b)
        };
        assert!(same("https://mail.example.com", "HTTPS://Mail.example.com:443"));
        assert!(same("http://[::1]", "http://[::1]:80"));
        assert!(same("http://[2001:db8::1]", "http://[2001:DB8:0:0:0:0:0:1]"));
        assert!(same("http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]"));
        for other in [
            "http://mail.example.com",
            "http://mail.example.com:443",
            "https://mail.example.com:80",
            "https://example.com",
            "https://mail.example.com/",
            "ftp://mail.example.com",
            "null",
        ] {
            assert!(!same("https://mail.example.com", other), "{other}");
        }
    }

    #[test]
    fn origin_of_an_address_is_the_same_for_each_of_its_pages() {
        let expected = Origin::parse("https://mail.example.com");
        for url in [
            "https://mail.example.com",
            "https://mail.example.com/",
            "https://mail.example.com/postroom/?x#y",
        ] {
            assert_eq!(Origin::of_url(url), expected, "{url}");
        }
        for unreadable in [
            "",
            "mail.example.com",
            "https://bücher.example",
            "https://user@mail.example.com",
            "https://mail.example.com:port",
        ] {
            assert_eq!(Origin::of_url(unreadable), None, "{unreadable}");
        }
    }
}
