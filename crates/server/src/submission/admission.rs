//! The limit on SMTP connections, as SMTP asks for it.

use std::net::IpAddr;
use std::sync::Arc;

use postroom_domain::{Activity, ConnectionClass, ConnectionsFull};
use postroom_smtp::server::{Admission, AdmittedConnection, ConnectionRefusal};
use tokio_util::sync::CancellationToken;

use crate::connections::{ConnectionLimiter, Place};

/// Lets SMTP clients in: strangers, until they have signed in or sent from a trusted network.
#[derive(Debug)]
pub(super) struct SmtpAdmission(pub(super) ConnectionLimiter);

impl Admission for SmtpAdmission {
    fn admit(&self, peer: IpAddr) -> Result<Arc<dyn AdmittedConnection>, ConnectionRefusal> {
        match self.0.admit(Some(peer), ConnectionClass::Stranger) {
            Ok(place) => Ok(Arc::new(SmtpPlace(place))),
            Err(ConnectionsFull::Address) => Err(ConnectionRefusal::Address),
            Err(ConnectionsFull::Network) => Err(ConnectionRefusal::Network),
            Err(ConnectionsFull::Total) => Err(ConnectionRefusal::Total),
        }
    }
}

#[derive(Debug)]
struct SmtpPlace(Place);

impl AdmittedConnection for SmtpPlace {
    fn evicted(&self) -> CancellationToken {
        self.0.evicted()
    }

    fn is_stranger(&self) -> bool {
        self.0.is_stranger()
    }

    fn signed_in(&self) {
        self.0.signed_in();
    }

    fn mail_begins(&self) {
        self.0.set_activity(Activity::Busy);
    }

    fn mail_ends(&self) {
        self.0.set_activity(Activity::Idle);
    }
}
