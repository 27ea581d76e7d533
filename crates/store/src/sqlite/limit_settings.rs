//! The limits that are set: by people, by the configuration file, by nobody.

use jiff::tz::TimeZone;
use postroom_domain::{DayRule, Timestamp};
use rusqlite::{Connection, params};

use super::audit;
use super::group::Group;
use super::limits::SYSTEM;
use crate::StoreError;
use crate::contract::{
    AuditAction, AuditEntry, AuditNote, ConfiguredLimits, LimitKey, LimitsNow, LimitsSet, SetLimits,
};

/// The limits that count.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) system: u64,
    pub(crate) user: u64,
    pub(crate) zone: String,
    pub(crate) rule: DayRule,
    pub(crate) pinned: Vec<LimitKey>,
    pub(crate) version: i64,
}

impl Settings {
    /// Reads them from the file.
    pub(crate) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let number = |n: Option<i64>| n.map(|n| u64::try_from(n).unwrap_or(0));
        let (version, set, pinned, zones, user_default) = conn.query_row(
            "SELECT version, system, user, pinned_system, pinned_user, zone, pinned_zone, server_zone,
                user_default FROM limit_setting",
            [],
            |row| {
                Ok((
                    row.get(0)?,
                    [number(row.get(1)?), number(row.get(2)?)],
                    [number(row.get(3)?), number(row.get(4)?)],
                    (
                        row.get::<_, Option<String>>(5)?,
                        row.get::<_, Option<String>>(6)?,
                        row.get::<_, String>(7)?,
                    ),
                    number(row.get(8)?),
                ))
            },
        )?;
        let keys = [
            (pinned[0].is_some(), LimitKey::System),
            (pinned[1].is_some(), LimitKey::User),
            (zones.1.is_some(), LimitKey::TimeZone),
        ];
        let zone = zones.1.or(zones.0).unwrap_or(zones.2);
        Ok(Self {
            system: pinned[0].or(set[0]).unwrap_or(0),
            user: pinned[1].or(set[1]).or(user_default).unwrap_or(0),
            rule: rule(&zone)?,
            zone,
            pinned: keys
                .into_iter()
                .filter(|(is, _)| *is)
                .map(|(_, key)| key)
                .collect(),
            version,
        })
    }
}

/// The days of a zone.
fn rule(zone: &str) -> Result<DayRule, StoreError> {
    TimeZone::get(zone)
        .map(DayRule::new)
        .map_err(|_| StoreError::Corrupt(format!("limits.time_zone: there is no time zone {zone:?}")))
}

/// The limits as they count.
pub(crate) fn now(group: &mut Group<'_>, now: Timestamp) -> LimitsNow {
    let today = group.limits.today(now);
    let limits = &group.limits;
    let settings = limits.settings();
    LimitsNow {
        system: settings.system,
        user: settings.user,
        time_zone: settings.zone.clone(),
        pinned: settings.pinned.clone(),
        version: settings.version,
        day: today.day,
        day_ends: today.ends,
        system_used: limits.meter(today.day, SYSTEM).used,
        user_used_most: limits.used_most(today.day),
        held: u64::try_from(limits.held_in_all()).unwrap_or(0),
    }
}

/// Takes over what the configuration file says.
pub(crate) fn configure(group: &mut Group<'_>, configured: &ConfiguredLimits) -> Result<(), StoreError> {
    for zone in configured.time_zone.iter().chain([&configured.server_zone]) {
        rule(zone)?;
    }
    group
        .conn
        .prepare_cached(
            "UPDATE limit_setting SET pinned_system = ?1, pinned_user = ?2, pinned_zone = ?3, server_zone = ?4,
                user_default = ?5, version = version + (pinned_system IS NOT ?1 OR pinned_user IS NOT ?2 OR pinned_zone IS NOT ?3)",
        )?
        .execute(params![
            configured.system.map(kept),
            configured.user.map(kept),
            configured.time_zone,
            configured.server_zone,
            kept(configured.user_default)
        ])?;
    let settings = Settings::load(group.conn)?;
    group.limits.set_settings(settings);
    Ok(())
}

/// Changes limits.
pub(crate) fn set(
    group: &mut Group<'_>,
    change: &SetLimits,
    note: &AuditNote,
) -> Result<LimitsSet, StoreError> {
    if let Some(against) = against(group, change) {
        return Ok(against);
    }
    group
        .conn
        .prepare_cached(
            "UPDATE limit_setting SET version = version + 1, system = ifnull(?1, system), user = ifnull(?2, user),
                zone = ifnull(?3, zone)",
        )?
        .execute(params![
            change.system.map(kept),
            change.user.map(kept),
            change.time_zone
        ])?;
    let before = group.limits.settings().clone();
    let settings = Settings::load(group.conn)?;
    let entry = AuditEntry::new(change.now, note, AuditAction::LimitsChange, "limits")
        .with(LimitKey::System.name(), settings.system)
        .with(LimitKey::User.name(), settings.user)
        .with(LimitKey::TimeZone.name(), settings.zone.clone())
        .with("system_daily_limit_before", before.system)
        .with("user_daily_limit_before", before.user)
        .with("time_zone_before", before.zone);
    audit::append(group.conn, &entry)?;
    group.limits.set_settings(settings);
    Ok(LimitsSet::Done(now(group, change.now)))
}

/// What speaks against a change.
fn against(group: &mut Group<'_>, change: &SetLimits) -> Option<LimitsSet> {
    let current = now(group, change.now);
    if change.version.is_some_and(|version| version != current.version) {
        return Some(LimitsSet::Stale);
    }
    let changed = [
        (
            LimitKey::System,
            change.system.is_some_and(|n| n != current.system),
        ),
        (LimitKey::User, change.user.is_some_and(|n| n != current.user)),
        (
            LimitKey::TimeZone,
            change
                .time_zone
                .as_ref()
                .is_some_and(|zone| *zone != current.time_zone),
        ),
    ];
    for (key, differs) in changed {
        if differs && current.pinned.contains(&key) {
            return Some(LimitsSet::Pinned(key));
        }
    }
    let below = [
        (
            LimitKey::System,
            change.system,
            current.system,
            current.system_used,
        ),
        (LimitKey::User, change.user, current.user, current.user_used_most),
    ];
    for (key, wanted, before, used) in below {
        if let Some(wanted) = wanted
            && wanted != before
            && wanted != 0
            && wanted < used
        {
            return Some(LimitsSet::BelowUse { key, used });
        }
    }
    let zone = change.time_zone.as_ref()?;
    rule(zone).is_err().then(|| LimitsSet::NoSuchZone(zone.clone()))
}

fn kept(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
