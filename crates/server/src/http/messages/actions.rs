//! Acting on messages (SPEC C1–C4): by ids at once, by a filter as a job.

use std::collections::{HashMap, HashSet};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use postroom_domain::{MessageId, Refusal, Rule, Verb, Verdict};
use postroom_engine::intake::Resent;
use postroom_office::Principal;
use postroom_store::{ActionOutcome, AuditAction, AuditEntry, Authority, Release};

use super::sweep;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::extract::Json;
use crate::http::problem::ApiError;
use crate::http::wire::actions::{ActionItem, ActionReport, ActionRequest, Outcome};
use crate::http::wire::jobs::Job;
use crate::http::wire::problem::Problem;

/// Most ids of a request.
pub(super) const MOST_IDS: usize = 1_000;
/// Ids of one operation of the store, and of one entry of the audit log.
const AT_A_TIME: usize = 200;

/// Acts on messages: on up to 1,000 ids at once, or on all that match a filter. Up to 1,000 matches are answered when
/// they are done; more, or those with `background`, become a job.
///
/// # Errors
/// 422 for no ids or too many; what is wrong with single messages is in the report.
#[utoipa::path(
    post, path = "/api/v1/messages/actions", tag = "actions", request_body = ActionRequest,
    responses((status = 200, body = ActionReport), (status = 202, body = Job, description = "a job does it"), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn act(
    State(app): State<App>,
    Caller(who): Caller,
    Json(request): Json<ActionRequest>,
) -> Result<Response, ApiError> {
    match (&request.ids, &request.filter) {
        (Some(_), None) => {
            for (field, given) in [
                ("as_of", request.as_of.is_some()),
                ("except", !request.except.is_empty()),
                ("background", request.background),
            ] {
                if given {
                    return Err(bad(field, "goes with filter, not with ids"));
                }
            }
            let report = by_ids(&app, &who, request).await?;
            Ok(axum::Json(report).into_response())
        }
        (None, Some(_)) => sweep::by_filter(&app, &who, request).await,
        (None, None) => Err(bad("ids", "is missing: give ids, or a filter")),
        (Some(_), Some(_)) => Err(bad("filter", "goes without ids: give one of them")),
    }
}

async fn by_ids(app: &App, who: &Principal, request: ActionRequest) -> Result<ActionReport, ApiError> {
    let given = distinct("ids", request.ids.unwrap_or_default())?;
    if given.is_empty() {
        return Err(bad("ids", format!("has 0 ids, but takes 1 to {MOST_IDS}")));
    }
    let verb = request.action.into();
    let how = how_of(who, verb, request.past_limits)?;
    let ids: Vec<MessageId> = given.iter().filter_map(|text| text.parse().ok()).collect();
    let mut results = HashMap::new();
    for chunk in ids.chunks(AT_A_TIME) {
        let outcomes = if request.dry_run {
            foresee(app, who, verb, chunk).await?
        } else {
            carry_out(app, who, verb, how, chunk).await?
        };
        results.extend(chunk.iter().copied().zip(outcomes));
    }
    if !request.dry_run && verb != Verb::Delete {
        app.wake_engine();
    }
    let mut report = ActionReport::default();
    for id in given {
        let result = id.parse().ok().and_then(|id: MessageId| results.remove(&id));
        report.add(id, verb, result.unwrap_or(Became::Acted(ActionOutcome::NotFound)));
    }
    Ok(report)
}

/// Whether a release asks the limits: past them goes for the System Office's administrators alone (L3).
fn how_of(who: &Principal, verb: Verb, past_limits: bool) -> Result<Release, ApiError> {
    match (past_limits, verb) {
        (false, _) => Ok(Release::WithinLimits),
        (true, Verb::Release) if who.is_system_administrator() => Ok(Release::PastLimits),
        (true, Verb::Release) => Err(ApiError::forbidden(Rule::AdministerSystem)),
        (true, _) => Err(bad("past_limits", "goes with release alone")),
    }
}

/// Ids, each once; at most 1,000.
pub(super) fn distinct(field: &str, ids: Vec<String>) -> Result<Vec<String>, ApiError> {
    if ids.len() > MOST_IDS {
        return Err(bad(
            field,
            format!("has {} ids, but takes 1 to {MOST_IDS}", ids.len()),
        ));
    }
    let mut seen = HashSet::new();
    Ok(ids.into_iter().filter(|id| seen.insert(id.clone())).collect())
}

pub(super) fn bad(field: &str, reason: impl Into<String>) -> ApiError {
    Refusal::BadValue {
        field: field.to_owned(),
        reason: reason.into().into(),
    }
    .into()
}

/// What became of one message.
enum Became {
    Acted(ActionOutcome),
    Resent(MessageId),
    ContentGone,
    Refused(Refusal),
}

async fn carry_out(
    app: &App,
    who: &Principal,
    verb: Verb,
    how: Release,
    ids: &[MessageId],
) -> Result<Vec<Became>, ApiError> {
    let (authority, note, now) = (&who.authority, who.note(), app.clock.now());
    let outcomes = match verb {
        Verb::Requeue => app.store.requeue(authority, ids, &note, now).await?,
        Verb::Delete => app.store.delete(authority, ids, &note, now).await?,
        Verb::Resend => return resend(app, who, ids).await,
        Verb::Hold => app.store.hold(authority, ids, &note, now).await?,
        Verb::Release => app.store.release(authority, ids, how, &note, now).await?,
    };
    Ok(outcomes.into_iter().map(Became::Acted).collect())
}

async fn resend(app: &App, who: &Principal, ids: &[MessageId]) -> Result<Vec<Became>, ApiError> {
    let foreseen = foresee(app, who, Verb::Resend, ids).await?;
    let sender = app.senders.principal(who).await?;
    let mut results = Vec::with_capacity(ids.len());
    let mut done = Vec::new();
    for (&id, foreseen) in ids.iter().zip(foreseen) {
        if !matches!(foreseen, Became::Acted(ActionOutcome::Done)) {
            results.push(foreseen);
            continue;
        }
        let resent = app.intake.resend(&sender, &who.authority.act, id).await;
        results.push(match resent {
            Ok(Resent::Accepted(accepted)) => {
                app.metrics.accepted(1);
                done.push(id);
                Became::Resent(accepted.admitted.id)
            }
            Ok(Resent::NotFound) => Became::Acted(ActionOutcome::NotFound),
            Ok(Resent::NotEnded(state)) => Became::Acted(ActionOutcome::WrongState(state)),
            Ok(Resent::ContentGone) => Became::ContentGone,
            Err(refusal) => Became::Refused(refusal),
        });
    }
    log_resend(app, who, &done).await?;
    Ok(results)
}

/// A resend changes nothing about its originals, and each new message names its own: the log follows.
async fn log_resend(app: &App, who: &Principal, done: &[MessageId]) -> Result<(), ApiError> {
    if done.is_empty() {
        return Ok(());
    }
    let subject = match done {
        [one] => format!("message {one}"),
        _ => "messages".to_owned(),
    };
    let mut entry =
        AuditEntry::new(app.clock.now(), &who.note(), AuditAction::Resend, subject).with_ids(done);
    entry.office = who.office_id();
    Ok(app.store.append_audit(entry).await?)
}

/// What would become of the messages, by the same rules.
async fn foresee(app: &App, who: &Principal, verb: Verb, ids: &[MessageId]) -> Result<Vec<Became>, ApiError> {
    let Authority { see, act, hold } = &who.authority;
    let permitted = match verb {
        Verb::Requeue | Verb::Resend | Verb::Delete => act,
        Verb::Hold | Verb::Release => hold,
    };
    let rows = app.store.rows(see, ids).await?;
    let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    let outcome = |id: &MessageId| {
        let Some(row) = rows.get(id) else {
            return ActionOutcome::NotFound;
        };
        if !permitted.sees(row.sender.0, row.office.0, row.kind.category()) {
            return ActionOutcome::NotPermitted;
        }
        // Whether a daily limit has room is only known when it is asked; the rest of what holding means is known here.
        let reason = row.hold.as_ref().map(|held| held.reason.as_str());
        match (verb, reason) {
            (Verb::Requeue | Verb::Release, Some("paused")) => return ActionOutcome::Paused,
            (Verb::Requeue, Some("administrator" | "restored"))
                if !hold.sees(row.sender.0, row.office.0, row.kind.category()) =>
            {
                return ActionOutcome::HeldBack;
            }
            (Verb::Hold, Some(reason)) if reason != "administrator" => return ActionOutcome::Done,
            _ => {}
        }
        match verb.verdict(row.state) {
            Verdict::Do => ActionOutcome::Done,
            Verdict::Skip => ActionOutcome::WrongState(row.state),
            Verdict::Busy => ActionOutcome::Sending,
        }
    };
    Ok(ids.iter().map(|id| Became::Acted(outcome(id))).collect())
}

impl ActionReport {
    fn add(&mut self, id: String, verb: Verb, result: Became) {
        let rule = match &result {
            Became::Acted(outcome) => outcome.rule(verb),
            Became::Resent(_) | Became::ContentGone | Became::Refused(_) => None,
        };
        let (outcome, reason, new_id) = described(verb, result);
        match outcome {
            Outcome::Done => self.done += 1,
            Outcome::Skipped => self.skipped += 1,
            Outcome::Refused => self.refused += 1,
        }
        self.items.push(ActionItem {
            id,
            outcome,
            reason,
            rule: rule.map(|rule| rule.name().to_owned()),
            new_id,
        });
    }
}

fn described(verb: Verb, result: Became) -> (Outcome, Option<String>, Option<String>) {
    match result {
        Became::Resent(id) => (Outcome::Done, None, Some(id.to_string())),
        Became::ContentGone => (
            Outcome::Refused,
            Some("its content is no longer kept".to_owned()),
            None,
        ),
        Became::Refused(refusal) => (Outcome::Refused, Some(refusal.detail()), None),
        Became::Acted(ActionOutcome::Done) => (Outcome::Done, None, None),
        Became::Acted(outcome @ ActionOutcome::WrongState(_)) => {
            (Outcome::Skipped, Some(outcome.reason(verb)), None)
        }
        Became::Acted(
            outcome @ (ActionOutcome::NotFound
            | ActionOutcome::NotPermitted
            | ActionOutcome::HeldBack
            | ActionOutcome::Sending
            | ActionOutcome::Paused
            | ActionOutcome::OverLimit { .. }),
        ) => (Outcome::Refused, Some(outcome.reason(verb)), None),
    }
}
