//! Acting on messages (SPEC C1–C4): by ids at once, by a filter as a job.

use std::collections::{HashMap, HashSet};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use postroom_domain::{MessageId, Refusal, Rule, Verb};
use postroom_office::{ActionResult, PastLimitsError, Principal, check_release};
use postroom_store::{ActionOutcome, Release};

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
    let release = if request.past_limits {
        Release::PastLimits
    } else {
        Release::WithinLimits
    };
    check_release(who, verb, release).map_err(|error| match error {
        PastLimitsError::NotPermitted => ApiError::forbidden(Rule::AdministerSystem),
        PastLimitsError::NotRelease => bad("past_limits", "goes with release alone"),
    })?;
    let actions = app.actions();
    let ids: Vec<MessageId> = given.iter().filter_map(|text| text.parse().ok()).collect();
    let mut results = HashMap::new();
    for chunk in ids.chunks(AT_A_TIME) {
        let found = if request.dry_run {
            let previews = actions.preview(who, verb, chunk).await?;
            previews.into_iter().map(ActionResult::Acted).collect()
        } else {
            actions.act(who, verb, release, chunk).await?
        };
        let resent = found
            .iter()
            .filter(|result| matches!(result, ActionResult::Resent(_)));
        app.metrics.accepted(u64::try_from(resent.count()).unwrap_or(0));
        results.extend(chunk.iter().copied().zip(found));
    }
    if !request.dry_run && verb != Verb::Delete {
        app.wake_engine();
    }
    let mut report = ActionReport::default();
    for id in given {
        let result = id.parse().ok().and_then(|id: MessageId| results.remove(&id));
        report.add(
            id,
            verb,
            result.unwrap_or(ActionResult::Acted(ActionOutcome::NotFound)),
        );
    }
    Ok(report)
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

impl ActionReport {
    fn add(&mut self, id: String, verb: Verb, result: ActionResult) {
        let rule = match &result {
            ActionResult::Acted(outcome) => outcome.rule(verb),
            ActionResult::Resent(_) | ActionResult::ContentGone | ActionResult::Refused(_) => None,
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

fn described(verb: Verb, result: ActionResult) -> (Outcome, Option<String>, Option<String>) {
    match result {
        ActionResult::Resent(id) => (Outcome::Done, None, Some(id.to_string())),
        ActionResult::ContentGone => (
            Outcome::Refused,
            Some("its content is no longer kept".to_owned()),
            None,
        ),
        ActionResult::Refused(refusal) => (Outcome::Refused, Some(refusal.detail()), None),
        ActionResult::Acted(ActionOutcome::Done) => (Outcome::Done, None, None),
        ActionResult::Acted(outcome @ ActionOutcome::WrongState(_)) => {
            (Outcome::Skipped, Some(outcome.reason(verb)), None)
        }
        ActionResult::Acted(
            outcome @ (ActionOutcome::NotFound
            | ActionOutcome::NotPermitted
            | ActionOutcome::HeldBack
            | ActionOutcome::Sending
            | ActionOutcome::Damaged
            | ActionOutcome::LiveLink
            | ActionOutcome::Paused
            | ActionOutcome::OverLimit { .. }),
        ) => (Outcome::Refused, Some(outcome.reason(verb)), None),
    }
}
