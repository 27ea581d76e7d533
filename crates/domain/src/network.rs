//! Blocks of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A block of addresses, `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// The address that nobody has.
    pub const NOWHERE: Self = Self {
        base: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        prefix: 32,
    };

    /// A block of IPv4 addresses by its first one; `prefix` is 0 to 32.
    pub(crate) const fn v4(first: Ipv4Addr, prefix: u8) -> Self {
        Self {
            base: IpAddr::V4(first),
            prefix,
        }
    }

    /// A block of IPv6 addresses by its first one; `prefix` is 0 to 128.
    pub(crate) const fn v6(first: Ipv6Addr, prefix: u8) -> Self {
        Self {
            base: IpAddr::V6(first),
            prefix,
        }
    }

    /// The block of a prefix that an address lies in; the address alone where the prefix is as long as it or longer.
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        match address {
            IpAddr::V4(address) => {
                let prefix = prefix.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                Self::v4(Ipv4Addr::from_bits(address.to_bits() & mask), prefix)
            }
            IpAddr::V6(address) => {
                let prefix = prefix.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                Self::v6(Ipv6Addr::from_bits(address.to_bits() & mask), prefix)
            }
        }
    }

    /// How many bits of an address say that it lies inside.
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether it is one address.
    pub const fn is_single(&self) -> bool {
        match self.base {
            IpAddr::V4(_) => self.prefix == 32,
            IpAddr::V6(_) => self.prefix == 128,
        }
    }

    /// Whether `address` lies inside; an IPv4-mapped one counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32u32.saturating_sub(u32::from(self.prefix));
                base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let shift = 128u32.saturating_sub(u32::from(self.prefix));
                base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is not a network; write it like \"10.0.0.0/8\" or \"127.0.0.1\"");
        let (base, prefix) = text.split_once('/').map_or((text, None), |(b, p)| (b, Some(p)));
        let base: IpAddr = base.parse().map_err(|_| wrong())?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let prefix: u8 = match prefix {
            None => longest,
            Some(digits) => digits.parse().map_err(|_| wrong())?,
        };
        if prefix > longest {
            return Err(format!("{text:?}: the prefix of this network is 0 to {longest}"));
        }
        // An address inside is looked at as IPv4, so that its network has to be IPv4, too.
        if let IpAddr::V6(v6) = base
            && let (Some(v4), Some(prefix)) = (v6.to_ipv4_mapped(), prefix.checked_sub(96))
        {
            return Ok(Self::v4(v4, prefix));
        }
        Ok(Self { base, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_holds_its_addresses_alone() {
        let network: Network = "10.1.0.0/16".parse().unwrap();
        assert!(network.contains("10.1.255.3".parse().unwrap()));
        assert!(network.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!network.contains("10.2.0.1".parse().unwrap()));
        assert!(!network.contains("::1".parse().unwrap()));
        let every: Network = "0.0.0.0/0".parse().unwrap();
        assert!(every.contains("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn network_around_an_address_begins_at_its_first_one() {
        for (address, prefix, expected) in [
            ("10.1.2.3", 24, "10.1.2.0/24"),
            ("10.1.2.3", 0, "0.0.0.0/0"),
            ("10.1.2.3", 64, "10.1.2.3/32"),
            ("fd12:3456::7:8", 64, "fd12:3456::/64"),
            ("::1", 128, "::1/128"),
            ("fd12::1", 0, "::/0"),
        ] {
            let network = Network::around(address.parse().unwrap(), prefix);
            assert_eq!(network.to_string(), expected);
            assert!(network.contains(address.parse().unwrap()));
            assert_eq!(
                network.is_single(),
                address == expected.split('/').next().unwrap()
            );
        }
    }

    #[test]
    fn network_of_ipv4_mapped_addresses_is_that_of_the_ipv4_addresses() {
        for (text, expected) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
            ("::ffff:0.0.0.0/96", "0.0.0.0/0"),
            ("::ffff:0.0.0.0/95", "::ffff:0.0.0.0/95"),
            ("::/0", "::/0"),
        ] {
            let network: Network = text.parse().unwrap();
            assert_eq!(network.to_string(), expected, "{text}");
        }
        let network: Network = "::ffff:10.0.0.0/104".parse().unwrap();
        for inside in ["10.1.2.3", "::ffff:10.1.2.3"] {
            assert!(network.contains(inside.parse().unwrap()), "{inside}");
        }
        assert!(!network.contains("11.0.0.0".parse().unwrap()));
    }

    #[test]
    fn network_with_a_prefix_too_long_is_refused() {
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("office".parse::<Network>().is_err());
    }
}
