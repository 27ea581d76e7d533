//! Runs many seeds, one on each core, and reports progress.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use postroom_simulator::coverage::Coverage;
use postroom_simulator::plan::{Scale, plan};
use postroom_simulator::{Report, Rule, run};

/// Large seeds over which everything that is wanted has to be reached.
const SEEDS_THAT_REACH_ALL: u64 = 300;
/// A seed that takes longer is taken for one that does not end; a large one takes three seconds.
const SEED_TIME_MAX: Duration = Duration::from_mins(3);
/// How often progress is reported.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// The results of a run of many seeds.
#[derive(Debug)]
pub(crate) struct Soak {
    seeds: Range<u64>,
    scale: Scale,
    took: Duration,
    coverage: Coverage,
    failed: BTreeSet<u64>,
    broken: BTreeMap<Rule, BTreeSet<u64>>,
}

/// What a thread reports.
enum SeedEvent {
    Started(u64),
    Finished(u64, Box<Result<Report, String>>),
}

/// Runs the seeds; `say` is given what each breaks, `tell` the progress.
pub(crate) fn soak(seeds: Range<u64>, scale: Scale, say: impl Fn(&str), tell: impl Fn(&str)) -> Soak {
    let began = Instant::now();
    let mut soak = Soak {
        seeds: seeds.clone(),
        scale,
        took: Duration::ZERO,
        coverage: Coverage::default(),
        failed: BTreeSet::new(),
        broken: BTreeMap::new(),
    };
    let next = Arc::new(AtomicU64::new(seeds.start));
    let (news, told) = mpsc::channel();
    let work = || {
        let (next, news, end) = (Arc::clone(&next), news.clone(), seeds.end);
        thread::spawn(move || run_each(&next, end, scale, &news));
    };
    for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
        work();
    }
    let total = seeds.end.saturating_sub(seeds.start);
    let (mut running, mut done, mut told_at) = (BTreeMap::new(), 0, Instant::now());
    while done < total {
        match told.recv_timeout(PROGRESS_EVERY) {
            Ok(SeedEvent::Started(seed)) => {
                running.insert(seed, Instant::now());
            }
            // One that was given up is counted already.
            Ok(SeedEvent::Finished(seed, result)) if running.remove(&seed).is_some() => {
                done += 1;
                soak.ended(seed, *result, &say);
            }
            Ok(SeedEvent::Finished(..)) | Err(_) => {}
        }
        let stuck = running.extract_if(.., |_, since| since.elapsed() > SEED_TIME_MAX);
        for (seed, _) in stuck.collect::<Vec<_>>() {
            done += 1;
            soak.ended(seed, Err(format!("does not end within {SEED_TIME_MAX:?}")), &say);
            work();
        }
        if told_at.elapsed() >= PROGRESS_EVERY && done > 0 {
            told_at = Instant::now();
            let left = began.elapsed().as_secs() * (total - done) / done / 60;
            tell(&format!(
                "{done} of {total} seeds, {} failed, about {left} min left",
                soak.failed.len()
            ));
        }
    }
    soak.took = began.elapsed();
    soak
}

fn run_each(next: &AtomicU64, end: u64, scale: Scale, news: &mpsc::Sender<SeedEvent>) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end || news.send(SeedEvent::Started(seed)).is_err() {
            return;
        }
        let result = match panic::catch_unwind(|| run(&plan(seed, scale))) {
            Ok(report) => report.map_err(|error| format!("{error:#}")),
            Err(_) => Err("panics".to_owned()),
        };
        if news.send(SeedEvent::Finished(seed, Box::new(result))).is_err() {
            return;
        }
    }
}

impl Soak {
    fn ended(&mut self, seed: u64, result: Result<Report, String>, say: impl Fn(&str)) {
        let report = match result {
            Ok(report) => report,
            Err(why) => {
                self.failed.insert(seed);
                return say(&format!("seed {seed}: {why}"));
            }
        };
        self.coverage.add(&report.coverage);
        for violation in report.violations {
            say(&format!("seed {seed}: {violation}"));
            self.failed.insert(seed);
            self.broken.entry(violation.rule).or_default().insert(seed);
        }
    }

    /// Whether all passed, and everything that is wanted was reached where there were enough large ones.
    pub(crate) fn is_good(&self) -> bool {
        let is_short = self.seeds.end.saturating_sub(self.seeds.start) < SEEDS_THAT_REACH_ALL;
        // What a small seed is for is every commit; what is rare takes many large ones.
        let reaches = self.scale == Scale::SMALL || is_short || self.coverage.missing().is_empty();
        self.failed.is_empty() && reaches
    }
}

impl fmt::Display for Soak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.coverage)?;
        for (rule, seeds) in &self.broken {
            writeln!(
                f,
                "{rule:?}: {} seeds, among them {:?}",
                seeds.len(),
                seeds.iter().take(8).collect::<Vec<_>>()
            )?;
        }
        for what in self.coverage.missing() {
            writeln!(f, "never reached: {what}")?;
        }
        let seeds = self.seeds.end.saturating_sub(self.seeds.start);
        write!(f, "{seeds} seeds, {} failed, {:?}", self.failed.len(), self.took)
    }
}
