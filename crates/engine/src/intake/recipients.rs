//! Who a message goes to: checked, each once, each with the place where the address stood.

use std::collections::{HashMap, HashSet};

use postroom_domain::{Address, Refusal};
use postroom_store::{NewRecipient, RecipientRole};

use super::header::{Header, unfold};
use super::sender::folded;

/// A recipient as the envelope names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeRecipient {
    /// RCPT TO.
    pub address: Address,
    /// DSN NOTIFY (RFC 3461 §4.1), as given.
    pub notify: Option<String>,
    /// DSN ORCPT (RFC 3461 §4.2), as given.
    pub orcpt: Option<String>,
}

impl From<Address> for EnvelopeRecipient {
    fn from(address: Address) -> Self {
        Self {
            address,
            notify: None,
            orcpt: None,
        }
    }
}

/// Recipients on their way into a message.
#[derive(Debug)]
pub(super) struct Recipients {
    list: Vec<NewRecipient>,
    seen: HashSet<Address>,
    smtputf8: bool,
    most: usize,
}

impl Recipients {
    pub(super) fn new(most: usize) -> Self {
        Self {
            list: Vec::new(),
            seen: HashSet::new(),
            smtputf8: false,
            most,
        }
    }

    /// Adds one; an address that is there already stays as it is.
    ///
    /// # Errors
    /// [`Refusal::TooManyRecipients`] when one too many is added.
    pub(super) fn add(&mut self, recipient: EnvelopeRecipient, role: RecipientRole) -> Result<(), Refusal> {
        if self.seen.contains(&recipient.address) {
            return Ok(());
        }
        if self.list.len() >= self.most {
            return Err(Refusal::TooManyRecipients {
                count: self.list.len() + 1,
                most: self.most,
            });
        }
        self.smtputf8 |= recipient.address.needs_smtputf8();
        self.list.push(NewRecipient {
            address: travelling(&recipient.address),
            role,
            notify: recipient.notify,
            orcpt: recipient.orcpt,
        });
        self.seen.insert(recipient.address);
        Ok(())
    }

    /// Whether every one of them passes a test.
    pub(super) fn all(&self, test: impl FnMut(&Address) -> bool) -> bool {
        self.seen.iter().all(test)
    }

    /// The list, and whether it needs SMTPUTF8.
    ///
    /// # Errors
    /// [`Refusal::NoRecipients`].
    pub(super) fn finish(self) -> Result<(Vec<NewRecipient>, bool), Refusal> {
        if self.list.is_empty() {
            return Err(Refusal::NoRecipients);
        }
        Ok((self.list, self.smtputf8))
    }
}

/// An address as the envelope carries it: its domain in ASCII wherever that spares SMTPUTF8.
pub(super) fn travelling(address: &Address) -> String {
    if address.needs_smtputf8() {
        address.to_string()
    } else {
        address.to_ascii_domain()
    }
}

/// Where addresses stand in a header block.
#[derive(Debug)]
pub(super) struct Roles(HashMap<Box<str>, RecipientRole>);

const FIELDS: [(&str, RecipientRole); 3] = [
    ("To", RecipientRole::To),
    ("Cc", RecipientRole::Cc),
    ("Bcc", RecipientRole::Bcc),
];

impl Roles {
    /// Notes every word with an @ in it of To, Cc and Bcc. It never fails: a list that cannot be parsed still travels,
    /// and its recipients are of the envelope then.
    pub(super) fn of(header: &Header<'_>) -> Self {
        let mut roles = HashMap::new();
        for (name, role) in FIELDS {
            for field in header.all(name) {
                for word in unfold(field.value).split([' ', '\t', ',', ';', '<', '>', '(', ')', ':']) {
                    if word.contains('@')
                        && let Ok(address) = Address::parse(word)
                    {
                        roles.entry(folded(&address)).or_insert(role);
                    }
                }
            }
        }
        Self(roles)
    }

    /// Where an address stood.
    pub(super) fn role(&self, address: &Address) -> RecipientRole {
        self.0
            .get(&folded(address))
            .copied()
            .unwrap_or(RecipientRole::Envelope)
    }
}
