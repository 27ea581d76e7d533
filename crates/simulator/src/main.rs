//! Runs seeds and cases from the command line:
//!
//! ```text
//! postroom-simulator soak SEEDS [FIRST]   seeds with much in each; prints what was reached
//! postroom-simulator seed SEED            one of them
//! postroom-simulator small SEED           one with little in it, as the tests run
//! postroom-simulator case FILE            a case
//! postroom-simulator write SEED SCALE     a seed as a case, small or large
//! postroom-simulator shrink FILE RULE WORDS   cuts a case down to what still breaks the rule with these words
//! ```

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use postroom_simulator::case::Case;
use postroom_simulator::coverage::Coverage;
use postroom_simulator::plan::{Scale, plan};
use postroom_simulator::shrink::shrink;
use postroom_simulator::{Rule, run};

/// Large seeds over which everything that is wanted has to be reached.
const SEEDS_THAT_REACH_ALL: u64 = 300;

fn main() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["soak", seeds] => soak(seeds.parse()?, 0, Scale::LARGE),
        ["soak", seeds, first] => soak(seeds.parse()?, first.parse()?, Scale::LARGE),
        ["smalls", seeds, first] => soak(seeds.parse()?, first.parse()?, Scale::SMALL),
        ["seed", seed] => one(&plan(seed.parse()?, Scale::LARGE)),
        ["small", seed] => one(&plan(seed.parse()?, Scale::SMALL)),
        ["case", file] => one(&Case::from_text(&std::fs::read_to_string(file)?)?),
        ["write", seed, scale] => {
            let scale = if *scale == "small" {
                Scale::SMALL
            } else {
                Scale::LARGE
            };
            say(&plan(seed.parse()?, scale).to_text()?);
            Ok(ExitCode::SUCCESS)
        }
        ["shrink", file, rule, words] => {
            let case = Case::from_text(&std::fs::read_to_string(file)?)?;
            let small = shrink(&case, |v| {
                format!("{:?}", v.rule) == *rule && v.what.contains(words)
            });
            say(&small.to_text()?);
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("soak SEEDS [FIRST] | seed SEED | small SEED | case FILE | shrink FILE RULE WORDS"),
    }
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

fn soak(seeds: u64, first: u64, scale: Scale) -> anyhow::Result<ExitCode> {
    let (mut coverage, mut failed) = (Coverage::default(), 0);
    let mut broken: BTreeMap<Rule, Vec<u64>> = BTreeMap::new();
    let began = Instant::now();
    for seed in first..first + seeds {
        let report = run(&plan(seed, scale))?;
        coverage.add(&report.coverage);
        failed += u64::from(!report.violations.is_empty());
        for violation in report.violations {
            say(&format!("seed {seed}: {violation}"));
            let seeds = broken.entry(violation.rule).or_default();
            if seeds.last() != Some(&seed) {
                seeds.push(seed);
            }
        }
    }
    say(&format!("{coverage}"));
    for (rule, seeds) in &broken {
        say(&format!(
            "{rule:?}: {} seeds, among them {:?}",
            seeds.len(),
            seeds.iter().take(8).collect::<Vec<_>>()
        ));
    }
    let missing = coverage.missing();
    for what in &missing {
        say(&format!("never reached: {what}"));
    }
    // What a small seed is for is every commit; what is rare takes many large ones.
    let reaches = scale == Scale::SMALL || seeds < SEEDS_THAT_REACH_ALL || missing.is_empty();
    say(&format!("{seeds} seeds, {failed} failed, {:?}", began.elapsed()));
    Ok(code(failed == 0 && reaches))
}

fn code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(clippy::print_stdout, reason = "what the command is for")]
fn say(text: &str) {
    println!("{text}");
}
