//! Where people signed in from.

use std::net::IpAddr;

use postroom_domain::{Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::StoreError;
use crate::contract::{SOURCE_LASTS, SOURCES_MAX, SignInSource};

/// When somebody was last noted at a source.
pub(super) fn seen(
    conn: &Connection,
    user: UserId,
    source: SignInSource,
) -> rusqlite::Result<Option<Timestamp>> {
    conn.prepare_cached("SELECT seen_at FROM known_source WHERE user = ?1 AND source = ?2")?
        .query_row(params![user.0, octets(source)], |row| {
            row.get(0).map(Timestamp::from_micros)
        })
        .optional()
}

/// Octets of a device's hash; a network's address has fewer.
const DEVICE_OCTETS: i64 = 32;

/// Notes that somebody signed in at sources, and forgets the oldest of each kind that is too much.
pub(super) fn note(
    conn: &Connection,
    user: UserId,
    sources: &[SignInSource],
    at: Timestamp,
) -> Result<(), StoreError> {
    for source in sources {
        conn.prepare_cached(
            "INSERT INTO known_source (user, source, seen_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (user, source) DO UPDATE SET seen_at = excluded.seen_at",
        )?
        .execute(params![user.0, octets(*source), at.as_micros()])?;
    }
    for is_device in [0, 1] {
        conn.prepare_cached(
            "DELETE FROM known_source WHERE user = ?1 AND source IN
                (SELECT source FROM known_source WHERE user = ?1 AND (length(source) = ?2) = ?3
                 ORDER BY seen_at DESC LIMIT -1 OFFSET ?4)",
        )?
        .execute(params![user.0, DEVICE_OCTETS, is_device, SOURCES_MAX])?;
    }
    Ok(())
}

/// Forgets at most `most` sources that nobody signed in from for long.
pub(super) fn forget(conn: &Connection, now: Timestamp, most: i64) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "DELETE FROM known_source WHERE (user, source) IN
            (SELECT user, source FROM known_source WHERE seen_at < ?1 ORDER BY seen_at LIMIT ?2)",
    )?
    .execute(params![now.minus(SOURCE_LASTS).as_micros(), most])
}

fn octets(source: SignInSource) -> Vec<u8> {
    match source {
        SignInSource::Device(hash) => hash.0.to_vec(),
        SignInSource::Network(IpAddr::V4(network)) => network.octets().to_vec(),
        SignInSource::Network(IpAddr::V6(network)) => network.octets().to_vec(),
    }
}
