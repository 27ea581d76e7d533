//! Runs seeds and cases from the command line; see [`USAGE`].

mod soak;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use postroom_simulator::case::Case;
use postroom_simulator::plan::{Scale, plan};
use postroom_simulator::run;
use postroom_simulator::shrink::shrink;

/// What the command takes.
const USAGE: &str = "\
postroom-simulator soak SEEDS [FIRST]     large seeds, on all cores; says what was reached and what was not
postroom-simulator soak-small SEEDS FIRST the same with small ones, as the tests run
postroom-simulator seed SEED              one large seed
postroom-simulator small SEED             one small seed
postroom-simulator case FILE              a case
postroom-simulator write SEED small|large a seed as a case
postroom-simulator shrink FILE RULE WORDS cuts a case down to what still breaks the rule with these words
SIMULATOR_TRACE=1 prints what happens in a seed or a case";

fn main() -> ExitCode {
    command().unwrap_or_else(|error| {
        tell(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}

fn command() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["soak", seeds] => many(seeds, "0", Scale::LARGE),
        ["soak", seeds, first] => many(seeds, first, Scale::LARGE),
        ["soak-small", seeds, first] => many(seeds, first, Scale::SMALL),
        ["seed", seed] => one(&plan(number(seed)?, Scale::LARGE)),
        ["small", seed] => one(&plan(number(seed)?, Scale::SMALL)),
        ["case", file] => one(&read(file)?),
        ["write", seed, "small"] => written(seed, Scale::SMALL),
        ["write", seed, "large"] => written(seed, Scale::LARGE),
        ["shrink", file, rule, words] => {
            let case = read(file)?;
            let small = shrink(&case, |v| {
                format!("{:?}", v.rule) == *rule && v.what.contains(words)
            });
            say(&small.to_text()?);
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            tell(USAGE);
            Ok(ExitCode::from(2))
        }
    }
}

fn read(file: &str) -> anyhow::Result<Case> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    Case::from_text(&text).with_context(|| format!("{file} is not a case"))
}

fn written(seed: &str, scale: Scale) -> anyhow::Result<ExitCode> {
    say(&plan(number(seed)?, scale).to_text()?);
    Ok(ExitCode::SUCCESS)
}

fn one(case: &Case) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let report = run(case)?;
    let hours = report.passed.as_secs() / 3_600;
    say(&format!(
        "{} events, {} letters, {hours} h in {:?}, trace {:016x}",
        case.events.len(),
        report.letters,
        began.elapsed(),
        report.trace
    ));
    for violation in &report.violations {
        say(&violation.to_string());
    }
    Ok(code(report.violations.is_empty()))
}

/// Runs `seeds` seeds from `first` on.
fn many(seeds: &str, first: &str, scale: Scale) -> anyhow::Result<ExitCode> {
    let (seeds, first): (u64, u64) = (number(seeds)?, number(first)?);
    let soak = soak::soak(first..first.saturating_add(seeds), scale, say, tell);
    say(&soak.to_string());
    Ok(code(soak.is_good()))
}

fn number(word: &str) -> anyhow::Result<u64> {
    word.parse()
        .with_context(|| format!("\"{word}\" is not a number"))
}

fn code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(clippy::print_stderr, reason = "progress, which is no result")]
fn tell(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "what the command is for")]
fn say(text: &str) {
    println!("{text}");
}
