//! Which connections a listener takes: so many in all and from each block of addresses, and who makes room for a newcomer.
//!
//! Nobody is known when they connect, so every newcomer is a stranger until they have signed in. Strangers have a share of
//! the places, those of one address or network a smaller one. Where a newcomer finds a share used up, one connection of that
//! share is closed for it, the first of:
//!
//! | order | connection | longest |
//! | --- | --- | --- |
//! | 1 | stranger, idle | idle |
//! | 2 | stranger, opening or with a request under way | opening or under way |
//! | 3 | signed in, idle; only where all places of the share are taken | idle |
//!
//! A stranger is opening until its first request has ended: it takes a while until a newcomer has said what it wants, and
//! one that has requests under way that never end must not be ahead of it. Strangers who are not idle go by age alone.
//!
//! So a silent connection keeps nobody out, and strangers never take the places of those who work. A newcomer
//! is refused only where every place of its share belongs to somebody signed in who is busy.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether it is known who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionClass {
    /// Nobody knows.
    Stranger,
    /// Somebody who has signed in, or a machine that the operator trusts.
    SignedIn,
}

impl ConnectionClass {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stranger, Self::SignedIn];

    /// Names the class for a metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::SignedIn => "signed_in",
        }
    }
}

/// Whether something is under way on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    /// Nothing is.
    Idle,
    /// A request is, or mail; or a stranger has just come and has not said yet what it wants.
    Busy,
}

/// Most connections of a share of the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionShare {
    /// In all.
    pub connections_max: usize,
    /// Strangers among them.
    pub strangers_max: usize,
}

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Of one address: of an IPv4 address, or of an IPv6 /64, which one client usually owns.
    pub address: ConnectionShare,
    /// Of the network around it: an IPv4 /24 or an IPv6 /48.
    pub network: ConnectionShare,
    /// In all.
    pub total: ConnectionShare,
}

impl ConnectionLimits {
    /// The usual shares of `connections_max` places: half of them for one address and a quarter for its strangers, three
    /// quarters for one network and half for its strangers, three quarters for all strangers.
    #[must_use]
    pub const fn of(connections_max: usize) -> Self {
        const fn quarters(n: usize, of: usize) -> usize {
            let share = of / 4 * n + of % 4 * n / 4;
            if share == 0 { 1 } else { share }
        }
        let all = if connections_max == 0 { 1 } else { connections_max };
        Self {
            address: ConnectionShare {
                connections_max: quarters(2, all),
                strangers_max: quarters(1, all),
            },
            network: ConnectionShare {
                connections_max: quarters(3, all),
                strangers_max: quarters(2, all),
            },
            total: ConnectionShare {
                connections_max: all,
                strangers_max: quarters(3, all),
            },
        }
    }

    const fn share(&self, group: Group) -> ConnectionShare {
        match group {
            Group::Address(_) => self.address,
            Group::Network(_) => self.network,
            Group::All => self.total,
        }
    }
}

/// Why there is no place: every one is taken by somebody signed in who is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionsFull {
    /// Of those for one address.
    Address,
    /// Of those for one network.
    Network,
    /// Of all.
    Total,
}

impl ConnectionsFull {
    /// Names the limit for a metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Network => "network",
            Self::Total => "total",
        }
    }
}

/// Names a connection of a [`ConnectionTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

/// A newcomer that was let in.
#[derive(Debug)]
pub struct Entered<T> {
    /// Its name.
    pub id: ConnectionId,
    /// What was kept with the connections that have to be closed for it: at most three, mostly none or one. The table has
    /// forgotten them already.
    pub evicted: Vec<T>,
}

/// The open connections of a listener, each with a value that its owner wants back when it must be closed.
#[derive(Debug)]
pub struct ConnectionTable<T> {
    limits: ConnectionLimits,
    /// Counts what happens, which gives connections names and an order.
    count: u64,
    open: HashMap<ConnectionId, Entry<T>>,
    /// Those that have connections.
    groups: HashMap<Group, Members>,
}

#[derive(Debug)]
struct Entry<T> {
    rank: Rank,
    blocks: Blocks,
    value: T,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    class: ConnectionClass,
    activity: Activity,
    since: u64,
}

/// What a connection counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Group {
    Address(IpAddr),
    Network(IpAddr),
    All,
}

/// The first addresses of the blocks that a connection comes from; `None` where its address says nothing.
#[derive(Debug, Clone, Copy)]
struct Blocks(Option<(IpAddr, IpAddr)>);

impl Blocks {
    fn of(from: Option<IpAddr>) -> Self {
        Self(from.map(|address| match address.to_canonical() {
            IpAddr::V4(address) => {
                let network = Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8));
                (address.into(), network.into())
            }
            IpAddr::V6(address) => {
                let block =
                    |host_bits: u32| Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << host_bits));
                (block(64).into(), block(80).into())
            }
        }))
    }

    /// The groups, the smallest first.
    fn groups(self) -> impl Iterator<Item = Group> {
        let blocks = self
            .0
            .map(|(address, network)| [Group::Address(address), Group::Network(network)]);
        blocks.into_iter().flatten().chain([Group::All])
    }
}

/// The connections of a group.
#[derive(Debug, Default)]
struct Members {
    /// The first to make room first.
    order: BTreeMap<Rank, ConnectionId>,
    strangers: usize,
}

impl Members {
    fn insert(&mut self, rank: Rank, id: ConnectionId) {
        let is_new = self.order.insert(rank, id).is_none();
        if is_new && rank.class == ConnectionClass::Stranger {
            self.strangers += 1;
        }
    }

    fn remove(&mut self, rank: Rank) {
        let was_there = self.order.remove(&rank).is_some();
        if was_there && rank.class == ConnectionClass::Stranger {
            self.strangers -= 1;
        }
    }
}

impl<T> ConnectionTable<T> {
    /// Makes an empty one.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            count: 0,
            open: HashMap::new(),
            groups: HashMap::new(),
        }
    }

    /// Lets a newcomer in, for whom others may have to be closed: a stranger is busy with opening, who is known is idle.
    /// `from` is `None` where the address says nothing about who connects, as behind a proxy: then the places in all count
    /// alone.
    ///
    /// # Errors
    /// The share in which nobody can make room; nobody has been closed then.
    pub fn enter(
        &mut self,
        from: Option<IpAddr>,
        class: ConnectionClass,
        value: T,
    ) -> Result<Entered<T>, ConnectionsFull> {
        let blocks = Blocks::of(from);
        let mut evicted = Vec::new();
        // One that makes room in a smaller share makes it in the larger ones, too: so only the first share that is used up
        // can refuse.
        for group in blocks.groups() {
            let Some(keepers) = self.keepers(group, class) else {
                continue;
            };
            let Some(victim) = self.first_of(group).filter(|(rank, _)| *rank < keepers) else {
                return Err(match group {
                    Group::Address(_) => ConnectionsFull::Address,
                    Group::Network(_) => ConnectionsFull::Network,
                    Group::All => ConnectionsFull::Total,
                });
            };
            evicted.extend(self.leave(victim.1));
        }
        let id = ConnectionId(self.next());
        let rank = Rank {
            class,
            activity: match class {
                ConnectionClass::Stranger => Activity::Busy,
                ConnectionClass::SignedIn => Activity::Idle,
            },
            since: id.0,
        };
        for group in blocks.groups() {
            self.groups.entry(group).or_default().insert(rank, id);
        }
        self.open.insert(id, Entry { rank, blocks, value });
        Ok(Entered { id, evicted })
    }

    /// Forgets a connection that has ended; returns what was kept with it, `None` if it was forgotten before.
    pub fn leave(&mut self, id: ConnectionId) -> Option<T> {
        let Entry { rank, blocks, value } = self.open.remove(&id)?;
        for group in blocks.groups() {
            if let Some(members) = self.groups.get_mut(&group) {
                members.remove(rank);
                if members.order.is_empty() {
                    self.groups.remove(&group);
                }
            }
        }
        Some(value)
    }

    /// Notes who is at the other end: it counts as signed in until it ends.
    pub fn signed_in(&mut self, id: ConnectionId) {
        if let Some(rank) = self.open.get(&id).map(|entry| entry.rank)
            && rank.class == ConnectionClass::Stranger
        {
            self.move_to(id, ConnectionClass::SignedIn, rank.activity);
        }
    }

    /// Notes that something has begun on a connection, or that nothing is under way any more.
    pub fn set_activity(&mut self, id: ConnectionId, activity: Activity) {
        if let Some(rank) = self.open.get(&id).map(|entry| entry.rank)
            && rank.activity != activity
        {
            self.move_to(id, rank.class, activity);
        }
    }

    /// Counts the open connections of a class.
    #[must_use]
    pub fn count(&self, class: ConnectionClass) -> usize {
        let (strangers, all) = self.counts(Group::All);
        match class {
            ConnectionClass::Stranger => strangers,
            ConnectionClass::SignedIn => all - strangers,
        }
    }

    /// Most connections in all.
    #[must_use]
    pub const fn limits(&self) -> ConnectionLimits {
        self.limits
    }

    const fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn move_to(&mut self, id: ConnectionId, class: ConnectionClass, activity: Activity) {
        let since = self.next();
        let Some(entry) = self.open.get_mut(&id) else {
            return;
        };
        let before = entry.rank;
        let after = Rank {
            class,
            activity,
            since,
        };
        entry.rank = after;
        for group in entry.blocks.groups() {
            let members = self.groups.entry(group).or_default();
            members.remove(before);
            members.insert(after, id);
        }
    }

    /// The first rank that needs not make room for a newcomer, where a share is used up.
    fn keepers(&self, group: Group, newcomer: ConnectionClass) -> Option<Rank> {
        let (strangers, all) = self.counts(group);
        let share = self.limits.share(group);
        let rank = |activity| Rank {
            class: ConnectionClass::SignedIn,
            activity,
            since: 0,
        };
        if all >= share.connections_max {
            Some(rank(Activity::Busy))
        } else if newcomer == ConnectionClass::Stranger && strangers >= share.strangers_max {
            Some(rank(Activity::Idle))
        } else {
            None
        }
    }

    fn first_of(&self, group: Group) -> Option<(Rank, ConnectionId)> {
        let (rank, id) = self.groups.get(&group)?.order.first_key_value()?;
        Some((*rank, *id))
    }

    /// The strangers of a group, and all of it.
    fn counts(&self, group: Group) -> (usize, usize) {
        let members = self.groups.get(&group);
        members.map_or((0, 0), |members| (members.strangers, members.order.len()))
    }
}

#[cfg(test)]
mod tests;
