//! What the tests of intake share.

use std::sync::Arc;

use postroom_domain::{Address, OfficeId, Refusal, RouteId, Timestamp, UserId};
use postroom_store::{NewMessage, Submitter};

use super::desk::Desk;
use super::draft::Draft;
use super::limits::IntakeLimits;
use super::raw::{Envelope, GivenEnvelope, RawSubmission};
use super::sender::{Directory, Identity, KindRights, Principal, SenderRights, folded};
use super::stamp::{Origin, Protocol};
use super::{Extras, compose, raw};
use crate::packing::unpack_into;
use crate::random::Seeded;

/// 2026-11-23T09:30:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_795_426_200_000_000);

/// Largest message at the tests' desk: 1 MiB, so that going over it is quick.
pub(super) const MESSAGE_BYTES: usize = 1024 * 1024;

/// Knows `*@office.example.com`.
#[derive(Debug)]
pub(super) struct OfficePeople;

impl Directory for OfficePeople {
    fn is_user(&self, address: &Address) -> bool {
        folded(address).ends_with("@office.example.com")
    }
}

pub(super) fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

/// Case, who sends as herself and as the office.
pub(super) fn case() -> Principal {
    case_of(Identity {
        user: UserId(3),
        office: OfficeId(1),
        route: RouteId::SERVER,
    })
}

/// Case as the user of a store.
pub(super) fn case_of(identity: Identity) -> Principal {
    let user = identity.user;
    let rights = SenderRights::new("a user sends as themself")
        .with(&address("case@office.example.com"), identity.clone())
        .with(&address("büro@office.example.com"), identity);
    Principal {
        submitted_by: Submitter::User(user),
        rights: Arc::new(rights),
        kinds: KindRights::UserMail,
    }
}

/// Runs `build` at a desk where time and chance stand still.
pub(super) fn at_desk<T>(principal: &Principal, build: impl FnOnce(&Desk<'_>) -> T) -> T {
    build(&Desk {
        limits: &IntakeLimits {
            message_bytes: MESSAGE_BYTES,
            ..IntakeLimits::default()
        },
        host: "mail.example.com",
        now: NOW,
        random: &Seeded::new(7),
        directory: &OfficePeople,
        principal,
    })
}

pub(super) fn compose(draft: Draft) -> Result<NewMessage, Refusal> {
    at_desk(&case(), |desk| compose::build(desk, draft))
}

pub(super) fn from_json(json: &str) -> Result<NewMessage, Refusal> {
    compose(Draft::from_json(json.as_bytes())?)
}

/// A raw message of Case's by SMTP.
pub(super) fn by_smtp(octets: impl AsRef<[u8]>, to: &[&str]) -> RawSubmission {
    RawSubmission {
        octets: octets.as_ref().to_vec(),
        envelope: Envelope::Given(GivenEnvelope {
            mail_from: Some(address("case@office.example.com")),
            recipients: to.iter().map(|text| address(text).into()).collect(),
            ..GivenEnvelope::default()
        }),
        origin: Origin {
            protocol: Protocol::Esmtpsa,
            helo: Some("desk.office.example.com".to_owned()),
        },
        extras: Extras::default(),
    }
}

pub(super) fn take(submission: RawSubmission) -> Result<NewMessage, Refusal> {
    at_desk(&case(), |desk| raw::build(desk, submission))
}

/// The header block and the body as they travel.
pub(super) fn octets(message: &NewMessage) -> (Vec<u8>, Vec<u8>) {
    let mut header = Vec::new();
    let mut body = Vec::new();
    unpack_into(&message.content.header, &mut header).expect("header");
    unpack_into(&message.content.body, &mut body).expect("body");
    (header, body)
}

/// The whole message as text, lines ended with LF.
pub(super) fn wire(message: &NewMessage) -> String {
    let (header, body) = octets(message);
    String::from_utf8_lossy(&[header, body].concat()).replace("\r\n", "\n")
}
