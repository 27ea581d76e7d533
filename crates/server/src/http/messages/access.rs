//! By which rule one sees a message (SPEC V8).

use axum::extract::State;
use postroom_office::{Access, Belongs};
use postroom_store::{ProxyLevel, Row};

use crate::http::App;
use crate::http::auth::Caller;
use crate::http::extract::Id;
use crate::http::problem::ApiError;
use crate::http::wire::people::AccessAnswer;
use crate::http::wire::problem::Problem;

/// The rule that lets one see a message, and what one may do with it.
///
/// # Errors
/// 404 for an id that does not exist or is out of sight.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}/access", tag = "message", params(("id" = String, Path)),
    responses((status = 200, body = AccessAnswer), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn access(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
) -> Result<axum::Json<AccessAnswer>, ApiError> {
    let authority = &who.authority;
    let rows = app.store.rows(&authority.see, &[id]).await?;
    let row = rows.first().ok_or_else(ApiError::no_message)?;
    let proxies = match who.me() {
        Some(me) => app.store.proxies(Some(me)).await?,
        None => Vec::new(),
    };
    let directory = app.directory().await?;
    let message = Belongs {
        sender: row.sender.0,
        office: row.office.0,
        category: row.kind.category(),
    };
    // Between the scope and this look a right may have been taken away: then it is out of sight by now.
    let access = directory
        .access(&who, &proxies, app.clock.now(), message)
        .ok_or_else(ApiError::no_message)?;
    let inside =
        |scope: &postroom_domain::Scope| scope.sees(message.sender, message.office, message.category);
    let mut may = Vec::new();
    if inside(&authority.act) {
        let resend = (!row.kind.body_is_secret()).then_some("resend");
        let verbs = ["requeue"].into_iter().chain(resend).chain(["delete"]);
        may.extend(verbs.map(str::to_owned));
    }
    if inside(&authority.hold) {
        may.extend(["hold", "release"].map(str::to_owned));
    }
    Ok(axum::Json(AccessAnswer {
        rule: access.name().to_owned(),
        sentence: sentence(access, row),
        may,
    }))
}

fn sentence(access: Access, row: &Row) -> String {
    let (sender, office) = (&row.sender.1, &row.office.1);
    match access {
        Access::Operator => "You are the operator of the server, who holds the database.".to_owned(),
        Access::Own => "You sent it.".to_owned(),
        Access::SuperUser => format!("You are a Super User of {office}."),
        Access::Proxy(ProxyLevel::View) => {
            format!("You are an assistant of {sender} with a view proxy, and office security is on.")
        }
        Access::Proxy(ProxyLevel::Manage) => {
            format!("You are an assistant of {sender} with a manage proxy, and office security is on.")
        }
        Access::EnterpriseView => {
            format!("You have Enterprise View, and {office} lies below your office.")
        }
        Access::Administrator => format!("It is a notification of {office}, and you administer that office."),
        Access::SystemAdministrator => {
            "It is a notification, and you administer the System Office.".to_owned()
        }
        Access::OfficeKey => format!("This API key of {office} may read or manage the office's mail."),
    }
}
