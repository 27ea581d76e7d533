//! `postroom check`: counts, the database's pages, and with `--deep` the checksum of all content.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Args;
use postroom_domain::legible;

use super::ConfigFile;
use super::operator::Operator;
use super::out::out;
use crate::http::admin_wire::{
    Acknowledged, Barred, Checked, Clash, ContentsChecked, ContentsToCheck, Damaged, TableChecked,
    TableToCheck,
};

/// Exit status 2: stored counters differ from the data, or committed work was lost; no mail is damaged.
const DIFFERS: u8 = 2;
/// Exit status 3: something stored is damaged.
const DAMAGED: u8 = 3;
/// Damaged messages that are named one by one.
const NAMED_MAX: usize = 100;

/// Options of `postroom check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    file: ConfigFile,
    /// Read the content of every message and compare it with its checksum; takes a while on a large database
    #[arg(long)]
    deep: bool,
    /// Stop reporting losses of committed work that were reported before
    #[arg(long)]
    acknowledge_losses: bool,
}

/// Checks and prints what is wrong and what to do.
///
/// # Errors
/// Where the store cannot be asked.
pub(super) async fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let operator = Operator::connect(&args.file.load()?).await?;
    if args.acknowledge_losses {
        let acknowledged: Acknowledged = operator
            .post("/admin/v1/acknowledge-losses", &serde_json::json!({}))
            .await?;
        out!("{} losses acknowledged", acknowledged.losses);
    }
    let mut progress = Progress::new();
    let counted: Checked = operator.post("/admin/v1/check", &serde_json::json!({})).await?;
    out!(
        "{} messages, {} of them unfinished",
        counted.messages,
        counted.work
    );
    let problems = tables(&operator, &counted.tables, &mut progress).await?;
    let mut damaged = counted.damaged;
    let mut verified = None;
    if args.deep {
        let (n, found) = contents(&operator, counted.contents, &mut progress).await?;
        damaged.retain(|known| found.iter().all(|found| found.id != known.id));
        damaged.extend(found);
        verified = Some(n);
    }
    progress.end();
    operator.close().await;

    for difference in &counted.differences {
        out!("{difference}");
    }
    if counted.differences.is_empty() {
        out!("all counts are right");
    }
    for problem in &problems {
        out!("{problem}");
    }
    if problems.is_empty() {
        out!("the database's pages and indexes are right");
    }
    if let Some(n) = verified {
        out!("{n} contents verified");
    }
    if counted.without_checksum > 0 {
        out!(
            "{} contents without a checksum yet: they were stored by an earlier version, and the running server computes \
             their checksums in the background",
            counted.without_checksum
        );
    }
    print_people(&counted.sign_in_clashes, &counted.barred_people);
    print_damaged(&damaged);
    advise(&problems, &damaged, &counted.differences);
    Ok(if !problems.is_empty() || !damaged.is_empty() {
        ExitCode::from(DAMAGED)
    } else if counted.differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DIFFERS)
    })
}

/// Says who cannot sign in by a name, or send from their own address.
fn print_people(clashes: &[Clash], barred: &[Barred]) {
    for clash in clashes {
        out!(
            "{:?} is the login of user {} and the e-mail address of user {}: nobody can sign in with it. Give one of them \
             another login or address: postroom user change {} --login …",
            clash.name,
            clash.login_of,
            clash.address_of,
            clash.login_of
        );
    }
    for one in barred {
        out!(
            "user {} cannot send from {}: {}. Give them another address: postroom user change {} --email …",
            one.user,
            legible::escaped(&one.email),
            one.reason,
            one.user
        );
    }
}

async fn tables(
    operator: &Operator,
    tables: &[String],
    progress: &mut Progress,
) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for (n, table) in tables.iter().enumerate() {
        progress.say(&format!("checking table {table} ({} of {})", n + 1, tables.len()));
        let asked = TableToCheck { table: table.clone() };
        let found: TableChecked = operator.post("/admin/v1/check/table", &asked).await?;
        problems.extend(found.problems);
    }
    Ok(problems)
}

async fn contents(
    operator: &Operator,
    all: u64,
    progress: &mut Progress,
) -> anyhow::Result<(u64, Vec<Damaged>)> {
    let (mut verified, mut damaged) = (0, Vec::new());
    let mut after = None;
    loop {
        let found: ContentsChecked = operator
            .post("/admin/v1/check/contents", &ContentsToCheck { after })
            .await?;
        verified += found.verified;
        damaged.extend(found.damaged);
        progress.say(&format!("verifying content: {verified} of {all}"));
        after = found.next;
        if after.is_none() {
            return Ok((verified, damaged));
        }
    }
}

fn print_damaged(damaged: &[Damaged]) {
    for one in damaged.iter().take(NAMED_MAX) {
        out!("message {}: {}", one.id, one.what);
    }
    if damaged.len() > NAMED_MAX {
        out!("and {} more damaged messages", damaged.len() - NAMED_MAX);
    }
}

fn advise(problems: &[String], damaged: &[Damaged], differences: &[String]) {
    if !problems.is_empty() {
        out!(
            "The database file is damaged. Stop the server, keep a copy of the data folder, test the disk and the memory, \
             and restore the last backup; without one, sqlite3 postroom.db .recover saves what can still be read."
        );
    } else if !damaged.is_empty() {
        out!(
            "Damaged messages are not sent: send them anew from their source, then delete their records. Test the disk \
             and the memory of this machine."
        );
    } else if !differences.is_empty() {
        out!("No mail is damaged. Where counters differ, report it with this output.");
    }
}

/// Says on a terminal what is under way; nothing where the output goes elsewhere.
struct Progress {
    shown: bool,
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self {
            shown: false,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    fn say(&mut self, words: &str) {
        if self.terminal {
            // A terminal that is gone shows nothing; the check goes on.
            let _ = write!(std::io::stderr(), "\r\x1b[2K{words}");
            self.shown = true;
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}
