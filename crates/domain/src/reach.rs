//! Which addresses a relay, a token endpoint or a connection test may be at, when somebody else than the operator names
//! the host (SPEC X3).
//!
//! | address | by default |
//! | --- | --- |
//! | loopback, unspecified, "this network" (0.0.0.0/8) | refused |
//! | link-local (169.254.0.0/16 with the clouds' metadata, fe80::/10), other metadata addresses | refused |
//! | multicast, broadcast, reserved | refused |
//! | private networks (10.0.0.0/8, 192.168.0.0/16, fc00::/7 …) | allowed: an office's relay commonly stands there |
//! | the rest | allowed |
//!
//! What the operator denies is refused before all else, and what they allow is allowed before these defaults. An IPv4
//! address in IPv6 clothes (mapped, NAT64, 6to4) is looked at as the IPv4 address that it reaches.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::network::Network;

/// What the operator allows and denies besides the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReachPolicy {
    /// Allowed though the defaults refuse them.
    pub allow: Vec<Network>,
    /// Refused whatever else says.
    pub deny: Vec<Network>,
}

/// Why an address may not be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// The operator denies it.
    Denied,
    /// It is of a sort that the defaults refuse.
    Sort(&'static str),
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied => {
                f.write_str("the server's configuration denies this network (network.deny_relay_networks)")
            }
            Self::Sort(sort) => write!(
                f,
                "it is {sort}; whoever runs the server can allow it with network.allow_relay_networks"
            ),
        }
    }
}

impl ReachPolicy {
    /// Allows every address, for checks that are made elsewhere.
    pub fn everywhere() -> Self {
        Self {
            allow: vec![Network::ANY_V4, Network::ANY_V6],
            deny: Vec::new(),
        }
    }

    /// Answers whether an address may be connected to.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, address: IpAddr) -> Result<(), Unreachable> {
        let address = reached(address);
        let among = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        if among(&self.deny) {
            return Err(Unreachable::Denied);
        }
        if among(&self.allow) {
            return Ok(());
        }
        let sort = match address {
            IpAddr::V4(v4) => sort_v4(v4),
            IpAddr::V6(v6) => sort_v6(v6),
        };
        sort.map_or(Ok(()), |sort| Err(Unreachable::Sort(sort)))
    }
}

/// The address that is reached in the end: the IPv4 address inside an IPv6 one that stands for it.
fn reached(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let from =
        |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)));
    match v6.segments() {
        // ::ffff:a.b.c.d (RFC 4291), ::a.b.c.d (deprecated; ::1 and :: are themselves)
        [0, 0, 0, 0, 0, 0xffff, high, low] => from(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => from(high, low),
        // ::ffff:0:a.b.c.d (RFC 2765)
        [0, 0, 0, 0, 0xffff, 0, high, low] => from(high, low),
        // 64:ff9b::/96 (RFC 6052)
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => from(high, low),
        // 2002::/16 (RFC 3056)
        [0x2002, high, low, ..] => from(high, low),
        _ => address,
    }
}

fn sort_v4(address: Ipv4Addr) -> Option<&'static str> {
    /// The metadata service of a cloud that does not use link-local.
    const METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    let [first, ..] = address.octets();
    if address.is_loopback() {
        Some("this machine itself (loopback)")
    } else if first == 0 {
        Some("no address of a host (0.0.0.0/8)")
    } else if address.is_link_local() {
        Some("link-local, where clouds keep their metadata (169.254.0.0/16)")
    } else if address == METADATA {
        Some("a cloud's metadata service")
    } else if address.is_multicast() {
        Some("multicast")
    } else if first >= 240 {
        Some("broadcast or reserved (240.0.0.0/4)")
    } else {
        None
    }
}

fn sort_v6(address: Ipv6Addr) -> Option<&'static str> {
    /// The metadata service of a cloud, inside the private networks.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    if address.is_loopback() {
        Some("this machine itself (loopback)")
    } else if address.is_unspecified() {
        Some("no address of a host (::)")
    } else if address.is_unicast_link_local() {
        Some("link-local (fe80::/10)")
    } else if address == METADATA {
        Some("a cloud's metadata service")
    } else if address.is_multicast() {
        Some("multicast")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(policy: &ReachPolicy, address: &str) -> bool {
        policy.check(address.parse().expect("an address")).is_err()
    }

    #[test]
    fn table_of_defaults_holds() {
        let policy = ReachPolicy::default();
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
        ] {
            assert!(refused(&policy, address), "{address}");
        }
        for address in [
            "10.1.2.3",
            "172.16.0.9",
            "192.168.1.1",
            "198.51.100.7",
            "fd12::1",
            "2001:db8::1",
        ] {
            assert!(!refused(&policy, address), "{address}");
        }
    }

    #[test]
    fn ipv4_address_in_ipv6_clothes_is_looked_at_as_what_it_reaches() {
        let policy = ReachPolicy::default();
        for address in [
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::169.254.169.254",
            "2002:7f00:1::",
        ] {
            assert!(refused(&policy, address), "{address}");
        }
        assert!(!refused(&policy, "::ffff:192.168.1.1"));
    }

    #[test]
    fn operator_allows_over_the_defaults_and_denies_over_all() {
        let policy = ReachPolicy {
            allow: vec!["127.0.0.0/8".parse().expect("a network")],
            deny: vec![
                "10.0.0.0/8".parse().expect("a network"),
                "127.0.0.9".parse().expect("one"),
            ],
        };
        assert!(!refused(&policy, "127.0.0.1") && !refused(&policy, "::ffff:127.0.0.1"));
        assert!(refused(&policy, "10.1.1.1") && refused(&policy, "127.0.0.9"));
        assert!(refused(&policy, "::1"));
    }
}
