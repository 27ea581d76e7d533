//! The limit on SMTP connections, as SMTP asks for it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use postroom_domain::{Activity, ConnectionClass, ConnectionsFull};
use postroom_smtp::server::{Admission, AdmittedConnection, ConnectionRefusal};
use tokio_util::sync::CancellationToken;

use crate::config::Network;
use crate::connections::{ConnectionLimiter, Place};

/// Lets SMTP clients in: as strangers, until they have signed in, but for those of trusted networks.
#[derive(Debug)]
pub(super) struct SmtpAdmission {
    /// Counts them.
    pub(super) connections: ConnectionLimiter,
    /// Networks whose clients need no AUTH.
    pub(super) trusted: Vec<Network>,
}

impl Admission for SmtpAdmission {
    fn admit(&self, peer: IpAddr) -> Result<Arc<dyn AdmittedConnection>, ConnectionRefusal> {
        let is_trusted = self.trusted.iter().any(|network| network.contains(peer));
        let class = if is_trusted {
            ConnectionClass::SignedIn
        } else {
            ConnectionClass::Stranger
        };
        match self.connections.admit(Some(peer), class) {
            Ok(place) => Ok(Arc::new(SmtpPlace {
                place,
                is_working: AtomicBool::new(false),
            })),
            Err(ConnectionsFull::Address) => Err(ConnectionRefusal::Address),
            Err(ConnectionsFull::Network) => Err(ConnectionRefusal::Network),
            Err(ConnectionsFull::Total) => Err(ConnectionRefusal::Total),
        }
    }
}

#[derive(Debug)]
struct SmtpPlace {
    place: Place,
    is_working: AtomicBool,
}

impl AdmittedConnection for SmtpPlace {
    fn evicted(&self) -> CancellationToken {
        self.place.evicted()
    }

    fn is_stranger(&self) -> bool {
        self.place.is_stranger()
    }

    fn signed_in(&self) {
        self.place.signed_in();
    }

    fn work_begins(&self) {
        self.is_working.store(true, Ordering::Relaxed);
        self.place.set_activity(Activity::Busy);
    }

    fn work_ends(&self) {
        self.is_working.store(false, Ordering::Relaxed);
        self.place.set_activity(Activity::Idle);
    }

    fn is_working(&self) -> bool {
        self.is_working.load(Ordering::Relaxed)
    }
}
