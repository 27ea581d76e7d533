//! The rules over both registries of IANA, block by block.

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn networks(texts: &[&str]) -> Vec<Network> {
    texts
        .iter()
        .map(|text| text.parse().expect("a network"))
        .collect()
}

fn refused(policy: &ReachPolicy, text: &str) -> bool {
    policy.check(address(text)).is_err()
}

/// First and last address of each block, and those before and behind it where they are public.
const IPV4: &[(&str, &str, &str, &str)] = &[
    ("", "0.0.0.0", "0.255.255.255", "1.0.0.0"),
    ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
    ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
    ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
    ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
    ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
    ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
    ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
    ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
    ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
    ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
    ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
    ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
    ("223.255.255.255", "224.0.0.0", "239.255.255.255", ""),
    ("", "240.0.0.0", "255.255.255.255", ""),
];

const IPV6: &[(&str, &str, &str, &str)] = &[
    ("", "::", "::1", ""),
    ("", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", ""),
    ("", "100::", "100::ffff:ffff:ffff:ffff", ""),
    ("", "100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", ""),
    (
        "",
        "2001::",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:200::",
    ),
    ("", "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", ""),
    (
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
    ),
    (
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff:1000::",
    ),
    ("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "5f00::", ""),
    ("", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
    ("", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
    ("", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
    ("", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
    ("", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
    ("", "200::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"),
    ("", "8000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
];

#[test]
fn every_special_purpose_block_is_refused_to_its_last_address_and_no_other() {
    let policy = ReachPolicy::default();
    for (before, first, last, behind) in IPV4.iter().chain(IPV6) {
        for inside in [first, last] {
            assert!(refused(&policy, inside), "{inside}");
        }
        for outside in [before, behind].into_iter().filter(|text| !text.is_empty()) {
            assert!(!refused(&policy, outside), "{outside}");
        }
    }
    // In the registries, and globally reachable.
    for public in ["192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1"] {
        assert!(!refused(&policy, public), "{public}");
    }
}

#[test]
fn address_is_refused_for_what_it_is() {
    let policy = ReachPolicy::default();
    for (at, words) in [
        ("127.0.0.1", "this machine itself"),
        ("10.1.2.3", "in a private network"),
        ("100.64.1.1", "shared network"),
        ("198.51.100.7", "reserved for documentation"),
        ("224.0.0.1", "multicast"),
        ("::1", "this machine itself"),
        ("::", "not the address of a host"),
        ("fd12::1", "in a private network"),
        ("2001:0:4136:e378::1", "Teredo"),
        ("2a01:4f8::200:5efe:a01:203", "ISATAP"),
        ("2a01:4f8::5efe:a01:203", "ISATAP"),
        ("7f00::1", "outside the public addresses"),
        ("169.254.169.254", "metadata"),
    ] {
        let why = policy.check(address(at)).expect_err(at).to_string();
        assert!(why.contains(words), "{at}: {why}");
    }
}

#[test]
fn metadata_is_allowed_by_its_own_address_alone() {
    for (at, around) in [
        ("168.63.129.16", "168.63.0.0/16"),
        ("100.100.100.200", "100.64.0.0/10"),
        ("192.0.0.192", "192.0.0.0/24"),
        ("169.254.169.254", "169.254.0.0/16"),
        ("169.254.170.2", "0.0.0.0/0"),
        ("fd00:ec2::254", "fd00::/8"),
        ("fd20:ce::254", "fd20:ce::/64"),
        ("fe80::a9fe:a9fe", "::/0"),
        ("fd00:c1::a9fe:a9fe", "fd00:c1::/64"),
        ("::ffff:168.63.129.16", "0.0.0.0/0"),
    ] {
        let allow = |texts: &[&str]| ReachPolicy {
            allow: networks(texts),
            deny: Vec::new(),
        };
        assert_eq!(
            ReachPolicy::default().check(address(at)),
            Err(Unreachable::Metadata)
        );
        assert_eq!(
            allow(&[around]).check(address(at)),
            Err(Unreachable::Metadata),
            "{at}"
        );
        let itself = at.trim_start_matches("::ffff:");
        assert_eq!(allow(&[around, itself]).check(address(at)), Ok(()), "{at}");
    }
}

#[test]
fn ipv4_mapped_or_translated_address_is_looked_at_as_what_it_reaches() {
    let policy = ReachPolicy::default();
    for translated in [
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b::10.1.2.3",
        "2002:7f00:1::",
        "::ffff:192.168.1.1",
    ] {
        assert!(refused(&policy, translated), "{translated}");
    }
    for translated in ["::ffff:9.9.9.9", "64:ff9b::9.9.9.9", "2002:909:909::1"] {
        assert!(!refused(&policy, translated), "{translated}");
    }
}

#[test]
fn operator_allows_over_the_defaults_and_denies_over_all() {
    let policy = ReachPolicy {
        allow: networks(&["127.0.0.0/8", "10.0.0.0/8", "169.254.169.254"]),
        deny: networks(&["10.9.0.0/16", "127.0.0.9", "9.9.9.9", "169.254.169.254"]),
    };
    for allowed in ["127.0.0.1", "::ffff:127.0.0.1", "10.1.1.1", "9.9.9.8"] {
        assert!(!refused(&policy, allowed), "{allowed}");
    }
    for denied in ["10.9.1.1", "127.0.0.9", "9.9.9.9", "169.254.169.254"] {
        assert_eq!(
            policy.check(address(denied)),
            Err(Unreachable::Denied),
            "{denied}"
        );
    }
    assert!(refused(&policy, "::1") && refused(&policy, "192.168.1.1"));
}

#[test]
fn way_to_ipv4_is_denied_as_a_whole() {
    for (deny, denied, allowed) in [
        ("64:ff9b::/96", "64:ff9b::9.9.9.9", "9.9.9.9"),
        ("2002::/16", "2002:909:909::1", "9.9.9.9"),
        ("::ffff:9.0.0.0/104", "9.9.9.9", "64:ff9b::8.8.8.8"),
        ("9.0.0.0/8", "64:ff9b::9.9.9.9", "64:ff9b::8.8.8.8"),
        ("::/0", "64:ff9b::9.9.9.9", "9.9.9.9"),
    ] {
        let policy = ReachPolicy {
            allow: Vec::new(),
            deny: networks(&[deny]),
        };
        assert_eq!(policy.check(address(denied)), Err(Unreachable::Denied), "{deny}");
        assert_eq!(policy.check(address(allowed)), Ok(()), "{deny}");
    }
}

#[test]
fn network_of_an_own_address_is_suggested_and_then_allows_it() {
    for (at, line) in [
        ("10.1.2.3", Some("allow_relay_networks = [\"10.1.2.0/24\"]")),
        (
            "::ffff:192.168.7.9",
            Some("allow_relay_networks = [\"192.168.7.0/24\"]"),
        ),
        ("127.0.0.1", Some("allow_relay_networks = [\"127.0.0.0/24\"]")),
        ("::1", Some("allow_relay_networks = [\"::1/128\"]")),
        (
            "fd12:3456::7",
            Some("allow_relay_networks = [\"fd12:3456::/64\"]"),
        ),
        ("169.254.169.254", None),
        ("168.63.129.16", None),
        ("224.0.0.1", None),
        ("198.51.100.7", None),
    ] {
        let why = ReachPolicy::default().check(address(at)).expect_err(at);
        assert_eq!(why.suggestion().as_deref(), line, "{at}");
        if let Unreachable::Own { network, .. } = why {
            let policy = ReachPolicy {
                allow: vec![network],
                deny: Vec::new(),
            };
            assert_eq!(policy.check(address(at)), Ok(()), "{at}");
        }
    }
}
