//! The messages of a run: made of a number, known again by it.

use postroom_domain::{Kind, OfficeId, RouteId, Timestamp, UserId};
use postroom_engine::packing::pack;
use postroom_store::{Content, NewMessage, NewRecipient, RecipientRole, Shown, SmtpParameters, Submitter};

use crate::case::{Recipients, Sort};

/// A sender, as their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sender(pub(crate) i64);

impl Sender {
    pub(crate) fn of(office: u8, sender: u8) -> Self {
        let people = i64::from(ADMINISTRATOR) + 1;
        Self(i64::from(office) * people + i64::from(sender) + 1)
    }

    pub(crate) const fn user(self) -> UserId {
        UserId(self.0)
    }

    /// The sender of an address that `address` made.
    pub(crate) fn of_address(text: &str) -> Option<Self> {
        text.strip_prefix('s')?.split('@').next()?.parse().ok().map(Self)
    }
}

/// The place of an office's administrator among its people; those before send.
pub(crate) const ADMINISTRATOR: u8 = 5;

/// An office's id.
pub(crate) fn office(place: u8) -> OfficeId {
    OfficeId(i64::from(place) + 1)
}

/// The route of an office's mail.
pub(crate) fn route(place: u8) -> RouteId {
    RouteId(i64::from(place) + 1)
}

/// A letter to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter {
    pub(crate) number: u32,
    pub(crate) office: u8,
    pub(crate) sender: Sender,
    pub(crate) recipients: u16,
    pub(crate) to: Recipients,
    pub(crate) sort: Sort,
    pub(crate) send_at: Option<Timestamp>,
}

/// Recipients by the first letters of their addresses.
pub(crate) const GONE: &str = "gone";
/// Takes at the third try.
pub(crate) const GREY: &str = "grey";

impl Letter {
    fn addresses(&self) -> Vec<String> {
        let name = |n: u16| match (self.to, n) {
            (Recipients::OneGone, 0) => GONE,
            (Recipients::Grey, _) => GREY,
            _ => "good",
        };
        (0..self.recipients.max(1))
            .map(|n| format!("{}{n}@example.test", name(n)))
            .collect()
    }

    /// Makes it.
    pub(crate) fn message(&self) -> NewMessage {
        let id = format!("<{}@sim.example>", self.number);
        let header = format!("Message-ID: {id}\r\nSubject: {}\r\n\r\n", self.number);
        let recipient = |address| NewRecipient {
            address,
            role: RecipientRole::To,
            notify: None,
            orcpt: None,
        };
        NewMessage {
            sender: self.sender.user(),
            office: office(self.office),
            submitted_by: Submitter::User(self.sender.user()),
            kind: match self.sort {
                Sort::Letter => Kind::Direct,
                Sort::Form => Kind::FormLetter,
                Sort::Notice => Kind::ActivityCreated,
            },
            route: route(self.office),
            mail_from: format!("s{}@office.example", self.sender.0),
            recipients: self.addresses().into_iter().map(recipient).collect(),
            parameters: SmtpParameters::default(),
            shown: Shown {
                subject: self.number.to_string(),
                message_id: id,
                ..Shown::default()
            },
            send_at: self.send_at,
            tags: Vec::new(),
            external_id: None,
            metadata: None,
            resent_from: None,
            content: Content {
                header: pack(header.as_bytes()),
                body: pack(b"Good day.\r\n"),
            },
        }
    }
}
