//! Whom an occasion concerns (SPEC §7), over a snapshot of the people.

use std::collections::{BTreeMap, BTreeSet};

use super::{Occasion, RelayHome};
use crate::id::{OfficeId, RouteId, UserId};
use crate::kind::{Category, Kind};

/// What a person can do about it, which the words depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// Fixes it: the settings or the limit are theirs.
    Administrator,
    /// Has mail in it.
    Sender,
}

/// A person who can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// Who it is.
    pub id: UserId,
    /// Their office.
    pub office: OfficeId,
    /// Their name.
    pub name: String,
    /// Whether they see and fix the office's settings.
    pub role: Reader,
}

/// Everybody who can be told, by office; people who may not sign in are not in it.
#[derive(Debug, Clone, Default)]
pub struct Staff {
    members: BTreeMap<UserId, StaffMember>,
    administrators: BTreeMap<OfficeId, Vec<UserId>>,
    routes: BTreeMap<OfficeId, RouteId>,
    root: Option<OfficeId>,
}

impl Staff {
    /// Arranges people and offices (with their way out); `root` is the System Office.
    pub fn new(
        members: impl IntoIterator<Item = StaffMember>,
        offices: impl IntoIterator<Item = (OfficeId, RouteId)>,
        root: Option<OfficeId>,
    ) -> Self {
        let mut staff = Self {
            routes: offices.into_iter().collect(),
            root,
            ..Self::default()
        };
        for member in members {
            if member.role == Reader::Administrator {
                staff
                    .administrators
                    .entry(member.office)
                    .or_default()
                    .push(member.id);
            }
            staff.members.insert(member.id, member);
        }
        staff
    }

    /// A person who can be told.
    pub fn member(&self, id: UserId) -> Option<&StaffMember> {
        self.members.get(&id)
    }

    /// The System Office.
    pub const fn root(&self) -> Option<OfficeId> {
        self.root
    }

    /// The office's administrators; where it has none, the System Office's, who administer every office.
    pub fn administrators(&self, office: OfficeId) -> &[UserId] {
        let of = |office: &OfficeId| self.administrators.get(office).filter(|found| !found.is_empty());
        of(&office)
            .or_else(|| self.root.as_ref().and_then(of))
            .map_or(&[], Vec::as_slice)
    }

    /// Whom an occasion concerns, each once, whatever the number of ways: about a message of `kind`, of `sender` and
    /// handed in by `submitter`, or about a limit that holds `sender`'s mail. Senders whose mail waits for a relay are
    /// not in it: whoever has the queue tells of them.
    pub fn concerned(&self, occasion: &Occasion, about: &About) -> Vec<(UserId, Reader)> {
        let mut told = BTreeMap::new();
        let senders = [about.sender, about.submitter].into_iter().flatten();
        let senders: BTreeSet<_> = senders.filter(|id| self.members.contains_key(id)).collect();
        let notification = about.kind.map(Kind::category) == Some(Category::Notification);
        match occasion {
            Occasion::Trouble { .. } | Occasion::Failed { .. } if about.kind == Some(Kind::Alert) => {}
            Occasion::Trouble { .. } => {
                self.tell_administrators(&mut told, about.office);
                if let Some(sender) = about.sender.filter(|id| !notification && senders.contains(id)) {
                    told.entry(sender).or_insert(Reader::Sender);
                }
            }
            Occasion::Failed { .. } if notification || senders.is_empty() => {
                self.tell_administrators(&mut told, about.office);
            }
            Occasion::Failed { .. } => told.extend(senders.iter().map(|&id| (id, Reader::Sender))),
            Occasion::Limit { .. } => {
                if let Some(root) = self.root {
                    self.tell_administrators(&mut told, root);
                }
                // Somebody whose own mail is held reads of that, also where they could raise the limit.
                told.extend(senders.iter().map(|&id| (id, Reader::Sender)));
            }
            Occasion::Down { outage, home, .. } => match home {
                RelayHome::Office { id, .. } => self.tell_administrators(&mut told, *id),
                RelayHome::ServerConfiguration | RelayHome::SystemOffice { .. } => {
                    let theirs = self.routes.iter().filter(|(_, route)| **route == outage.route);
                    for office in theirs.map(|(office, _)| *office).chain(self.root) {
                        self.tell_administrators(&mut told, office);
                    }
                }
            },
            // They administer the machine, no matter whose mail is on it.
            Occasion::Damaged { .. } | Occasion::Server(_) => {
                if let Some(root) = self.root {
                    self.tell_administrators(&mut told, root);
                }
            }
            Occasion::Up { .. } => {}
        }
        told.into_iter().collect()
    }

    fn tell_administrators(&self, told: &mut BTreeMap<UserId, Reader>, office: OfficeId) {
        told.extend(
            self.administrators(office)
                .iter()
                .map(|&id| (id, Reader::Administrator)),
        );
    }
}

/// What an occasion is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The office where it happened.
    pub office: OfficeId,
    /// The person whose mail it is.
    pub sender: Option<UserId>,
    /// The person who handed it in, where it is another (V9).
    pub submitter: Option<UserId>,
    /// The message's kind.
    pub kind: Option<Kind>,
}
