//! As whom somebody may send (SPEC I5), in the intake's words.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use postroom_domain::{Address, AddressError, Clock, OfficeId, RouteId, Timestamp, UserId};
use postroom_engine::intake::{self, Identity, KindRights, SenderRights, folded};
use postroom_store::{Proxy, ProxyLevel, Store, StoreError, User};

use crate::directory::Directory;
use crate::own_address::{AddressBar, ReservedAddresses};
use crate::principal::{Key, Principal, Who};

/// How long a new user's address or an office's new relay may go unseen.
const FRESH: Duration = Duration::from_secs(5);

/// What is known of the people of the server.
#[derive(Debug, Default)]
struct Snapshot {
    users: Vec<(Address, User)>,
    /// Whose stored address is none: they neither send nor get mail of Postroom.
    unusable: HashSet<UserId>,
    addresses: HashSet<Box<str>>,
    /// Who may not send from their own address.
    barred: HashMap<UserId, AddressBar>,
    directory: Directory,
    proxies: Vec<Proxy>,
    read_at: Option<Timestamp>,
    sending_locally: Vec<OfficeId>,
    until: Option<Timestamp>,
    /// What was made from this snapshot already, by credential: a busy key costs no walk over all users a request.
    made: Mutex<HashMap<String, intake::Principal>>,
}

/// Most principals that a snapshot remembers.
const MOST_MADE: usize = 4_096;

/// Knows as whom each principal may send, and which addresses are users of this server.
pub struct Senders {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    known: ArcSwap<Snapshot>,
    reserved: ArcSwap<ReservedAddresses>,
    reading: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Senders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Senders").finish_non_exhaustive()
    }
}

impl Senders {
    /// Reads from `store`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            known: ArcSwap::default(),
            reserved: ArcSwap::default(),
            reading: tokio::sync::Mutex::new(()),
        }
    }

    /// Reserves other addresses from the next [`Self::refresh`] on: no person sends from one.
    pub fn reserve(&self, addresses: ReservedAddresses) {
        self.reserved.store(Arc::new(addresses));
    }

    /// The addresses that no person has or sends from.
    pub fn reserved(&self) -> Arc<ReservedAddresses> {
        self.reserved.load_full()
    }

    /// The intake's principal: its submitter, the addresses it may send as, and the kinds of mail it may post.
    ///
    /// A person may send as themself and as those they proxy for with `manage`; a person's key as that person; an office's
    /// key with `send` or `post_notifications` as anybody of its office; the operator as anybody.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn principal(&self, principal: &Principal) -> Result<intake::Principal, StoreError> {
        let known = self.known().await?;
        let credential = principal.credential();
        if let Some(made) = known.remembered(&credential) {
            return Ok(made);
        }
        let (rights, kinds) = match &principal.who {
            Who::Operator => {
                let rights = SenderRights::new("the operator may send as any user of the server");
                (
                    known.rights(rights, |_| true),
                    KindRights::UserMailAndCrmNotifications,
                )
            }
            Who::Person(person) => {
                let rights = SenderRights::new(
                    "people send from the address of their own account, and as those whose assistant they are with a manage proxy",
                );
                (known.rights_of_person(rights, &person.user), KindRights::UserMail)
            }
            Who::Key(key) => (known.rights_of_key(key), kinds_of_key(key)),
        };
        let made = intake::Principal {
            submitted_by: principal.submitter(),
            rights: Arc::new(rights.with_local_offices(known.sending_locally.iter().copied())),
            kinds,
        };
        known.remember(credential, &made);
        Ok(made)
    }

    /// Whether an office sends its form letters from its own mail program (I7).
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sends_locally(&self, office: OfficeId) -> Result<bool, StoreError> {
        Ok(self.known().await?.sending_locally.contains(&office))
    }

    /// The people of an office who may sign in, in no order.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn colleagues(&self, office: OfficeId) -> Result<Vec<User>, StoreError> {
        let known = self.known().await?;
        let users = known.users.iter().map(|(_, user)| user);
        Ok(users.filter(|user| user.office == office).cloned().collect())
    }

    /// Reads people anew, at the latest when what is known is a few seconds old.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let users = self.store.users().await?;
        let directory = Directory::new(self.store.offices().await?);
        let proxies = self.store.proxies(None).await?;
        let sending_locally = self.store.offices_sending_locally().await?;
        let barred = self.reserved.load().barred(&users, &directory);
        let barred = barred.into_iter().map(|one| (one.user, one.bar)).collect();
        let warned = self.known.load();
        let mut unusable = HashSet::new();
        let mut parsed = Vec::with_capacity(users.len());
        for user in users.into_iter().filter(|user| !user.disabled) {
            match user.email.parse::<Address>() {
                Ok(address) => parsed.push((address, user)),
                Err(error) => {
                    if !warned.unusable.contains(&user.id) {
                        warn_of_address(user.id, &error);
                    }
                    unusable.insert(user.id);
                }
            }
        }
        let users = parsed;
        let addresses = users.iter().map(|(address, _)| folded(address)).collect();
        let now = self.clock.now();
        // A proxy that begins or ends by its date changes the rights by itself.
        let moments = proxies
            .iter()
            .flat_map(|proxy| [proxy.terms.from, proxy.terms.until])
            .flatten();
        let life = moments
            .filter(|moment| *moment > now)
            .fold(FRESH, |life, moment| life.min(moment.since(now)));
        let until = self.clock.steady().plus(life);
        self.known.store(Arc::new(Snapshot {
            users,
            unusable,
            addresses,
            barred,
            directory,
            proxies,
            read_at: Some(now),
            until: Some(until),
            sending_locally,
            made: Mutex::default(),
        }));
        Ok(())
    }

    async fn known(&self) -> Result<Arc<Snapshot>, StoreError> {
        let fresh = |known: &Snapshot| known.until.is_some_and(|until| until > self.clock.steady());
        let known = self.known.load_full();
        if fresh(&known) {
            return Ok(known);
        }
        let _one = self.reading.lock().await;
        if !fresh(&self.known.load()) {
            self.refresh().await?;
        }
        Ok(self.known.load_full())
    }
}

impl intake::Directory for Senders {
    fn is_user(&self, address: &Address) -> bool {
        self.known.load().addresses.contains(&folded(address))
    }
}

impl Snapshot {
    fn remembered(&self, credential: &str) -> Option<intake::Principal> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(credential).cloned()
    }

    fn remember(&self, credential: String, principal: &intake::Principal) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() < MOST_MADE {
            made.insert(credential, principal.clone());
        }
    }

    fn rights(&self, rights: SenderRights, may: impl Fn(&User) -> bool) -> SenderRights {
        self.users
            .iter()
            .filter(|(_, user)| may(user))
            .fold(rights, |rights, (address, user)| {
                if let Some(bar) = self.barred.get(&user.id) {
                    let reason = format!("{bar}: an administrator can change the address");
                    return rights.without(address, reason);
                }
                let identity = Identity {
                    user: user.id,
                    office: user.office,
                    route: self.route(user.office),
                };
                rights.with(address, identity)
            })
    }

    /// A person sends as themself and as those they proxy for with `manage` (I5).
    fn rights_of_person(&self, rights: SenderRights, person: &User) -> SenderRights {
        let now = self.read_at.unwrap_or(Timestamp::from_micros(0));
        let principals: HashSet<_> = self
            .directory
            .proxies_that_count(person, &self.proxies, now)
            .filter(|proxy| proxy.terms.level == ProxyLevel::Manage)
            .map(|proxy| proxy.principal)
            .collect();
        self.rights(rights, |user| {
            user.id == person.id || principals.contains(&user.id)
        })
    }

    fn rights_of_key(&self, key: &Key) -> SenderRights {
        match &key.user {
            Some(owner) => {
                let rights = SenderRights::new(
                    "this API key stands for one person and sends as that person, and as those whose assistant that person is with a manage proxy",
                );
                self.rights_of_person(rights, owner)
            }
            None if has(key, "send") => {
                let rights = SenderRights::new("this API key sends as the people of its office");
                self.rights(rights, |user| user.office == key.office.id)
            }
            None if has(key, "post_notifications") => {
                let rights =
                    SenderRights::new("this API key posts notifications as the people of its office");
                self.rights(rights, |user| user.office == key.office.id)
            }
            None => SenderRights::new("this API key was not given the scope \"send\""),
        }
    }

    fn route(&self, office: OfficeId) -> RouteId {
        self.directory
            .office(office)
            .map_or(RouteId::SERVER, |office| office.route)
    }
}

/// Says once who is left out of those who send; the address itself is not logged.
fn warn_of_address(user: UserId, error: &AddressError) {
    tracing::warn!(
        user.id = %user,
        reason = %error.problem,
        "a person's stored address cannot be used: they neither send nor get mail until it is changed"
    );
}

fn kinds_of_key(key: &Key) -> KindRights {
    let sends = key.user.is_some() || has(key, "send");
    match (sends, has(key, "post_notifications")) {
        (_, false) => KindRights::UserMail,
        (false, true) => KindRights::CrmNotifications,
        (true, true) => KindRights::UserMailAndCrmNotifications,
    }
}

fn has(key: &Key, scope: &str) -> bool {
    key.scopes.iter().any(|s| s == scope)
}
