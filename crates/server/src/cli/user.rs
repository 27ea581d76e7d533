//! `postroom user`: adds and lists users.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use axum::http::Method;
use clap::{Args, Subcommand};
use postroom_domain::legible;
use postroom_store::Account;

use super::ConfigFile;
use super::operator::Operator;
use super::out::{note, out};
use super::people::{People, version};
use crate::http::admin_wire::{LinkMade, LinkOf, NewPerson, PasswordOf, PasswordSet, PersonMade, PersonRow};
use crate::http::wire::people::{Keys, RightsEdit, UserEdit, UserRow};

/// Add and list users
#[derive(Debug, Args)]
pub(super) struct UserCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a user
    Add(Add),
    /// List users
    List(ConfigFile),
    /// Keep a user from signing in; sessions, links and API keys end
    Disable(OneUser),
    /// Let a disabled user sign in again
    Enable(OneUser),
    /// Set a user's rights, whole: what is not named is taken away
    Rights(RightsOf),
    /// Change a user's name, login or address; with another login or address their sessions and links end
    Change(Change),
    /// Set a user's password, read from the first line of standard input; their sessions end
    Password(PasswordFor),
    /// Print a link with which a user chooses a new password; it works once, for an hour
    Link(OneUser),
}

#[derive(Debug, Args)]
struct OneUser {
    /// The login or the address
    login: String,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
struct PasswordFor {
    /// Revoke their API keys, too: after somebody else could have made or copied one
    #[arg(long)]
    end_keys: bool,
    #[command(flatten)]
    user: OneUser,
}

#[derive(Debug, Args)]
struct RightsOf {
    /// The login or the address
    login: String,
    /// super_user, enterprise_view, administrator or customize_list_layout; several with commas; none takes all away
    #[arg(value_name = "RIGHTS", value_delimiter = ',')]
    rights: Vec<String>,
    /// Limit Enterprise View to this office and those below it; again for several
    #[arg(long, value_name = "OFFICE")]
    branch: Vec<String>,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
struct Change {
    /// The login, the address or the number
    user: String,
    /// Their new login
    #[arg(long, required_unless_present_any = ["email", "name"])]
    login: Option<String>,
    /// Their new address, which they send from
    #[arg(long)]
    email: Option<String>,
    /// Their new name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
struct Add {
    /// What they sign in with
    #[arg(long)]
    login: String,
    /// Their address, which they send from
    #[arg(long)]
    email: String,
    /// Their name
    #[arg(long)]
    name: String,
    /// Read the password from standard input (its first line); without it they cannot sign in, but have keys
    #[arg(long)]
    password_stdin: bool,
    /// Their office's name; without it the System Office
    #[arg(long)]
    office: Option<String>,
    /// super_user, enterprise_view, administrator or customize_list_layout; several with commas or again
    #[arg(long = "rights", alias = "right", value_name = "RIGHT", value_delimiter = ',')]
    rights: Vec<String>,
    #[command(flatten)]
    config: ConfigFile,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the user, or the store.
pub(super) async fn run(command: UserCommand) -> anyhow::Result<ExitCode> {
    match command.action {
        Action::Add(add) => add_user(add).await?,
        Action::List(file) => list(&file).await?,
        Action::Disable(one) => set_account(&one, Account::Disabled).await?,
        Action::Enable(one) => set_account(&one, Account::Enabled).await?,
        Action::Rights(rights) => set_rights(rights).await?,
        Action::Change(change) => change_user(change).await?,
        Action::Password(given) => set_password(given).await?,
        Action::Link(one) => print_link(one).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn add_user(add: Add) -> anyhow::Result<()> {
    let config = add.config.load()?;
    let password = add.password_stdin.then(read_password).transpose()?;
    let new = NewPerson {
        login: add.login,
        name: add.name,
        email: add.email,
        password,
        office: add.office,
        rights: add.rights,
    };
    let operator = Operator::connect(&config).await?;
    let made: PersonMade = operator.post("/admin/v1/users", &new).await?;
    operator.close().await;
    out!("user {} added: {} in {}", made.id, new.login, made.office);
    Ok(())
}

async fn set_account(one: &OneUser, account: Account) -> anyhow::Result<()> {
    let operator = Operator::connect(&one.config.load()?).await?;
    let people = People::read(&operator).await?;
    let user = people.user(&one.login)?;
    let edit = UserEdit {
        disabled: Some(account == Account::Disabled),
        ..UserEdit::default()
    };
    let path = format!("/api/v1/users/{}", user.id);
    let version = version(user)?;
    let _: UserRow = operator
        .change(Method::PATCH, &path, Some(version), &edit)
        .await?;
    operator.close().await;
    let word = match account {
        Account::Disabled => "disabled: sessions and API keys have ended",
        Account::Enabled => "enabled",
    };
    out!("{} is {word}", one.login);
    Ok(())
}

async fn change_user(given: Change) -> anyhow::Result<()> {
    let operator = Operator::connect(&given.config.load()?).await?;
    let people = People::read(&operator).await?;
    let user = people.user(&given.user)?;
    let edit = UserEdit {
        name: given.name,
        login: given.login,
        email: given.email,
        disabled: None,
    };
    let path = format!("/api/v1/users/{}", user.id);
    let version = version(user)?;
    let after: UserRow = operator
        .change(Method::PATCH, &path, Some(version), &edit)
        .await?;
    operator.close().await;
    let login = after.login.unwrap_or_default();
    out!(
        "user {}: {}, {} <{}>",
        after.id,
        legible::escaped(&login),
        after.name,
        legible::escaped(&after.email)
    );
    Ok(())
}

async fn set_rights(given: RightsOf) -> anyhow::Result<()> {
    let operator = Operator::connect(&given.config.load()?).await?;
    let people = People::read(&operator).await?;
    let user = people.user(&given.login)?;
    let branches = given
        .branch
        .iter()
        .map(|name| people.office(name).map(|office| office.id))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let edit = RightsEdit {
        rights: given
            .rights
            .into_iter()
            .filter(|right| !right.is_empty())
            .collect(),
        branches: (!branches.is_empty()).then_some(branches),
    };
    let path = format!("/api/v1/users/{}/rights", user.id);
    let version = version(user)?;
    let keys = keys_of(&operator, user.id).await?;
    let after: UserRow = operator.change(Method::PUT, &path, Some(version), &edit).await?;
    let still = keys_of(&operator, user.id).await?;
    operator.close().await;
    let ended = keys.iter().filter(|key| !still.contains(key)).count();
    let ended = if ended == 0 { String::new() } else { revoked(ended) };
    let rights = after.rights.unwrap_or_default();
    let rights = if rights.is_empty() {
        "no rights".to_owned()
    } else {
        rights.join(",")
    };
    let limits = after.branches.map_or_else(String::new, |branches| {
        let names: Vec<_> = branches.into_iter().map(|branch| branch.name).collect();
        format!(" (below {} alone)", names.join(", "))
    });
    out!("{} has {rights}{limits}{ended}", given.login);
    Ok(())
}

/// The numbers of a person's API keys.
async fn keys_of(operator: &Operator, user: i64) -> anyhow::Result<Vec<i64>> {
    let found: Keys = operator.get("/api/v1/keys").await?;
    let keys = found.keys.into_iter();
    let theirs = keys.filter(|key| key.user.as_ref().is_some_and(|whose| whose.id == user));
    Ok(theirs.map(|key| key.id).collect())
}

async fn set_password(given: PasswordFor) -> anyhow::Result<()> {
    let OneUser { login, config } = given.user;
    let new = PasswordOf {
        login,
        password: read_password()?,
        end_keys: given.end_keys,
    };
    let operator = Operator::connect(&config.load()?).await?;
    let set: PasswordSet = operator.post("/admin/v1/password", &new).await?;
    operator.close().await;
    let keys = if given.end_keys {
        revoked(set.keys_ended)
    } else {
        String::new()
    };
    out!(
        "{} has a new password; their sessions have ended{keys}",
        new.login
    );
    Ok(())
}

async fn print_link(one: OneUser) -> anyhow::Result<()> {
    let of = LinkOf { login: one.login };
    let operator = Operator::connect(&one.config.load()?).await?;
    let made: LinkMade = operator.post("/admin/v1/link", &of).await?;
    operator.close().await;
    note!(
        "this link lets {} choose a new password once, until {}",
        of.login,
        made.ends_at
    );
    out!("{}", made.link);
    Ok(())
}

/// The end of a sentence that says how many API keys were revoked.
fn revoked(keys: usize) -> String {
    let s = if keys == 1 { "" } else { "s" };
    format!("; {keys} API key{s} revoked")
}

/// The password on standard input.
///
/// # Errors
/// Where there is none.
pub(super) fn read_password() -> anyhow::Result<String> {
    let mut given = String::new();
    std::io::stdin()
        .take(4096)
        .read_to_string(&mut given)
        .context("the password on standard input")?;
    let first = given.lines().next().unwrap_or("");
    anyhow::ensure!(!first.is_empty(), "there is no password on standard input");
    Ok(first.to_owned())
}

async fn list(file: &ConfigFile) -> anyhow::Result<()> {
    let operator = Operator::connect(&file.load()?).await?;
    let users: Vec<PersonRow> = operator.get("/admin/v1/users").await?;
    operator.close().await;
    for user in users {
        let disabled = if user.disabled { " (disabled)" } else { "" };
        out!(
            "{:>4}  {:<16} {:<24} {:<32} {:<20} {}{disabled}",
            user.id,
            legible::escaped(&user.login),
            user.name,
            legible::escaped(&user.email),
            user.office,
            user.rights.join(",")
        );
    }
    Ok(())
}
