//! The rules by which somebody is refused what they can see (V7, O3): each has a name that the API answers with 403.

/// Who may do something. A refusal names the rule that was not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Sending again, deleting: one's own mail, principals' by a `manage` proxy, the office's for Super Users,
    /// notifications for administrators (V7).
    ActOnMessage,
    /// Hold and Release are for Super Users and administrators (V7).
    HoldMessage,
    /// The body of mail with a live link is shown to nobody (V5), and nobody copies it or sends it to another address.
    SecretBody,
    /// Settings and people of an office are for its administrators and the System Office's (O3).
    AdministerOffice,
    /// What concerns several offices or the whole server is for the System Office's administrators (O3).
    AdministerSystem,
    /// Enterprise View reaches other offices, so the System Office's administrators give it, take it away, and give more
    /// rights to those who have it (V4).
    GrantEnterpriseView,
    /// Super User shows all mail of an office, so its Super Users who administer it and the System Office's administrators
    /// give it and take it away (V3).
    GrantSuperUser,
    /// The address of somebody is changed, and a link for their password sent, by those who may give every right and
    /// every proxy that they have (V10).
    ChangeSignIn,
    /// Notifications are for administrators (V5).
    SeeNotifications,
    /// A proxy is given by the principal, or by an administrator of the office who sees the principal's mail (V2).
    GiveProxy,
    /// An office's key has no more than its maker (V6).
    MakeKey,
    /// A layout of one's own takes the right `customize_list_layout` (Q2).
    CustomizeListLayout,
    /// It takes a person; an office's key is nobody (V6).
    BeAPerson,
    /// Keys make no keys and change no accounts or settings: whoever took one could stay with another (V6).
    ByHand,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 14] = [
        Self::ActOnMessage,
        Self::HoldMessage,
        Self::SecretBody,
        Self::AdministerOffice,
        Self::AdministerSystem,
        Self::GrantEnterpriseView,
        Self::GrantSuperUser,
        Self::ChangeSignIn,
        Self::SeeNotifications,
        Self::GiveProxy,
        Self::MakeKey,
        Self::CustomizeListLayout,
        Self::BeAPerson,
        Self::ByHand,
    ];

    /// The stable name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActOnMessage => "act_on_message",
            Self::HoldMessage => "hold_message",
            Self::SecretBody => "secret_body",
            Self::AdministerOffice => "administer_office",
            Self::AdministerSystem => "administer_system",
            Self::GrantEnterpriseView => "grant_enterprise_view",
            Self::GrantSuperUser => "grant_super_user",
            Self::ChangeSignIn => "change_sign_in",
            Self::SeeNotifications => "see_notifications",
            Self::GiveProxy => "give_proxy",
            Self::MakeKey => "make_key",
            Self::CustomizeListLayout => "customize_list_layout",
            Self::BeAPerson => "be_a_person",
            Self::ByHand => "by_hand",
        }
    }

    /// The rule of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// The rule in a sentence, with whom to ask.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ActOnMessage => {
                "you may look at this message, but acting on it is for its sender, assistants with a manage proxy, the office's Super Users and, for notifications, administrators"
            }
            Self::HoldMessage => "holding and releasing mail is for Super Users and administrators",
            Self::SecretBody => {
                "mail of this kind carries a live link: whoever reads it could use it, so its body is shown to nobody, and it cannot be copied or sent to another address"
            }
            Self::AdministerOffice => {
                "this is for administrators of the office and of the System Office: ask one of them"
            }
            Self::AdministerSystem => "this is for administrators of the System Office: ask one of them",
            Self::GrantEnterpriseView => {
                "Enterprise View shows other offices' mail: only System Office administrators can grant it, change it, take it away, or grant more rights to somebody who has it"
            }
            Self::GrantSuperUser => {
                "Super User shows all mail of the office: only administrators who are Super Users, and System Office administrators, can grant this or take it away"
            }
            Self::ChangeSignIn => {
                "this person has rights or proxies that you cannot grant: ask an administrator who can grant them, for example one of the System Office"
            }
            Self::SeeNotifications => "notifications are seen by administrators alone",
            Self::GiveProxy => {
                "a proxy is given by the person whose mail it shows, by an administrator of their office who is its Super User, or by an administrator of the System Office"
            }
            Self::MakeKey => {
                "an office key cannot have more access than you have: only administrators who are Super Users, and System Office administrators, can grant read or manage"
            }
            Self::CustomizeListLayout => {
                "a layout of one's own takes the right customize_list_layout: ask an administrator of the office"
            }
            Self::BeAPerson => {
                "this key belongs to an office, not to a person: sign in, or use a person's key"
            }
            Self::ByHand => {
                "API keys, accounts, rights, proxies, offices, limits, settings and pauses are changed by people who sign in, not by an API key: sign in to make this change"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_reads_back_from_its_name_and_says_whom_to_ask() {
        for rule in Rule::ALL {
            assert_eq!(Rule::from_name(rule.name()), Some(rule));
            assert!(rule.words().len() > 40, "{rule:?}");
        }
        assert_eq!(Rule::from_name("no_such_rule"), None);
    }
}
