//! The HTTP side: the API, the web page, health and metrics.

pub mod accept;
mod admin;
mod alerts;
mod app;
mod assets;
mod audit;
mod auth;
mod banners;
mod body;
mod browser;
mod carried;
mod connections;
mod docs;
mod drafts;
mod etag;
mod events;
mod extract;
mod failures;
mod fence;
mod finish;
mod health;
mod history;
mod jobs;
mod layout;
mod limits;
mod messages;
mod metrics;
mod names;
mod pauses;
pub mod peer;
mod people;
mod problem;
mod session;
mod settings;
mod status;
mod throttled;
mod traffic;
mod views;
mod visit;
pub mod wire;

pub use admin::wire as admin_wire;
pub use app::{App, AppParts};
pub use docs::openapi;
pub use metrics::Metrics;
pub use problem::ApiError;
pub use views::Views;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The API's routes with their descriptions.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(session::sign_in, session::who, session::sign_out))
        .routes(routes!(messages::list::list, messages::submit::submit))
        .routes(routes!(messages::submit::batch))
        .routes(routes!(messages::submit::raw))
        .routes(routes!(messages::render::render))
        .routes(routes!(messages::list::counts))
        .routes(routes!(names::senders))
        .routes(routes!(names::addresses))
        .routes(routes!(messages::actions::act))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(failures::list))
        .routes(routes!(failures::requeue))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::one))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::items))
        .routes(routes!(messages::export::export))
        .routes(routes!(messages::edit::draft))
        .routes(routes!(messages::edit::change_recipient))
        .routes(routes!(limits::usage))
        .routes(routes!(limits::forecast))
        .routes(routes!(messages::detail::detail))
        .routes(routes!(messages::detail::attempts))
        .routes(routes!(messages::detail::explain))
        .routes(routes!(messages::access::access))
        .routes(routes!(messages::content::raw))
        .routes(routes!(messages::content::body))
        .routes(routes!(messages::content::attachment))
        .routes(routes!(layout::own, layout::set_own, layout::clear_own))
        .routes(routes!(layout::office, layout::set_office))
        .routes(routes!(drafts::list, drafts::add))
        .routes(routes!(drafts::one, drafts::put, drafts::remove))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::unread))
        .routes(routes!(alerts::read_all))
        .routes(routes!(alerts::read))
        .routes(routes!(alerts::dismiss))
        .routes(routes!(alerts::preferences, alerts::set_preferences))
        .routes(routes!(events::events))
        .routes(routes!(status::status))
        .routes(routes!(history::history))
        .merge(administration())
}

/// The routes that change who may do what. Much follows behind their commits: caches forget, people are told.
fn administration() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(limits::get, limits::put))
        .routes(routes!(pauses::list, pauses::add))
        .routes(routes!(pauses::remove))
        .routes(routes!(settings::read, settings::set))
        .routes(routes!(settings::test))
        .routes(routes!(people::offices::list, people::offices::add))
        .routes(routes!(
            people::offices::one,
            people::offices::edit,
            people::offices::remove
        ))
        .routes(routes!(people::users::list, people::users::add))
        .routes(routes!(people::users::one, people::users::edit))
        .routes(routes!(people::users::set_rights))
        .routes(routes!(people::users::invite))
        .routes(routes!(people::proxies::list, people::proxies::add))
        .routes(routes!(people::proxies::edit, people::proxies::remove))
        .routes(routes!(people::keys::list, people::keys::add))
        .routes(routes!(people::keys::revoke))
        .routes(routes!(people::setup::state, people::setup::set_up))
        .routes(routes!(people::password::forgot))
        .routes(routes!(people::password::confirm))
        .routes(routes!(people::password::change))
        .layer(middleware::from_fn(carried::to_the_end))
}

/// Everything that people and their software reach.
pub fn router(app: &App) -> Router {
    let (api, _) = api().split_for_parts();
    let public = api
        .route(docs::PATH, get(docs::document))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .fallback(assets::page_or_missing)
        .method_not_allowed_fallback(problem::method_not_allowed);
    dressed(public, app)
}

/// What the operator reaches through the socket in the data folder: the API as an operator, and the admin routes.
pub fn admin_router(app: &App) -> Router {
    let (api, _) = api().split_for_parts();
    let all = api
        .merge(admin::routes())
        .fallback(problem::missing)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(middleware::from_fn(auth::as_operator));
    dressed(all, app)
}

/// Puts on what every request has to pass and what every answer gets.
fn dressed(router: Router<App>, app: &App) -> Router {
    router
        .layer(middleware::from_fn_with_state(app.clone(), fence::fence))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn_with_state(app.clone(), visit::count))
        .layer(middleware::from_fn_with_state(app.clone(), finish::finish))
        .with_state(app.clone())
}
