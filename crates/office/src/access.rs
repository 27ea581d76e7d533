//! By which rule somebody sees a message (SPEC V8).

use postroom_domain::{Category, OfficeId, Timestamp, UserId};
use postroom_store::{Proxy, ProxyLevel};

use crate::directory::Directory;
use crate::principal::{Principal, Who};

/// The rule that lets somebody see a message; the first that does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The operator holds the database (no rule of SPEC §2).
    Operator,
    /// They sent it (V1).
    Own,
    /// They are a Super User of its office (V3).
    SuperUser,
    /// They proxy for its sender, and office security is on (V2).
    Proxy(ProxyLevel),
    /// It comes from an office below theirs (V4).
    EnterpriseView,
    /// It is a notification of the office that they administer (V5).
    Administrator,
    /// It is a notification, and they administer the System Office (V5).
    SystemAdministrator,
    /// An office's key with `read` or `manage` (V6).
    OfficeKey,
}

impl Access {
    /// The stable name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Own => "own",
            Self::SuperUser => "super_user",
            Self::Proxy(ProxyLevel::View) => "view_proxy",
            Self::Proxy(ProxyLevel::Manage) => "manage_proxy",
            Self::EnterpriseView => "enterprise_view",
            Self::Administrator => "administrator",
            Self::SystemAdministrator => "system_administrator",
            Self::OfficeKey => "office_key",
        }
    }
}

/// Whose message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belongs {
    /// Whose mail.
    pub sender: UserId,
    /// Of which office.
    pub office: OfficeId,
    /// What sort of mail.
    pub category: Category,
}

impl Directory {
    /// The rule that lets a principal see a message; `None` where none does, which is where the scope shows nothing.
    pub fn access(
        &self,
        principal: &Principal,
        proxies: &[Proxy],
        now: Timestamp,
        message: Belongs,
    ) -> Option<Access> {
        let user = match &principal.who {
            Who::Operator => return Some(Access::Operator),
            Who::Person(person) => &person.user,
            Who::Key(key) => match &key.user {
                Some(user) => user,
                None => {
                    let sees = principal
                        .authority
                        .see
                        .sees(message.sender, message.office, message.category);
                    return sees.then_some(Access::OfficeKey);
                }
            },
        };
        if message.category == Category::Notification {
            if !user.rights.administrator {
                return None;
            }
            let own = message.office == user.office;
            return if principal.is_system_administrator() && !own {
                Some(Access::SystemAdministrator)
            } else {
                own.then_some(Access::Administrator)
            };
        }
        if message.sender == user.id {
            return Some(Access::Own);
        }
        if user.rights.super_user && message.office == user.office {
            return Some(Access::SuperUser);
        }
        let proxy = self
            .proxies_that_count(user, proxies, now)
            .find(|proxy| proxy.principal == message.sender);
        if let Some(proxy) = proxy {
            return Some(Access::Proxy(proxy.terms.level));
        }
        (user.rights.enterprise_view && self.viewed(user).contains(&message.office))
            .then_some(Access::EnterpriseView)
    }
}
