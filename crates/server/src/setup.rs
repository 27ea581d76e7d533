//! The secret of a new server, in a file that its owner alone can read.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use postroom_office::Accounts;

/// Where the secret is.
pub(crate) fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("setup-secret")
}

/// Draws the secret of a server without users, keeps it in its file, and answers the words for the operator; removes
/// the file of a server that has users. `page` is where the web page is, where there is one.
///
/// # Errors
/// Where the store cannot be asked or the file cannot be written.
pub(crate) async fn prepare(
    accounts: &Accounts,
    data_dir: &Path,
    page: Option<&str>,
) -> anyhow::Result<Option<String>> {
    let Some(secret) = accounts.draw_setup_secret().await? else {
        forget(data_dir);
        return Ok(None);
    };
    let path = file(data_dir);
    write(&path, secret.reveal()).with_context(|| format!("cannot write {}", path.display()))?;
    let way = page.map_or_else(
        || "Run:".to_owned(),
        |page| format!("Open {page}/setup in a browser, or run:"),
    );
    Ok(Some(format!(
        "Nobody can sign in yet. Make the first administrator with this secret, which works once:\n\n    {}\n\n\
         It is in {}, too. {way}\n\n    postroom setup --login admin --name \"Administrator\" \
         --email admin@example.com --password-stdin",
        secret.reveal(),
        path.display()
    )))
}

/// Removes the file; a secret that was used is worth nothing, so that an error is of no consequence.
pub(crate) fn forget(data_dir: &Path) {
    drop(std::fs::remove_file(file(data_dir)));
}

fn write(path: &Path, secret: &str) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{secret}")
}
