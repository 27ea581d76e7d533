//! With the feature `ui`: refuses to build without the web interface, or with one older than its sources.
//!
//! Every file of `ui/dist` ends in the binary, so a stale folder would be shipped silently.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// What the build of the web interface reads, as in `ui/scripts/source-hash.mjs`.
const INPUTS: [&str; 7] = [
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "svelte.config.js",
    "vite.config.ts",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_UI").is_none() {
        return;
    }
    let ui = Path::new("../../ui");
    for input in INPUTS.iter().chain(&["dist"]) {
        println!("cargo::rerun-if-changed={}", ui.join(input).display());
    }
    if let Err(what) = check(ui) {
        println!("cargo::error={what}");
    }
}

fn check(ui: &Path) -> Result<(), String> {
    const BUILD: &str = "run `npm ci && npm run build` in ui/ (or `make run`)";
    if !ui.join("dist/index.html").is_file() {
        return Err(format!("the web interface is not built: {BUILD}"));
    }
    let built = fs::read_to_string(ui.join("dist/.source-hash"))
        .map_err(|error| format!("ui/dist/.source-hash: {error}: {BUILD}"))?;
    let now = source_hash(ui).map_err(|error| format!("the sources in ui/ cannot be read: {error}"))?;
    if built.trim() == now {
        return Ok(());
    }
    Err(format!("ui/dist is older than the sources in ui/: {BUILD}"))
}

/// SHA-256 over each file in byte order of its path: the path, a NUL, the content, a NUL.
fn source_hash(ui: &Path) -> std::io::Result<String> {
    let mut files = Vec::new();
    for input in INPUTS {
        collect(ui, &ui.join(input), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for (name, path) in files {
        hash.update(name.as_bytes());
        hash.update(b"\0");
        hash.update(fs::read(path)?);
        hash.update(b"\0");
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn collect(ui: &Path, path: &Path, files: &mut Vec<(String, PathBuf)>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(ui, &entry?.path(), files)?;
        }
    } else {
        let name = path.strip_prefix(ui).unwrap_or(path);
        files.push((name.to_string_lossy().into_owned(), path.to_owned()));
    }
    Ok(())
}
