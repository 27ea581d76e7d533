//! `/limits`: what may be sent in a day, what was, and what is to be expected (SPEC §5).

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use postroom_domain::limits::forecast as foresee;
use postroom_domain::{Address, Day, Refusal, UserId};
use postroom_office::Principal;
use postroom_store::{LimitKey, LimitsNow, LimitsSet, SetLimits, Submitter, Usage, UsageOf, User};
use serde::Deserialize;

use super::App;
use super::auth::{ByHand, Caller};
use super::etag::{IfMatch, Versioned, stale};
use super::extract::{Json, Params};
use super::people::fields::bad;
use super::people::require_system_administrator;
use super::problem::ApiError;
use super::wire::limits::{
    DayForecast, DayUsage, ForecastAnswer, LimitsAnswer, LimitsEdit, UsageAnswer, UserUsage,
};
use super::wire::problem::Problem;
use super::wire::session::Named;

/// Days that the use is told of unless asked otherwise.
const DAYS: u16 = 30;
/// Most days that the use is told of.
const MOST_DAYS: u16 = 366;
/// The largest limit, and the most messages that a forecast is asked about.
const MOST: u64 = 1_000_000_000;

/// The limits.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    get, path = "/api/v1/limits", tag = "limits",
    responses((status = 200, body = LimitsAnswer), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn get(
    State(app): State<App>,
    Caller(_who): Caller,
) -> Result<Versioned<LimitsAnswer>, ApiError> {
    let now = app.store.limits(app.clock.now()).await?;
    Ok(shown(&app, &now))
}

/// Changes limits; mail that fits then goes at once.
///
/// # Errors
/// 403 for all but administrators of the System Office, 409 `set_in_configuration`, 412, 422 `limit_below_use`.
#[utoipa::path(
    put, path = "/api/v1/limits", tag = "limits", request_body = LimitsEdit,
    responses((status = 200, body = LimitsAnswer), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn put(
    State(app): State<App>,
    ByHand(who): ByHand,
    IfMatch(version): IfMatch,
    Json(given): Json<LimitsEdit>,
) -> Result<Versioned<LimitsAnswer>, ApiError> {
    require_system_administrator(&who)?;
    for (key, limit) in [
        (LimitKey::System, given.system_daily_limit),
        (LimitKey::User, given.user_daily_limit),
    ] {
        if limit.is_some_and(|limit| limit > MOST) {
            let words = format!("is more than {MOST}: give 0 for no limit");
            return Err(bad(key.name(), words));
        }
    }
    let change = SetLimits {
        system: given.system_daily_limit,
        user: given.user_daily_limit,
        time_zone: given.time_zone,
        version: Some(version),
        now: app.clock.now(),
    };
    let set = app.store.set_limits(change, &who.note()).await?;
    app.wake_engine();
    match set {
        LimitsSet::Done(now) => Ok(shown(&app, &now)),
        LimitsSet::Stale => Err(stale("limits")),
        LimitsSet::Pinned(key) => Err(pinned(&app, key)),
        LimitsSet::BelowUse { key, used } => Err(below_use(key, used)),
        LimitsSet::NoSuchZone(zone) => Err(bad(
            LimitKey::TimeZone.name(),
            format!("there is no time zone {zone:?}; give a name such as \"Europe/Berlin\" or \"UTC\""),
        )),
    }
}

fn pinned(app: &App, key: LimitKey) -> ApiError {
    let path = format!("limits.{}", key.name());
    let place = app
        .live
        .now()
        .pinned(&path)
        .unwrap_or_else(|| "the configuration".to_owned());
    ApiError::new(
        StatusCode::CONFLICT,
        "set_in_configuration",
        "The configuration sets this",
        format!("{path} is set in {place}: change it there, or remove it there to set it here"),
    )
    .at(key.name())
}

fn below_use(key: LimitKey, used: u64) -> ApiError {
    let detail = match key {
        LimitKey::User => format!(
            "user_daily_limit: somebody has sent {used} messages today already: set it to {used} or more, or wait for tomorrow"
        ),
        LimitKey::System | LimitKey::TimeZone => format!(
            "system_daily_limit: {used} messages were sent today already: set it to {used} or more, or wait for tomorrow"
        ),
    };
    ApiError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "limit_below_use",
        "The limit lies below today's use",
        detail,
    )
    .at(key.name())
}

fn shown(app: &App, now: &LimitsNow) -> Versioned<LimitsAnswer> {
    let message_bytes = app.intake.settings().limits.message_bytes;
    let pinned = now.pinned.iter().map(|key| format!("limits.{}", key.name()));
    let answer = LimitsAnswer {
        system_daily_limit: now.system,
        user_daily_limit: now.user,
        time_zone: now.time_zone.clone(),
        set_in_configuration: pinned.collect(),
        version: now.version,
        day: now.day.to_string(),
        day_ends_at: now.day_ends,
        message_bytes_max: u64::try_from(message_bytes).unwrap_or(u64::MAX),
    };
    Versioned(now.version, answer)
}

/// What narrows the use.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UsageQuery {
    days: Option<u16>,
}

/// What was taken of the limits: one's own, and for administrators their users' and the server's.
///
/// # Errors
/// 422 for a number of days that cannot be told.
#[utoipa::path(
    get, path = "/api/v1/limits/usage", tag = "limits",
    params(("days" = Option<u16>, Query, description = "how many days, with today; 30 unless given, at most 366")),
    responses((status = 200, body = UsageAnswer), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn usage(
    State(app): State<App>,
    Caller(who): Caller,
    Params(query): Params<UsageQuery>,
) -> Result<axum::Json<UsageAnswer>, ApiError> {
    let days = query.days.unwrap_or(DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        let words = format!("days: is {days}, but has to be 1 to {MOST_DAYS}");
        return Err(ApiError::bad_parameter("days", words));
    }
    let today = app.store.limits(app.clock.now()).await?.day;
    let from = today.back(i32::from(days) - 1);
    let own = match who.me() {
        Some(me) => app.store.usage(UsageOf::Users(vec![me]), from, today).await?,
        None => Vec::new(),
    };
    let system = match who.is_system_administrator() {
        true => Some(by_day(app.store.usage(UsageOf::System, from, today).await?)),
        false => None,
    };
    Ok(axum::Json(UsageAnswer {
        from: from.to_string(),
        today: today.to_string(),
        own: by_day(own),
        system,
        users: users(&app, &who, from, today).await?,
    }))
}

/// Each user's use of the offices that somebody administers; `None` for those who administer none.
async fn users(app: &App, who: &Principal, from: Day, to: Day) -> Result<Option<Vec<UserUsage>>, ApiError> {
    if !who.is_system_administrator() && !who.office_id().is_some_and(|office| who.administers(office)) {
        return Ok(None);
    }
    let users = app.store.users().await?;
    let known: BTreeMap<UserId, User> = users
        .into_iter()
        .filter(|user| who.administers(user.office))
        .map(|user| (user.id, user))
        .collect();
    let mut rows: BTreeMap<UserId, Vec<Usage>> = BTreeMap::new();
    for usage in app.store.usage(UsageOf::EveryUser, from, to).await? {
        if let Some(user) = usage.user.filter(|user| known.contains_key(user)) {
            rows.entry(user).or_default().push(usage);
        }
    }
    let shown = rows.into_iter().filter_map(|(id, usage)| {
        Some(UserUsage {
            user: Named {
                id: id.0,
                name: known.get(&id)?.name.clone(),
            },
            days: by_day(usage),
        })
    });
    Ok(Some(shown.collect()))
}

fn by_day(usage: Vec<Usage>) -> Vec<DayUsage> {
    let day = |usage: Usage| DayUsage {
        day: usage.day.to_string(),
        used: usage.used,
    };
    usage.into_iter().map(day).collect()
}

/// What a forecast is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ForecastQuery {
    count: Option<u64>,
    from: Option<String>,
}

/// How many of so many messages would go today, and when the rest would (L6).
///
/// # Errors
/// 403 for an address that one may not send as, 422 for no count or, for a key that is nobody, no address.
#[utoipa::path(
    get, path = "/api/v1/limits/forecast", tag = "limits",
    params(
        ("count" = u64, Query, description = "how many messages"),
        ("from" = Option<String>, Query, description = "the address that they would be sent as; one's own unless given"),
    ),
    responses((status = 200, body = ForecastAnswer), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn forecast(
    State(app): State<App>,
    Caller(who): Caller,
    Params(query): Params<ForecastQuery>,
) -> Result<axum::Json<ForecastAnswer>, ApiError> {
    let count = query.count.unwrap_or(0);
    if !(1..=MOST).contains(&count) {
        let words = format!("count: say how many messages, 1 to {MOST}");
        return Err(ApiError::bad_parameter("count", words));
    }
    let person = charged(&app, &who, query.from.as_deref()).await?;
    let standing = app.store.standing(person, app.clock.now()).await?;
    let told = foresee(
        count,
        standing.day,
        standing.system,
        standing.user,
        &standing.ahead,
    );
    let later = told.later.into_iter().map(|share| DayForecast {
        day: share.day.to_string(),
        count: share.count,
    });
    Ok(axum::Json(ForecastAnswer {
        count,
        today: told.today,
        later: later.collect(),
        beyond: told.beyond,
        waiting: standing.ahead.own,
    }))
}

/// Whom mail would be charged to: who submits it; for a key that is nobody, and the operator, the sender (V9).
async fn charged(app: &App, who: &Principal, from: Option<&str>) -> Result<UserId, ApiError> {
    let Some(from) = from else {
        return who
            .me()
            .ok_or_else(|| ApiError::bad_parameter("from", "from: say as whom the messages would be sent"));
    };
    let address: Address = from.parse().map_err(|error| Refusal::BadAddress {
        field: "from".to_owned(),
        error,
    })?;
    let sender = app.senders.principal(who).await?;
    let identity = sender.rights.identity(&address)?;
    Ok(match sender.submitted_by {
        Submitter::User(user) => user,
        Submitter::Key(_) | Submitter::System => identity.user,
    })
}
