//! The addresses of a relay's name: each is tried, in order, a new one a moment after the last (RFC 8305), each with a
//! limit of its own (RFC 5321 §5.1). One that failed lately is tried last.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::dial::{Connection, Dialler};
use super::error::Cause;
use super::reach::Reach;

/// Most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;
/// The wait for an address before the next is tried beside it (RFC 8305 §5).
const STAGGER: Duration = Duration::from_millis(250);
/// How long an address that failed is tried last.
const FAILED_FOR: Duration = Duration::from_mins(10);

/// Addresses that failed lately; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct FailedAddresses(Arc<Mutex<HashMap<SocketAddr, Instant>>>);

impl FailedAddresses {
    fn failed(&self) -> MutexGuard<'_, HashMap<SocketAddr, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that an address failed, or that a later one was faster by more than its start.
    pub(super) fn note(&self, address: SocketAddr) {
        let now = Instant::now();
        let mut failed = self.failed();
        failed.retain(|_, at| now.duration_since(*at) < FAILED_FOR);
        failed.insert(address, now);
    }

    /// Notes that an address serves.
    pub(super) fn forget(&self, address: SocketAddr) {
        self.failed().remove(&address);
    }

    fn has(&self, address: SocketAddr) -> bool {
        let failed = self.failed();
        failed.get(&address).is_some_and(|at| at.elapsed() < FAILED_FOR)
    }
}

/// The addresses that are left to try.
#[derive(Debug)]
pub struct Addresses {
    left: VecDeque<SocketAddr>,
    failed: FailedAddresses,
    forbidden: Option<Cause>,
}

type Trying = Pin<Box<dyn Future<Output = Result<Connection, Cause>> + Send>>;

impl Addresses {
    /// Takes addresses in the order in which they are to be tried.
    #[must_use]
    pub fn new(found: Vec<SocketAddr>) -> Self {
        Self::remembering(found, FailedAddresses::default())
    }

    /// Takes addresses, those that failed lately behind the others.
    pub(super) fn remembering(found: Vec<SocketAddr>, failed: FailedAddresses) -> Self {
        let (last, first): (Vec<_>, Vec<_>) = interleaved(found).into_iter().partition(|&at| failed.has(at));
        Self {
            left: first.into_iter().chain(last).take(ADDRESSES_MAX).collect(),
            failed,
            forbidden: None,
        }
    }

    /// Tells whether none is left to try.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Connects to the first of them that may be connected to and answers within `limit`; the others are left for the
    /// next call, so that a relay that refuses at one address can be asked at another.
    ///
    /// # Errors
    /// The last fault: one of the relay's before [`Cause::Forbidden`], which somebody has to allow, and that before one of
    /// this machine's, which may pass by itself.
    pub async fn connect(
        &mut self,
        dial: &Dialler,
        reach: &Reach,
        limit: Duration,
    ) -> Result<(Connection, SocketAddr), Cause> {
        let mut fault: Option<Cause> = None;
        let mut under_way: Vec<(SocketAddr, Trying)> = Vec::new();
        loop {
            if under_way.is_empty() && !self.start(dial, reach, limit, &mut under_way) {
                let none = || Cause::Io(io::ErrorKind::AddrNotAvailable.into());
                let forbidden = self.forbidden.take();
                let is_local = fault.as_ref().is_some_and(|fault| fault.local_fault().is_some());
                let last = if is_local {
                    forbidden.or(fault)
                } else {
                    fault.or(forbidden)
                };
                return Err(last.unwrap_or_else(none));
            }
            let ended = tokio::select! {
                biased;
                ended = first_of(&mut under_way) => ended,
                () = sleep(STAGGER), if !self.left.is_empty() => {
                    self.start(dial, reach, limit, &mut under_way);
                    continue;
                }
            };
            match ended {
                (place, at, Ok(connection)) => {
                    for (earlier, &(other, _)) in under_way.iter().enumerate() {
                        // It was asked before this one and has not answered yet.
                        if earlier < place {
                            self.failed.note(other);
                        }
                        self.left.push_back(other);
                    }
                    return Ok((connection, at));
                }
                (_, at, Err(cause)) => {
                    if cause.local_fault().is_none() {
                        self.failed.note(at);
                    }
                    let local = cause.local_fault().is_some();
                    if fault
                        .as_ref()
                        .is_none_or(|kept| !local || kept.local_fault().is_some())
                    {
                        fault = Some(cause);
                    }
                    self.start(dial, reach, limit, &mut under_way);
                }
            }
        }
    }

    /// Starts to connect to the next address that may be connected to; says whether there was one.
    fn start(
        &mut self,
        dial: &Dialler,
        reach: &Reach,
        limit: Duration,
        under_way: &mut Vec<(SocketAddr, Trying)>,
    ) -> bool {
        while let Some(address) = self.left.pop_front() {
            if let Err(why) = reach.check(address.ip()) {
                self.forbidden = Some(Cause::Forbidden {
                    address: address.ip(),
                    why,
                });
                continue;
            }
            let dial = dial.clone();
            let trying = async move {
                let tried = timeout(limit, dial.connect(address)).await;
                tried.map_or(Err(Cause::Timeout(limit)), |done| done.map_err(Cause::Io))
            };
            under_way.push((address, Box::pin(trying)));
            return true;
        }
        false
    }
}

/// Waits for the first to end, takes it out, and says where it stood.
async fn first_of(
    under_way: &mut Vec<(SocketAddr, Trying)>,
) -> (usize, SocketAddr, Result<Connection, Cause>) {
    poll_fn(|cx| {
        let mut ended = None;
        for (place, (_, trying)) in under_way.iter_mut().enumerate() {
            if let Poll::Ready(result) = trying.as_mut().poll(cx) {
                ended = Some((place, result));
                break;
            }
        }
        match ended {
            Some((place, result)) => {
                let (address, _) = under_way.remove(place);
                Poll::Ready((place, address, result))
            }
            None => Poll::Pending,
        }
    })
    .await
}

/// The two families by turns, beginning with the first address's (RFC 8305 §4).
fn interleaved(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_v4 = |address: &SocketAddr| matches!(address.ip(), IpAddr::V4(_));
    let first = found.first().is_some_and(is_v4);
    let (one, other): (VecDeque<_>, VecDeque<_>) = found.into_iter().partition(|at| is_v4(at) == first);
    let mut turns = [one, other];
    let mut order = Vec::new();
    while !(turns.iter().all(VecDeque::is_empty)) {
        order.extend(turns.iter_mut().filter_map(VecDeque::pop_front));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::super::dial::{Dial, DialFuture};
    use super::*;

    /// What an address does.
    #[derive(Debug, Clone, Copy)]
    enum Does {
        Answer,
        Refuse,
        Drop,
        /// This machine has no network that leads there (ENETUNREACH).
        HaveNoRoute,
    }

    #[derive(Debug)]
    struct Scripted {
        does: Vec<(SocketAddr, Does)>,
        asked: Arc<Mutex<Vec<SocketAddr>>>,
    }

    impl Dial for Scripted {
        fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> DialFuture<'a, Vec<SocketAddr>> {
            let found = self.does.iter().map(|(at, _)| *at).collect();
            Box::pin(async move { Ok(found) })
        }

        fn connect(&self, address: SocketAddr) -> DialFuture<'_, Connection> {
            self.asked.lock().unwrap().push(address);
            let does = self
                .does
                .iter()
                .find(|(at, _)| *at == address)
                .map(|(_, does)| *does);
            Box::pin(async move {
                match does {
                    Some(Does::Answer) => Ok(Box::new(tokio::io::duplex(64).0) as Connection),
                    Some(Does::Refuse) | None => Err(io::ErrorKind::ConnectionRefused.into()),
                    Some(Does::Drop) => std::future::pending().await,
                    Some(Does::HaveNoRoute) => Err(io::Error::from_raw_os_error(101)),
                }
            })
        }
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn scripted(does: &[(&str, Does)]) -> (Dialler, Vec<SocketAddr>, Arc<Mutex<Vec<SocketAddr>>>) {
        let does: Vec<_> = does.iter().map(|(text, does)| (at(text), *does)).collect();
        let found = does.iter().map(|(at, _)| *at).collect();
        let asked = Arc::default();
        let dial = Dialler::new(Arc::new(Scripted {
            does,
            asked: Arc::clone(&asked),
        }));
        (dial, found, asked)
    }

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn address_that_drops_everything_is_passed_by_after_a_moment() {
        let (dial, found, _) = scripted(&[("192.0.2.1:25", Does::Drop), ("192.0.2.2:25", Does::Answer)]);
        let failed = FailedAddresses::default();
        let began = Instant::now();
        let mut addresses = Addresses::remembering(found.clone(), failed.clone());
        let (_, peer) = addresses.connect(&dial, &Reach::default(), LIMIT).await.unwrap();
        assert_eq!((peer, began.elapsed()), (found[1], STAGGER));
        // The next time it is tried last, until a while has passed.
        assert_eq!(
            Addresses::remembering(found.clone(), failed.clone()).left,
            [found[1], found[0]]
        );
        tokio::time::advance(FAILED_FOR).await;
        assert_eq!(Addresses::remembering(found.clone(), failed).left, found);
    }

    #[tokio::test(start_paused = true)]
    async fn address_that_refuses_is_followed_by_the_next_at_once() {
        let (dial, found, _) = scripted(&[
            ("192.0.2.1:25", Does::Refuse),
            ("192.0.2.2:25", Does::Refuse),
            ("192.0.2.3:25", Does::Answer),
        ]);
        let began = Instant::now();
        let mut addresses = Addresses::new(found.clone());
        let (_, peer) = addresses.connect(&dial, &Reach::default(), LIMIT).await.unwrap();
        assert_eq!((peer, began.elapsed()), (found[2], Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn each_address_has_a_limit_of_its_own() {
        let (dial, found, asked) = scripted(&[("192.0.2.1:25", Does::Drop), ("192.0.2.2:25", Does::Drop)]);
        let began = Instant::now();
        let mut addresses = Addresses::new(found);
        let fault = addresses
            .connect(&dial, &Reach::default(), LIMIT)
            .await
            .unwrap_err();
        assert!(matches!(fault, Cause::Timeout(limit) if limit == LIMIT));
        assert_eq!(began.elapsed(), LIMIT + STAGGER);
        assert_eq!(asked.lock().unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn each_address_is_guarded_and_those_forbidden_are_not_touched() {
        let (dial, found, asked) =
            scripted(&[("192.0.2.1:25", Does::Answer), ("192.0.2.2:25", Does::Answer)]);
        let reach = Reach::guarded(|address| match address {
            IpAddr::V4(v4) if v4.octets()[3] == 1 => Err("not that one".to_owned()),
            IpAddr::V4(_) | IpAddr::V6(_) => Ok(()),
        });
        let mut addresses = Addresses::new(found.clone());
        let (_, peer) = addresses.connect(&dial, &reach, LIMIT).await.unwrap();
        assert_eq!(peer, found[1]);
        let none = addresses.connect(&dial, &reach, LIMIT).await.unwrap_err();
        assert!(matches!(none, Cause::Forbidden { .. }));
        assert_eq!(*asked.lock().unwrap(), [found[1]]);
    }

    #[tokio::test(start_paused = true)]
    async fn refusal_counts_before_a_network_that_this_machine_lacks_and_behind_the_relays_own_fault() {
        let reach = Reach::guarded(|address| match address {
            IpAddr::V4(_) => Err("it is private".to_owned()),
            IpAddr::V6(_) => Ok(()),
        });
        let (dial, found, _) = scripted(&[
            ("[2001:db8::1]:25", Does::HaveNoRoute),
            ("10.1.2.3:25", Does::Answer),
        ]);
        let mut addresses = Addresses::new(found);
        let fault = addresses.connect(&dial, &reach, LIMIT).await.unwrap_err();
        assert!(matches!(fault, Cause::Forbidden { .. }), "{fault}");
        let (dial, found, _) = scripted(&[("[2001:db8::1]:25", Does::Refuse), ("10.1.2.3:25", Does::Answer)]);
        let mut addresses = Addresses::new(found);
        let fault = addresses.connect(&dial, &reach, LIMIT).await.unwrap_err();
        assert_eq!(fault.local_fault(), None, "{fault}");
    }

    #[test]
    fn families_take_turns() {
        let order = interleaved(
            ["[::1]:25", "[::2]:25", "192.0.2.1:25", "[::3]:25"]
                .map(at)
                .to_vec(),
        );
        assert_eq!(
            order,
            ["[::1]:25", "192.0.2.1:25", "[::2]:25", "[::3]:25"].map(at)
        );
    }
}
