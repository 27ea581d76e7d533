//! The people and offices of a moment, as alerts need them.

use std::collections::HashMap;

use postroom_domain::alert::{Reader, RelayHome, Staff, StaffMember};
use postroom_domain::{OfficeId, RouteId, UserId};
use postroom_store::{MailedAlerts, Office, Store, StoreError, User};

/// Where the server's own relay is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerRelay {
    /// In the server configuration.
    #[default]
    InFile,
    /// In the Office Settings of the System Office.
    InSettings,
}

/// The people and offices of a moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) staff: Staff,
    offices: HashMap<OfficeId, Office>,
    mailed: HashMap<UserId, MailedAlerts>,
}

impl Snapshot {
    pub(super) async fn read(store: &dyn Store) -> Result<Self, StoreError> {
        let (users, offices) = (store.users().await?, store.offices().await?);
        let mailed = store.all_mailed_alerts().await?;
        Ok(Self::new(users, offices, mailed))
    }

    pub(super) fn new(users: Vec<User>, offices: Vec<Office>, mailed: Vec<(UserId, MailedAlerts)>) -> Self {
        let root = offices
            .iter()
            .find(|office| office.parent.is_none())
            .map(|office| office.id);
        let members = users
            .into_iter()
            .filter(|user| !user.disabled)
            .map(|user| StaffMember {
                id: user.id,
                office: user.office,
                name: user.name,
                role: if user.rights.administrator {
                    Reader::Administrator
                } else {
                    Reader::Sender
                },
            });
        let routes = offices.iter().map(|office| (office.id, office.route));
        Self {
            staff: Staff::new(members, routes, root),
            offices: offices.into_iter().map(|office| (office.id, office)).collect(),
            mailed: mailed.into_iter().collect(),
        }
    }

    /// Which alerts somebody wants by e-mail.
    pub(super) fn mailed(&self, person: UserId) -> MailedAlerts {
        self.mailed.get(&person).copied().unwrap_or_default()
    }

    /// Where the settings of a route's relay are.
    pub(super) fn home(&self, route: RouteId, server: ServerRelay) -> RelayHome {
        let own = self
            .offices
            .get(&OfficeId(route.0))
            .filter(|office| route != RouteId::SERVER && office.route == route);
        match (own, server, self.staff.root()) {
            (Some(office), _, _) => RelayHome::Office {
                id: office.id,
                name: office.name.clone(),
            },
            (None, ServerRelay::InSettings, Some(id)) => RelayHome::SystemOffice { id },
            (None, _, _) => RelayHome::ServerConfiguration,
        }
    }
}
