//! What the operator's commands ask of a running server, through the socket in its data folder.

pub mod wire;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json as Answer, Router};
use postroom_domain::{Damage, MessageId, Scope};
use postroom_office::{Directory, Principal, Secret};
use postroom_store::{By, NewApiKey, NewOffice, NewUser, Office, OpenKeys, User};

use super::App;
use super::extract::Json;
use super::people::fields::{self, bad};
use super::people::own_address::{check_email, check_login};
use super::people::setup::SYSTEM_OFFICE;
use super::problem::ApiError;
use super::session::rights_of;
use crate::alerts;
use wire::{
    Acknowledged, Barred, Checked, Clash, ContentsChecked, ContentsToCheck, Damaged, Flushed, KeyMade,
    LinkMade, LinkOf, NewKey, NewPerson, PasswordOf, PasswordSet, PersonMade, PersonRow, TableChecked,
    TableToCheck,
};

/// The admin routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/v1/users", get(users).post(add_user))
        .route("/admin/v1/password", post(set_password))
        .route("/admin/v1/link", post(make_link))
        .route("/admin/v1/keys", post(add_key))
        .route("/admin/v1/check", post(check))
        .route("/admin/v1/acknowledge-losses", post(acknowledge_losses))
        .route("/admin/v1/check/table", post(check_table))
        .route("/admin/v1/check/contents", post(check_contents))
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
    let login = fields::login(&new.login)?;
    let name = fields::name("name", &new.name)?;
    let email = fields::email(&new.email)?;
    let rights = fields::rights(&new.rights)?;
    let office = office_named(&app, new.office.as_deref()).await?;
    check_login(&app, &login)?;
    check_email(&app, &app.directory().await?, office.id, &email)?;
    let password_hash = match &new.password {
        None => String::new(),
        Some(password) => fields::password_hash(&app, password).await?,
    };
    let user = NewUser {
        office: office.id,
        login,
        name,
        email,
        password_hash,
        rights,
    };
    let branches = postroom_store::Branches::All;
    let made = app.store.add_user(user, branches, &operator(&app)).await?;
    app.people_changed().await?;
    Ok((
        StatusCode::CREATED,
        Answer(PersonMade {
            id: made.id.0,
            office: office.name,
        }),
    ))
}

async fn set_password(
    State(app): State<App>,
    Json(given): Json<PasswordOf>,
) -> Result<Answer<PasswordSet>, ApiError> {
    let user = app.store.user_by_login(&given.login).await?;
    let user = user.ok_or_else(|| bad("login", format!("there is no user {:?}", given.login)))?;
    let hash = fields::password_hash(&app, &given.password).await?;
    let (keys, keys_ended) = if given.end_keys {
        let all = app.store.keys().await?;
        let theirs = all.iter().filter(|key| key.user == Some(user.id)).count();
        (OpenKeys::End, theirs)
    } else {
        (OpenKeys::Keep, 0)
    };
    app.store
        .change_password(user.id, hash, keys, &operator(&app))
        .await?;
    app.people_changed().await?;
    Ok(Answer(PasswordSet { keys_ended }))
}

async fn make_link(State(app): State<App>, Json(given): Json<LinkOf>) -> Result<Answer<LinkMade>, ApiError> {
    let user = app.store.user_by_login(&given.login.to_lowercase()).await?;
    let user = user.ok_or_else(|| bad("login", format!("there is no user {:?}", given.login)))?;
    if user.disabled {
        let text = format!("{:?} is disabled: enable the account first", given.login);
        return Err(bad("login", text));
    }
    let link = app.accounts.link(&user).await?;
    Ok(Answer(LinkMade {
        link: link.url(&alerts::base_url(&app.config())),
        ends_at: link.ends_at,
    }))
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
    fields::scopes(&new.scopes)?;
    let label = fields::label(&new.label)?;
    let by = operator(&app);
    let ends_at = fields::key_end(new.ends_at, by.at)?;
    let secret = Secret::key();
    let key = NewApiKey {
        hash: secret.hash(),
        prefix: secret.prefix(),
        label,
        office,
        user: user.map(|user| user.id),
        scopes: new.scopes,
        created_at: by.at,
        ends_at,
    };
    let id = app.store.add_key(key, &by).await?;
    let made = KeyMade {
        id: id.0,
        secret: secret.reveal().to_owned(),
    };
    Ok((StatusCode::CREATED, Answer(made)))
}

async fn check(State(app): State<App>) -> Result<Answer<Checked>, ApiError> {
    let report = app.store.check().await?;
    let clashes = app.store.sign_in_clashes().await?.into_iter();
    let users = app.store.users().await?;
    let barred = app.senders.reserved().barred(&users, &app.directory().await?);
    Ok(Answer(Checked {
        barred_people: barred
            .into_iter()
            .map(|one| Barred {
                user: one.user.0,
                email: one.email,
                reason: one.bar.to_string(),
            })
            .collect(),
        sign_in_clashes: clashes
            .map(|clash| Clash {
                name: clash.name,
                login_of: clash.login_of.0,
                address_of: clash.address_of.0,
            })
            .collect(),
        messages: report.messages,
        work: report.work,
        differences: report.differences,
        damaged: damaged(report.damaged),
        without_checksum: report.without_checksum,
        contents: report.contents,
        tables: report.tables,
    }))
}

async fn acknowledge_losses(State(app): State<App>) -> Result<Answer<Acknowledged>, ApiError> {
    let losses = app.store.acknowledge_losses().await?;
    Ok(Answer(Acknowledged { losses }))
}

async fn check_table(
    State(app): State<App>,
    Json(asked): Json<TableToCheck>,
) -> Result<Answer<TableChecked>, ApiError> {
    let problems = app.store.check_table(&asked.table).await?;
    Ok(Answer(TableChecked { problems }))
}

async fn check_contents(
    State(app): State<App>,
    Json(asked): Json<ContentsToCheck>,
) -> Result<Answer<ContentsChecked>, ApiError> {
    let after = match &asked.after {
        None => MessageId::MIN,
        Some(id) => id
            .parse()
            .map_err(|_| bad("after", format!("{id:?} is not the id of a message")))?,
    };
    let found = app.store.check_contents(after, app.clock.now()).await?;
    Ok(Answer(ContentsChecked {
        next: found.next.map(|id| id.to_string()),
        verified: found.verified,
        damaged: damaged(found.damaged),
    }))
}

fn damaged(found: Vec<(MessageId, Damage)>) -> Vec<Damaged> {
    let one = |(id, damage): (MessageId, Damage)| Damaged {
        id: id.to_string(),
        what: damage.words().to_owned(),
    };
    found.into_iter().map(one).collect()
}

async fn flush(State(app): State<App>) -> Result<Answer<Flushed>, ApiError> {
    let (mut made_due, mut after) = (0u64, None);
    loop {
        let step = app
            .store
            .flush(&Scope::everything(), after, app.clock.now())
            .await?;
        made_due += u64::from(step.changed);
        app.try_now();
        after = step.last;
        if after.is_none() {
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
    Ok(app.store.add_office(office, &operator(app)).await?)
}

/// The operator, now.
fn operator(app: &App) -> By {
    app.by(&Principal::operator())
}
