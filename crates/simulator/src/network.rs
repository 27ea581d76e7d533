//! Names, addresses and connections of the relays.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postroom_smtp::client::{Connection, Dial, DialFuture};
use tokio::time::sleep;

use crate::clock::SimClock;
use crate::pipe::pipe;
use crate::relay::{Bad, Relay};
use crate::script::Conversation;

/// "Too many open files".
const NO_DESCRIPTORS: i32 = 24;

/// What a process sees of the network.
#[derive(Debug)]
pub(crate) struct Network {
    relays: Vec<Relay>,
    clock: Arc<SimClock>,
    no_descriptors: Arc<AtomicBool>,
    /// Refusals for want of a descriptor.
    refused: Mutex<u64>,
}

impl Network {
    pub(crate) fn new(relays: Vec<Relay>, clock: Arc<SimClock>, no_descriptors: Arc<AtomicBool>) -> Self {
        Self {
            relays,
            clock,
            no_descriptors,
            refused: Mutex::new(0),
        }
    }

    /// The name of a relay's host.
    pub(crate) fn host(relay: usize) -> String {
        format!("r{relay}.sim.example")
    }

    pub(crate) fn refused(&self) -> u64 {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn dial(&self, address: SocketAddr) -> io::Result<Connection> {
        let IpAddr::V4(ip) = address.ip() else {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        };
        let [_, _, relay, place] = ip.octets();
        let relay = self
            .relays
            .get(usize::from(relay))
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        if self.no_descriptors.load(Ordering::Relaxed) {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            return Err(io::Error::from_raw_os_error(NO_DESCRIPTORS));
        }
        let now = Some(self.clock.elapsed());
        (relay.state().dialled, relay.state().heard) = (now, now);
        let latency = Duration::from_millis(relay.state().setup.latency_ms);
        sleep(latency * 2).await;
        let (bad, dead) = {
            let state = relay.state();
            (state.ways.bad, state.ways.dead_address == Some(place))
        };
        if dead || matches!(bad, Bad::Unreachable | Bad::Dark) {
            relay.state().refused("no answer to a connection");
            std::future::pending::<()>().await;
        }
        if bad == Bad::Refuses {
            relay.state().refused("connection refused");
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (ours, theirs, link) = pipe(latency);
        let connection = relay.state().connect(link);
        let conversation =
            Conversation::new(relay.clone(), Arc::clone(&self.clock), connection, place, theirs);
        tokio::spawn(conversation.run());
        Ok(Box::new(ours))
    }
}

impl Dial for Network {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> DialFuture<'a, Vec<SocketAddr>> {
        Box::pin(async move {
            let found = (0..self.relays.len()).find(|&relay| Self::host(relay) == host);
            let place = found.and_then(|found| u8::try_from(found).ok());
            let (Some(place), Some(relay)) = (place, found.and_then(|found| self.relays.get(found))) else {
                return Err(io::ErrorKind::NotFound.into());
            };
            let addresses = relay.state().setup.addresses;
            let address = |n| SocketAddr::from((Ipv4Addr::new(10, 0, place, n), port));
            Ok((0..addresses).map(address).collect())
        })
    }

    fn connect(&self, address: SocketAddr) -> DialFuture<'_, Connection> {
        Box::pin(self.dial(address))
    }
}
