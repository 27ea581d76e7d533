//! What a change of offices and people must not break.

/// Most offices above an office: deeper trees would be a mistake, and the pages show them badly.
pub const OFFICES_ABOVE_MAX: usize = 32;

/// A change that would break the tree of offices, a proxy or the administration; nothing of it was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PeopleRule {
    /// An office cannot lie below itself.
    #[error("an office cannot lie below itself or below an office that lies below it: choose another parent")]
    Cycle,
    /// A tree of offices has a depth.
    #[error(
        "an office has at most {OFFICES_ABOVE_MAX} offices above it: choose a parent that is nearer to the System Office"
    )]
    TooDeep,
    /// The System Office is the only root.
    #[error("there is a System Office already: every other office lies below one")]
    OneRoot,
    /// The System Office stays where it is.
    #[error("the System Office is the root of the tree: it can be renamed, but neither moved nor removed")]
    RootStays,
    /// An office with people, keys, mail or offices below it is not removed.
    #[error(
        "the office is not empty: it has or had people, API keys or mail, or offices below it; rename it or move it instead"
    )]
    OfficeNotEmpty,
    /// Somebody has to administer the server.
    #[error(
        "this is the last administrator of the System Office who can sign in: make somebody else one before"
    )]
    LastAdministrator,
    /// A proxy is for somebody else.
    #[error("nobody proxies for themself: one sees one's own mail anyway")]
    ProxyForOneself,
    /// A proxy stays within an office.
    #[error("both people of a proxy belong to one office: for other offices' mail there is Enterprise View")]
    ProxyAcrossOffices,
    /// A proxy ends after it begins.
    #[error("a proxy's last moment lies after its first: change one of the dates")]
    ProxyEndsFirst,
    /// A branch lies below the person's office.
    #[error("Enterprise View reaches offices below the person's own: name branches that lie below it")]
    BranchOutside,
    /// Branches limit Enterprise View and mean nothing without it.
    #[error("branches limit Enterprise View: give that right too, or leave the branches out")]
    BranchWithoutView,
    /// The server has people already.
    #[error("Postroom is set up already: sign in, or ask an administrator")]
    SetUpAlready,
    /// A token for the first steps or a new password was used, has ended, or never was.
    #[error("this link or secret is not valid: it may have been used or have ended; ask for a new one")]
    TokenInvalid,
    /// A disabled person gets no key, proxy or session.
    #[error("this person is disabled: enable them before")]
    Disabled,
}

impl PeopleRule {
    /// The stable code in the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cycle => "office_cycle",
            Self::TooDeep => "office_too_deep",
            Self::OneRoot => "one_system_office",
            Self::RootStays => "system_office_stays",
            Self::OfficeNotEmpty => "office_not_empty",
            Self::LastAdministrator => "last_administrator",
            Self::ProxyForOneself => "proxy_for_oneself",
            Self::ProxyAcrossOffices => "proxy_across_offices",
            Self::ProxyEndsFirst => "proxy_ends_first",
            Self::BranchOutside => "branch_outside",
            Self::BranchWithoutView => "branch_without_view",
            Self::SetUpAlready => "set_up_already",
            Self::TokenInvalid => "token_invalid",
            Self::Disabled => "person_disabled",
        }
    }

    /// The field of a request that it is about, where it is one field.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::Cycle | Self::TooDeep => Some("parent"),
            Self::ProxyForOneself | Self::ProxyAcrossOffices => Some("principal"),
            Self::ProxyEndsFirst => Some("until"),
            Self::BranchOutside | Self::BranchWithoutView => Some("branches"),
            Self::TokenInvalid => Some("token"),
            Self::OneRoot
            | Self::RootStays
            | Self::OfficeNotEmpty
            | Self::LastAdministrator
            | Self::SetUpAlready
            | Self::Disabled => None,
        }
    }
}
