//! Which addresses people may have and send from: none of Postroom's own, and those in the domains of their office.

use std::collections::HashSet;

use postroom_domain::{Address, OfficeId, SenderDomain, UserId};
use postroom_store::User;

use crate::directory::Directory;

/// Addresses that Postroom sends its own mail from, or is written to at.
#[derive(Debug, Clone, Default)]
pub struct ReservedAddresses(HashSet<String>);

impl FromIterator<Address> for ReservedAddresses {
    fn from_iter<I: IntoIterator<Item = Address>>(addresses: I) -> Self {
        Self(addresses.into_iter().map(|address| mailbox(&address)).collect())
    }
}

/// Why somebody may not have an address, or not send from the one that they have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressBar {
    /// It is one of Postroom's own.
    #[error("this address is reserved for mail that Postroom itself sends and receives")]
    Reserved,
    /// It lies outside the office's domains.
    #[error("this office may only use addresses in {}", named(.0))]
    OutsideDomains(Vec<SenderDomain>),
}

/// Somebody who may not send from their own address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarredPerson {
    /// Who.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// Why not.
    pub bar: AddressBar,
}

impl ReservedAddresses {
    /// Whether an address is reserved.
    pub fn has(&self, address: &Address) -> bool {
        self.0.contains(&mailbox(address))
    }

    /// Checks an address that somebody of an office has or is to have.
    ///
    /// # Errors
    /// [`AddressBar`].
    pub fn check(
        &self,
        address: &Address,
        office: OfficeId,
        directory: &Directory,
    ) -> Result<(), AddressBar> {
        if self.has(address) {
            return Err(AddressBar::Reserved);
        }
        let domains = directory.allowed_sender_domains(office);
        if domains.is_empty() || domains.iter().any(|domain| domain.has(address)) {
            Ok(())
        } else {
            Err(AddressBar::OutsideDomains(domains.to_vec()))
        }
    }

    /// Those of `users` who may sign in, and may not send from their own address.
    pub fn barred(&self, users: &[User], directory: &Directory) -> Vec<BarredPerson> {
        let active = users.iter().filter(|user| !user.disabled);
        active
            .filter_map(|user| {
                let address: Address = user.email.parse().ok()?;
                let bar = self.check(&address, user.office, directory).err()?;
                Some(BarredPerson {
                    user: user.id,
                    email: user.email.clone(),
                    bar,
                })
            })
            .collect()
    }
}

/// The mailbox that an address means: whatever the case, and with quotes that its local part need not have taken away
/// (RFC 5321 §4.1.2).
fn mailbox(address: &Address) -> String {
    let local = address.local_part();
    let quoted = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let local = quoted.map_or_else(|| local.to_owned(), unescaped);
    let domain = address.ascii_domain().to_ascii_lowercase();
    format!("{}@{domain}", local.to_lowercase())
}

/// What stands in quotes, without the backslashes.
fn unescaped(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

/// Some of the domains, in a sentence that fits a line of an SMTP reply (512 bytes, RFC 5321 §4.5.3.1.5) with what stands
/// around it.
fn named(domains: &[SenderDomain]) -> String {
    const NAMED_MAX: usize = 5;
    const BYTES_MAX: usize = 200;
    let mut names: Vec<&str> = Vec::new();
    let mut bytes = 0;
    for name in domains.iter().take(NAMED_MAX).map(SenderDomain::as_str) {
        bytes += name.len();
        // One is named however long it is.
        if bytes > BYTES_MAX && !names.is_empty() {
            break;
        }
        names.push(name);
    }
    let named = names.join(", ");
    match domains.len().saturating_sub(names.len()) {
        0 => named,
        1 => format!("{named} and 1 more domain"),
        more => format!("{named} and {more} more domains"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn reserved_address_is_found_in_any_spelling() {
        let reserved: ReservedAddresses = [address("Post.Room@b\u{fc}cher.example")].into_iter().collect();
        for text in [
            "post.room@xn--bcher-kva.example",
            "POST.ROOM@B\u{dc}CHER.example",
            "\"post.room\"@b\u{fc}cher.example",
            "\"post\\.room\"@b\u{fc}cher.example",
        ] {
            assert!(reserved.has(&address(text)), "{text}");
        }
        for text in ["post-room@b\u{fc}cher.example", "post.room@example.com"] {
            assert!(!reserved.has(&address(text)), "{text}");
        }
    }

    #[test]
    fn domains_are_named_up_to_a_number() {
        let domains = |n: usize| -> Vec<SenderDomain> {
            (0..n).map(|n| format!("d{n}.example").parse().unwrap()).collect()
        };
        assert_eq!(
            AddressBar::OutsideDomains(domains(2)).to_string(),
            "this office may only use addresses in d0.example, d1.example"
        );
        assert!(
            AddressBar::OutsideDomains(domains(7))
                .to_string()
                .contains("d4.example and 2 more domains")
        );
        let label = "long".repeat(15);
        let long: Vec<SenderDomain> = (0..3)
            .map(|n| format!("{label}.{label}.{label}.d{n}.example").parse().unwrap())
            .collect();
        let text = AddressBar::OutsideDomains(long).to_string();
        assert!(text.ends_with(".d0.example and 2 more domains"), "{text}");
    }
}
