//! Seeds and cases: each runs twice, keeps every rule, and does the same both times.

mod share;
mod waits;

use std::path::Path;

use postroom_simulator::case::Case;
use postroom_simulator::plan::{Scale, plan};
use postroom_simulator::run;

/// Runs a case twice; answers what is wrong with it.
fn twice(name: &str, case: &Case) -> Vec<String> {
    let (first, again) = match (run(case), run(case)) {
        (Ok(first), Ok(again)) => (first, again),
        (Err(error), _) | (_, Err(error)) => return vec![format!("{name}: {error:#}")],
    };
    let mut wrong: Vec<String> = first
        .violations
        .iter()
        .map(|violation| format!("{name}: {violation}"))
        .collect();
    if first.trace != again.trace {
        wrong.push(format!("{name}: another trace the second time"));
    }
    wrong
}

fn seeds(all: impl IntoIterator<Item = u64>) {
    let wrong: Vec<String> = all
        .into_iter()
        .flat_map(|seed| {
            let name = format!("seed {seed} (postroom-simulator small {seed})");
            twice(&name, &plan(seed, Scale::SMALL))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fixed_seeds_keep_every_rule_first_part() {
    seeds(0..15);
}

#[test]
fn fixed_seeds_keep_every_rule_second_part() {
    seeds(15..30);
}

#[test]
fn fixed_seeds_keep_every_rule_third_part() {
    seeds(30..45);
}

#[test]
fn fixed_seeds_keep_every_rule_fourth_part() {
    seeds(45..60);
}

#[test]
fn cases_that_failed_once_keep_every_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("is there")
        .map(|entry| entry.expect("reads").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "case"))
        .collect();
    files.sort();
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("reads");
        let case = Case::from_text(&text).expect("is a case");
        wrong.extend(twice(&file.display().to_string(), &case));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn case_comes_back_as_it_was_written() {
    let case = plan(7, Scale::SMALL);
    let text = case.to_text().expect("can be written");
    assert_eq!(Case::from_text(&text).expect("can be read"), case);
}
