//! Where a request comes from.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Once;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::App;
use crate::config::Network;
use crate::origin::Scheme;

/// The address at the other end of the connection; put into every request by the accept loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proxies<'a>(&'a [Network]);

impl<'a> Proxies<'a> {
    /// Believes these networks.
    pub(super) const fn new(networks: &'a [Network]) -> Self {
        Self(networks)
    }

    /// The client's address: behind believed proxies the last address that is none of theirs.
    pub(super) fn client(&self, parts: &Parts) -> IpAddr {
        let peer = parts
            .extensions
            .get::<Peer>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
        self.behind(peer, &parts.headers)
    }

    /// How the client came to a believed proxy; by HTTP where none says otherwise.
    pub(super) fn scheme(&self, peer: Option<Peer>, headers: &HeaderMap) -> Scheme {
        let believed = peer.is_some_and(|peer| self.contain(peer.0));
        let forwarded = headers.get_all("x-forwarded-proto").iter().next_back();
        // The last one was written by the nearest proxy.
        let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next());
        last.filter(|_| believed)
            .and_then(|text| Scheme::parse(text.trim()))
            .unwrap_or(Scheme::Http)
    }

    /// Whether an address is one of theirs.
    pub(super) fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whether somebody says where a client comes from who is not believed.
    fn is_ignored(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        headers.contains_key("x-forwarded-for") && !self.contain(peer)
    }

    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let hops: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        for hop in hops.into_iter().rev() {
            if !self.contain(client) {
                break;
            }
            match hop.trim().parse() {
                Ok(address) => client = address,
                Err(_) => break,
            }
        }
        client
    }
}

/// The address that a request comes from, seen through believed proxies.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientAddress(pub(super) IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let config = app.config();
        let proxies = Proxies::new(&config.http.trusted_proxies);
        let peer = parts.extensions.get::<Peer>();
        if peer.is_some_and(|peer| proxies.is_ignored(peer.0, &parts.headers)) {
            warn_of_unnamed_proxy();
        }
        Ok(Self(proxies.client(parts)))
    }
}

/// Says once that attempts to sign in may all be counted as one source's.
fn warn_of_unnamed_proxy() {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            "X-Forwarded-For came from an address that http.trusted_proxies does not name and is ignored; if it is your \
             proxy's, name it: until then everybody behind the proxy has one budget to sign in"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &str) -> String {
        let networks: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let proxies = Proxies::new(&networks);
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        proxies.behind(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn forwarded_address_is_believed_from_configured_proxies_alone() {
        assert_eq!(client(&[], "10.0.0.1", "203.0.113.5"), "10.0.0.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", "203.0.113.5"), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", "203.0.113.5"), "203.0.113.5");
    }

    #[test]
    fn forwarded_address_of_others_is_noticed() {
        let networks: Vec<Network> = vec!["10.0.0.0/8".parse().unwrap()];
        let proxies = Proxies::new(&networks);
        let mut headers = HeaderMap::new();
        let [proxy, other] = ["10.0.0.1", "192.0.2.1"].map(|text| text.parse().unwrap());
        assert!(!proxies.is_ignored(other, &headers));
        headers.insert("x-forwarded-for", "203.0.113.5".parse().unwrap());
        assert!(proxies.is_ignored(other, &headers));
        assert!(!proxies.is_ignored(proxy, &headers));
    }

    #[test]
    fn forwarded_scheme_is_believed_from_configured_proxies_alone() {
        let networks: Vec<Network> = vec!["10.0.0.0/8".parse().unwrap()];
        let scheme = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-proto", value.parse().unwrap());
            }
            let peer = Peer(peer.parse().unwrap());
            Proxies::new(&networks).scheme(Some(peer), &headers)
        };
        assert_eq!(scheme("10.0.0.1", &["https"]), Scheme::Https);
        assert_eq!(scheme("192.0.2.1", &["https"]), Scheme::Http);
        assert_eq!(scheme("10.0.0.1", &[]), Scheme::Http);
        assert_eq!(scheme("10.0.0.1", &["nonsense"]), Scheme::Http);
        assert_eq!(scheme("10.0.0.1", &["https, http"]), Scheme::Http);
        assert_eq!(scheme("10.0.0.1", &["http", "HTTPS"]), Scheme::Https);
    }

    #[test]
    fn client_cannot_choose_its_address_by_sending_the_header_itself() {
        assert_eq!(
            client(&["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, 203.0.113.5"),
            "203.0.113.5"
        );
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", "nonsense"), "10.0.0.1");
    }
}
