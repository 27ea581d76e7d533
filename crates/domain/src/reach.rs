//! Which addresses a relay, a token endpoint or a connection test may be at, when somebody else than the operator names
//! the host (SPEC X3).
//!
//! | address | by default |
//! | --- | --- |
//! | public | allowed |
//! | this machine, private networks, shared and link-local addresses | refused; the operator may allow the network |
//! | any other special-purpose block of IANA's registries, multicast, reserved | the same, but nobody is advised to |
//! | a cloud metadata service, public or not | refused; allowed by an entry for that one address alone |
//!
//! What the operator denies is refused before all else. An IPv4-mapped or translated address (NAT64, 6to4) is looked at as
//! the IPv4 address that it reaches, and denied as itself, too; other ways to carry one (Teredo, ISATAP, local NAT64) are
//! refused whole.

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

/// Why connections to an address are not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// The operator denies it.
    Denied,
    /// It gives anybody who asks the rights of this machine.
    Metadata,
    /// It is in a network of the operator's own, which they may allow.
    Own {
        /// What it is.
        sort: &'static str,
        /// The smallest network of common size that it is in.
        network: Network,
    },
    /// No mail server is at such an address.
    Special(&'static str),
}

impl Unreachable {
    /// The line of the configuration file's `[network]` that allows the network, where it may be a relay's.
    pub fn suggestion(&self) -> Option<String> {
        match self {
            Self::Own { network, .. } => Some(format!("allow_relay_networks = [\"{network}\"]")),
            Self::Denied | Self::Metadata | Self::Special(_) => None,
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied => {
                f.write_str("the server's configuration denies this network (network.deny_relay_networks)")
            }
            Self::Metadata => f.write_str("it is a cloud metadata service"),
            Self::Own { sort, .. } => write!(
                f,
                "it is {sort}; whoever runs the server can allow its network (network.allow_relay_networks)"
            ),
            Self::Special(sort) => write!(f, "it is {sort}"),
        }
    }
}

impl ReachPolicy {
    /// Answers whether an address may be connected to.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, address: IpAddr) -> Result<(), Unreachable> {
        let named = address;
        let address = reached(named);
        // A way to IPv4 may be denied as a whole: NAT64, 6to4.
        let denies = |network: &Network| network.contains(address) || network.contains(named);
        if self.deny.iter().any(denies) {
            return Err(Unreachable::Denied);
        }
        let among = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        let is_named = |network: &Network| network.is_single() && network.contains(address);
        if self.allow.iter().any(is_named) {
            return Ok(());
        }
        if METADATA.contains(&address) {
            return Err(Unreachable::Metadata);
        }
        if among(&self.allow) {
            return Ok(());
        }
        special(address).map_or(Ok(()), Err)
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

/// Why the defaults refuse an address, if they do.
fn special(address: IpAddr) -> Option<Unreachable> {
    let of = |blocks: &'static [(Network, &'static str)]| {
        blocks.iter().find(|(block, _)| block.contains(address)).copied()
    };
    if let Some((block, sort)) = of(OWN) {
        let common = if address.is_ipv4() { 24 } else { 64 };
        let network = Network::around(address, block.prefix().max(common));
        return Some(Unreachable::Own { sort, network });
    }
    if is_isatap(address) {
        return Some(Unreachable::Special("a tunnel to an IPv4 address (ISATAP)"));
    }
    of(SPECIAL).map(|(_, sort)| Unreachable::Special(sort))
}

/// Whether it is an IPv4 address of a tunnel, in whatever network (RFC 5214 §6.1).
fn is_isatap(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => matches!(v6.segments(), [_, _, _, _, 0 | 0x200, 0x5efe, _, _]),
    }
}

/// Where clouds answer anybody who asks from a machine with what that machine may do.
const METADATA: &[IpAddr] = &[
    // Most of them; containers and pods at AWS; Tencent; Scaleway.
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 42, 42)),
    // Azure's wire server, Alibaba, Oracle.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    // AWS, its pods, Google, OpenStack, Scaleway, Oracle.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
];

/// Blocks of IANA's special-purpose registries in which an operator may have a mail server.
#[rustfmt::skip]
const OWN: &[(Network, &str)] = &[
    (v4(127, 0, 8), "this machine itself (127.0.0.0/8)"),
    (v4(10, 0, 8), "in a private network (10.0.0.0/8)"),
    (v4(172, 16, 12), "in a private network (172.16.0.0/12)"),
    (v4(192, 168, 16), "in a private network (192.168.0.0/16)"),
    (v4(100, 64, 10), "in a provider's shared network (100.64.0.0/10)"),
    (v4(169, 254, 16), "link-local (169.254.0.0/16)"),
    (v6(Ipv6Addr::LOCALHOST, 128), "this machine itself (::1)"),
    (v6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7), "in a private network (fc00::/7)"),
    (v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), "link-local (fe80::/10)"),
];

/// The other blocks of these registries that are not globally reachable, and what is no unicast address at all.
#[rustfmt::skip]
const SPECIAL: &[(Network, &str)] = &[
    (v4(0, 0, 8), "not the address of a host (0.0.0.0/8)"),
    (Network::v4(Ipv4Addr::new(192, 0, 0, 0), 24), "reserved for protocols (192.0.0.0/24)"),
    (Network::v4(Ipv4Addr::new(192, 0, 2, 0), 24), "reserved for documentation (192.0.2.0/24)"),
    (Network::v4(Ipv4Addr::new(192, 88, 99, 0), 24), "reserved for 6to4 relays (192.88.99.0/24)"),
    (v4(198, 18, 15), "reserved for benchmarks (198.18.0.0/15)"),
    (Network::v4(Ipv4Addr::new(198, 51, 100, 0), 24), "reserved for documentation (198.51.100.0/24)"),
    (Network::v4(Ipv4Addr::new(203, 0, 113, 0), 24), "reserved for documentation (203.0.113.0/24)"),
    (v4(224, 0, 4), "multicast (224.0.0.0/4)"),
    (v4(240, 0, 4), "reserved or broadcast (240.0.0.0/4)"),
    (v6(Ipv6Addr::UNSPECIFIED, 128), "not the address of a host (::)"),
    (v6(Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48), "a network's own translation to IPv4 (64:ff9b:1::/48)"),
    (v6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64), "discarded on the way (100::/64)"),
    (v6(Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64), "reserved (100:0:0:1::/64)"),
    (v6(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32), "a tunnel to an IPv4 address (Teredo, 2001::/32)"),
    (v6(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), "reserved for protocols (2001::/23)"),
    (v6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), "reserved for documentation (2001:db8::/32)"),
    (v6(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), "reserved for documentation (3fff::/20)"),
    (v6(Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16), "a segment of a route (5f00::/16)"),
    (v6(Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10), "site-local, which is no longer used (fec0::/10)"),
    (v6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8), "multicast (ff00::/8)"),
    // Public unicast addresses are in 2000::/3 (RFC 4291 §2.4, and IANA's registry of the address space).
    (v6(Ipv6Addr::UNSPECIFIED, 3), "outside the public addresses (2000::/3)"),
    (v6(Ipv6Addr::new(0x4000, 0, 0, 0, 0, 0, 0, 0), 2), "outside the public addresses (2000::/3)"),
    (v6(Ipv6Addr::new(0x8000, 0, 0, 0, 0, 0, 0, 0), 1), "outside the public addresses (2000::/3)"),
];

/// A block whose first address ends with two zeros.
const fn v4(first: u8, second: u8, prefix: u8) -> Network {
    Network::v4(Ipv4Addr::new(first, second, 0, 0), prefix)
}

const fn v6(first: Ipv6Addr, prefix: u8) -> Network {
    Network::v6(first, prefix)
}

#[cfg(test)]
mod tests;
