//! Acting on messages: requeue, resend, delete (SPEC C1–C3).

use std::collections::{HashMap, HashSet};

use axum::extract::State;
use postroom_domain::{MessageId, MessageState, Refusal};
use postroom_engine::intake::Resent;
use postroom_office::Principal;
use postroom_store::ActionOutcome;

use crate::http::App;
use crate::http::auth::Caller;
use crate::http::extract::Json;
use crate::http::problem::ApiError;
use crate::http::wire::actions::{ActionItem, ActionName, ActionReport, ActionRequest, Outcome};
use crate::http::wire::problem::Problem;

/// Most ids of a request.
const MOST_IDS: usize = 1_000;
/// Ids of one operation of the store.
const AT_A_TIME: usize = 200;

/// Requeues, resends or deletes messages; an id that is given twice counts once.
///
/// # Errors
/// 422 for no ids or too many; what is wrong with single messages is in the report.
#[utoipa::path(
    post, path = "/api/v1/messages/actions", tag = "list", request_body = ActionRequest,
    responses((status = 200, body = ActionReport), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn act(
    State(app): State<App>,
    Caller(who): Caller,
    Json(request): Json<ActionRequest>,
) -> Result<axum::Json<ActionReport>, ApiError> {
    if request.ids.is_empty() || request.ids.len() > MOST_IDS {
        return Err(Refusal::BadValue {
            field: "ids".to_owned(),
            reason: format!("has {} ids, but takes 1 to {MOST_IDS}", request.ids.len()).into(),
        }
        .into());
    }
    let mut seen = HashSet::new();
    let given: Vec<String> = request
        .ids
        .into_iter()
        .filter(|id| seen.insert(id.clone()))
        .collect();
    let ids: Vec<MessageId> = given.iter().filter_map(|text| text.parse().ok()).collect();
    let mut results = HashMap::new();
    for chunk in ids.chunks(AT_A_TIME) {
        let outcomes = if request.dry_run {
            foresee(&app, &who, request.action, chunk).await?
        } else {
            carry_out(&app, &who, request.action, chunk).await?
        };
        results.extend(chunk.iter().copied().zip(outcomes));
    }
    if !request.dry_run && !matches!(request.action, ActionName::Delete) {
        app.wake_engine();
    }
    let mut report = ActionReport::default();
    for id in given {
        let result = id.parse().ok().and_then(|id: MessageId| results.remove(&id));
        report.add(
            id,
            request.action,
            result.unwrap_or(Became::Acted(ActionOutcome::NotFound)),
        );
    }
    Ok(axum::Json(report))
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
    action: ActionName,
    ids: &[MessageId],
) -> Result<Vec<Became>, ApiError> {
    let authority = &who.authority;
    let outcomes = match action {
        ActionName::Requeue => {
            app.store
                .requeue(authority, ids, &who.note(), app.clock.now())
                .await?
        }
        ActionName::Delete => {
            app.store
                .delete(authority, ids, &who.note(), app.clock.now())
                .await?
        }
        ActionName::Resend => return resend(app, who, ids).await,
    };
    Ok(outcomes.into_iter().map(Became::Acted).collect())
}

async fn resend(app: &App, who: &Principal, ids: &[MessageId]) -> Result<Vec<Became>, ApiError> {
    let foreseen = foresee(app, who, ActionName::Resend, ids).await?;
    let sender = app.senders.principal(who).await?;
    let mut results = Vec::with_capacity(ids.len());
    for (&id, foreseen) in ids.iter().zip(foreseen) {
        if !matches!(foreseen, Became::Acted(ActionOutcome::Done)) {
            results.push(foreseen);
            continue;
        }
        let resent = app.intake.resend(&sender, &who.authority.act, id).await;
        results.push(match resent {
            Ok(Resent::Accepted(accepted)) => {
                app.metrics.accepted(1);
                Became::Resent(accepted.admitted.id)
            }
            Ok(Resent::NotFound) => Became::Acted(ActionOutcome::NotFound),
            Ok(Resent::NotEnded(state)) => Became::Acted(ActionOutcome::WrongState(state)),
            Ok(Resent::ContentGone) => Became::ContentGone,
            Err(refusal) => Became::Refused(refusal),
        });
    }
    Ok(results)
}

/// What would become of the messages, by the same rules.
async fn foresee(
    app: &App,
    who: &Principal,
    action: ActionName,
    ids: &[MessageId],
) -> Result<Vec<Became>, ApiError> {
    let rows = app.store.rows(&who.authority.see, ids).await?;
    let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    let outcome = |id: &MessageId| {
        let Some(row) = rows.get(id) else {
            return ActionOutcome::NotFound;
        };
        if !who
            .authority
            .act
            .sees(row.sender.0, row.office.0, row.kind.category())
        {
            return ActionOutcome::NotPermitted;
        }
        match (action, row.state) {
            (_, MessageState::Sending) => ActionOutcome::Sending,
            (ActionName::Requeue, MessageState::Sent) => ActionOutcome::WrongState(row.state),
            (ActionName::Resend, state) if !state.is_final() => ActionOutcome::WrongState(state),
            (ActionName::Requeue | ActionName::Resend | ActionName::Delete, _) => ActionOutcome::Done,
        }
    };
    Ok(ids.iter().map(|id| Became::Acted(outcome(id))).collect())
}

impl ActionReport {
    fn add(&mut self, id: String, action: ActionName, result: Became) {
        let (outcome, reason, new_id) = described(action, result);
        match outcome {
            Outcome::Done => self.done += 1,
            Outcome::Skipped => self.skipped += 1,
            Outcome::Refused => self.refused += 1,
        }
        self.items.push(ActionItem {
            id,
            outcome,
            reason,
            new_id,
        });
    }
}

fn described(action: ActionName, result: Became) -> (Outcome, Option<String>, Option<String>) {
    let because = |outcome, words: &str| (outcome, Some(words.to_owned()), None);
    match result {
        Became::Resent(id) => (Outcome::Done, None, Some(id.to_string())),
        Became::ContentGone => because(Outcome::Refused, "its content is no longer kept"),
        Became::Refused(refusal) => because(Outcome::Refused, &refusal.detail()),
        Became::Acted(ActionOutcome::Done) => (Outcome::Done, None, None),
        Became::Acted(ActionOutcome::NotFound) => because(
            Outcome::Refused,
            "there is no such message among those that you may see",
        ),
        Became::Acted(ActionOutcome::NotPermitted) => because(
            Outcome::Refused,
            "you may look at this message, but acting on it is for its sender, the office's super users and, for notifications, administrators",
        ),
        Became::Acted(ActionOutcome::Sending) => because(
            Outcome::Refused,
            "an attempt is under way: try again when it has ended",
        ),
        Became::Acted(ActionOutcome::WrongState(state)) => {
            let verb = match action {
                ActionName::Requeue => "be put back to Outbox",
                ActionName::Resend => "be sent again before it has ended",
                ActionName::Delete => "be deleted",
            };
            because(
                Outcome::Skipped,
                &format!("a message that is {} cannot {verb}", state.name()),
            )
        }
    }
}
