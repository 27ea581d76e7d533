//! What the operator's commands ask of a running server, through the socket in its data folder.

pub mod wire;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json as Answer, Router};
use postroom_domain::{Address, Refusal, Scope};
use postroom_office::{Directory, Secret};
use postroom_store::{NewApiKey, NewOffice, NewUser, Office, Rights, User};

use super::App;
use super::extract::Json;
use super::problem::ApiError;
use super::session::rights_of;
use wire::{Checked, Flushed, KeyMade, NewKey, NewPerson, PersonMade, PersonRow};

/// The name of the root of the tree of offices.
const SYSTEM_OFFICE: &str = "System Office";
/// Rights of an office's key.
const KEY_SCOPES: [&str; 4] = ["send", "read", "manage", "post_notifications"];

/// The admin routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/v1/users", get(users).post(add_user))
        .route("/admin/v1/keys", post(add_key))
        .route("/admin/v1/check", post(check))
        .route("/admin/v1/flush", post(flush))
}

async fn users(State(app): State<App>) -> Result<Answer<Vec<PersonRow>>, ApiError> {
    let directory = Directory::new(app.store.offices().await?);
    let rows = app.store.users().await?.into_iter().map(|user| PersonRow {
        id: user.id.0,
        office: directory
            .office(user.office)
            .map_or_else(String::new, |office| office.name.clone()),
        login: user.login,
        name: user.name,
        email: user.email,
        rights: rights_of(user.rights)
            .iter()
            .map(|right| right.name().to_owned())
            .collect(),
        disabled: user.disabled,
    });
    Ok(Answer(rows.collect()))
}

async fn add_user(
    State(app): State<App>,
    Json(new): Json<NewPerson>,
) -> Result<(StatusCode, Answer<PersonMade>), ApiError> {
    let login = new.login.trim().to_lowercase();
    let plain = |c: char| c.is_alphanumeric() || "._-@+".contains(c);
    if login.is_empty() || login.chars().count() > 64 || !login.chars().all(plain) {
        return Err(bad(
            "login",
            "has 1 to 64 letters, digits and . _ - @ +, for example \"case\"",
        ));
    }
    if new.name.trim().is_empty() || new.name.chars().any(char::is_control) || new.name.chars().count() > 200
    {
        return Err(bad("name", "has 1 to 200 characters and no line end"));
    }
    let email: Address = new.email.parse().map_err(|error| Refusal::BadAddress {
        field: "email".to_owned(),
        error,
    })?;
    let rights = rights_from(&new.rights)?;
    let office = office_named(&app, new.office.as_deref()).await?;
    let password_hash = match &new.password {
        None => String::new(),
        Some(password) => app
            .authenticator
            .passwords()
            .hash(password)
            .await
            .map_err(|error| bad("password", error.to_string()))?,
    };
    let user = NewUser {
        office: office.id,
        login,
        name: new.name.trim().to_owned(),
        email: email.to_string(),
        password_hash,
        rights,
    };
    let id = app.store.create_user(user).await?;
    people_changed(&app).await?;
    Ok((
        StatusCode::CREATED,
        Answer(PersonMade {
            id: id.0,
            office: office.name,
        }),
    ))
}

async fn add_key(
    State(app): State<App>,
    Json(new): Json<NewKey>,
) -> Result<(StatusCode, Answer<KeyMade>), ApiError> {
    let (office, user): (_, Option<User>) = match (&new.user, &new.office) {
        (Some(login), None) => {
            let user = app.store.user_by_login(&login.to_lowercase()).await?;
            let user =
                user.ok_or_else(|| bad("user", format!("there is no user with the login {login:?}")))?;
            (user.office, Some(user))
        }
        (None, Some(name)) => (office_named(&app, Some(name)).await?.id, None),
        (None, None) | (Some(_), Some(_)) => {
            return Err(bad(
                "user",
                "a key belongs to a user or to an office: name one of them",
            ));
        }
    };
    if let Some(scope) = new
        .scopes
        .iter()
        .find(|scope| !KEY_SCOPES.contains(&scope.as_str()))
    {
        return Err(bad(
            "scopes",
            format!("{scope:?} is not a scope; they are {}", KEY_SCOPES.join(", ")),
        ));
    }
    let secret = Secret::key();
    let key = NewApiKey {
        hash: secret.hash(),
        prefix: secret.prefix(),
        label: new.label,
        office,
        user: user.map(|user| user.id),
        scopes: new.scopes,
        created_at: app.clock.now(),
    };
    let id = app.store.create_key(key).await?;
    app.authenticator.forget_all();
    let made = KeyMade {
        id: id.0,
        secret: secret.reveal().to_owned(),
    };
    Ok((StatusCode::CREATED, Answer(made)))
}

async fn check(State(app): State<App>) -> Result<Answer<Checked>, ApiError> {
    let report = app.store.check().await?;
    Ok(Answer(Checked {
        messages: report.messages,
        work: report.work,
        differences: report.differences,
    }))
}

async fn flush(State(app): State<App>) -> Result<Answer<Flushed>, ApiError> {
    let mut made_due = 0u64;
    loop {
        let moved = app.store.flush(&Scope::everything(), app.clock.now()).await?;
        made_due += u64::from(moved);
        app.wake_engine();
        if moved < 256 {
            return Ok(Answer(Flushed { made_due }));
        }
    }
}

/// The office of a name; without one the System Office, which is made where there is none yet.
async fn office_named(app: &App, name: Option<&str>) -> Result<Office, ApiError> {
    let offices = app.store.offices().await?;
    let directory = Directory::new(offices.clone());
    if let Some(name) = name {
        if let Some(office) = directory.by_name(name) {
            return Ok(office.clone());
        }
        let known: Vec<String> = offices
            .iter()
            .map(|office| format!("{:?}", office.name))
            .collect();
        let known = if known.is_empty() {
            "none yet".to_owned()
        } else {
            known.join(", ")
        };
        return Err(bad(
            "office",
            format!("there is no office {name:?}; there is {known}"),
        ));
    }
    if let Some(root) = directory.root() {
        return Ok(root.clone());
    }
    let office = NewOffice {
        parent: None,
        name: SYSTEM_OFFICE.to_owned(),
        route: postroom_domain::RouteId::SERVER,
    };
    let id = app.store.create_office(office).await?;
    Ok(Office {
        id,
        parent: None,
        name: SYSTEM_OFFICE.to_owned(),
        route: postroom_domain::RouteId::SERVER,
    })
}

async fn people_changed(app: &App) -> Result<(), ApiError> {
    app.authenticator.forget_all();
    app.senders.refresh().await?;
    Ok(())
}

fn rights_from(names: &[String]) -> Result<Rights, ApiError> {
    let mut rights = Rights::default();
    for name in names {
        match name.as_str() {
            "super_user" => rights.super_user = true,
            "enterprise_view" => rights.enterprise_view = true,
            "administrator" => rights.administrator = true,
            "customize_list_layout" => rights.customize_list_layout = true,
            other => {
                return Err(bad(
                    "rights",
                    format!(
                        "{other:?} is not a right; they are super_user, enterprise_view, administrator, customize_list_layout"
                    ),
                ));
            }
        }
    }
    Ok(rights)
}

fn bad(field: &str, reason: impl Into<String>) -> ApiError {
    Refusal::BadValue {
        field: field.to_owned(),
        reason: reason.into().into(),
    }
    .into()
}
