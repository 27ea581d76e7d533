use proptest::prelude::*;

use super::*;

/// What a worker does between two looks at the roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Starting,
    Working,
    Waiting,
    Ending,
}

#[derive(Debug, Clone)]
enum Event {
    Push {
        jobs: u8,
        allowed: u32,
    },
    /// A worker runs: takes a job, waits, ends or leaves.
    Run(usize),
    /// A worker's wait is over.
    Idle(usize),
    /// A worker's task dies.
    Die(usize),
    /// The relay takes fewer connections.
    Retire(usize),
    Drain,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1_u8..5, 0_u32..4).prop_map(|(jobs, allowed)| Event::Push { jobs, allowed }),
        8 => any::<usize>().prop_map(Event::Run),
        3 => any::<usize>().prop_map(Event::Idle),
        1 => any::<usize>().prop_map(Event::Die),
        1 => any::<usize>().prop_map(Event::Retire),
        1 => Just(Event::Drain),
    ]
}

fn run(roster: &mut Roster<u8>, doing: Doing) -> Option<Doing> {
    match doing {
        Doing::Starting | Doing::Waiting => match roster.take() {
            Some(_) => {
                roster.busy();
                Some(Doing::Working)
            }
            None => Some(Doing::Waiting),
        },
        Doing::Working => {
            roster.ready();
            Some(Doing::Waiting)
        }
        Doing::Ending => match roster.leave() {
            Leave::Left => None,
            Leave::Stay => {
                roster.ready();
                Some(Doing::Waiting)
            }
        },
    }
}

proptest! {
    #[test]
    fn job_that_waits_always_has_a_worker_that_will_look(
        events in proptest::collection::vec(event(), 1..200)
    ) {
        let mut roster = Roster::default();
        let mut workers: Vec<Doing> = Vec::new();
        for event in events {
            let pick = |n: usize| (!workers.is_empty()).then(|| n % workers.len());
            match event {
                Event::Push { jobs, allowed } => {
                    let ticket = roster.ticket();
                    let before = roster.held();
                    let started = roster.push(vec![0; jobs.into()], allowed, ticket).unwrap();
                    prop_assert!(started == 0 || before + started <= allowed.max(1));
                    workers.extend((0..started).map(|_| Doing::Starting));
                }
                Event::Run(n) => if let Some(at) = pick(n) {
                    match run(&mut roster, workers[at]) {
                        Some(doing) => workers[at] = doing,
                        None => { workers.swap_remove(at); }
                    }
                },
                Event::Idle(n) => if let Some(at) = pick(n).filter(|&at| workers[at] == Doing::Waiting) {
                    roster.busy();
                    workers[at] = Doing::Ending;
                },
                Event::Die(n) => if let Some(at) = pick(n) {
                    let doing = workers.swap_remove(at);
                    if matches!(doing, Doing::Starting | Doing::Waiting) {
                        roster.busy();
                    }
                    let started = roster.lost();
                    workers.extend((0..started).map(|_| Doing::Starting));
                },
                Event::Retire(n) => if let Some(at) = pick(n).filter(|&at| workers[at] == Doing::Working) {
                    workers.swap_remove(at);
                    roster.retire();
                },
                Event::Drain => { roster.drain(); }
            }
            prop_assert_eq!(roster.held() as usize, workers.len());
            prop_assert!(roster.jobs.is_empty() || roster.held() > 0, "jobs wait for nobody");
        }
        // Left to themselves, the workers take every job and end.
        for _ in 0..10_000 {
            let Some(doing) = workers.pop() else { break };
            let was_waiting = doing == Doing::Waiting && roster.jobs.is_empty();
            if was_waiting {
                roster.busy();
                workers.insert(0, Doing::Ending);
            } else if let Some(doing) = run(&mut roster, doing) {
                workers.insert(0, doing);
            }
        }
        prop_assert!(workers.is_empty() && roster.jobs.is_empty() && roster.held() == 0);
    }
}

#[test]
fn connections_that_are_all_silent_let_one_more_try_and_as_many_as_they_are_once_it_was_answered() {
    let mut roster = Roster::default();
    assert_eq!(roster.push((0..10).collect(), 4, roster.ticket()), Ok(4));
    for _ in 0..4 {
        roster.take();
        roster.busy();
    }
    assert_eq!((roster.fell_silent(), roster.fell_silent()), (0, 0));
    assert_eq!(roster.fell_silent(), 0, "one is not silent");
    assert_eq!(roster.fell_silent(), 1, "all are");
    roster.take();
    roster.busy();
    assert_eq!(roster.answered(), 3);
    // One speaks again: the others still take nobody's place.
    roster.not_silent();
    assert_eq!(roster.limit(), 7);
    for _ in 0..3 {
        roster.not_silent();
    }
    assert_eq!(roster.limit(), 4);
}

#[test]
fn jobs_that_set_out_before_a_drain_are_given_back() {
    let mut roster = Roster::default();
    let ticket = roster.ticket();
    assert!(roster.drain().is_empty());
    assert_eq!(roster.push(vec![1, 2], 4, ticket), Err(vec![1, 2]));
    assert_eq!(roster.push(vec![3], 4, roster.ticket()), Ok(1));
}

#[test]
fn job_passes_on_only_where_another_place_is_free() {
    let mut roster = Roster::default();
    assert_eq!(roster.push(vec![1, 2], 1, roster.ticket()), Ok(1));
    assert_eq!(roster.take(), Some(1));
    roster.busy();
    assert_eq!(roster.take_spare(), Some(2));
    // The one place is busy.
    assert_eq!(roster.pass_on(2), Err(2));
    roster.allowed = 2;
    assert_eq!(roster.pass_on(2), Ok(1));
}

#[test]
fn job_that_somebody_is_ready_for_does_not_go_with_a_dot() {
    let mut roster = Roster::default();
    assert_eq!(roster.push(vec![1, 2, 3], 2, roster.ticket()), Ok(2));
    assert_eq!(roster.take_spare(), Some(1));
    assert_eq!(roster.take_spare(), None);
}

/// Four busy places, and six jobs that wait; more places are allowed meanwhile.
fn crowded() -> Roster<u8> {
    let mut roster = Roster::default();
    assert_eq!(roster.push((0..10).collect(), 4, roster.ticket()), Ok(4));
    for _ in 0..4 {
        roster.take();
        roster.busy();
    }
    roster.allowed = 20;
    roster
}

#[test]
fn closed_roster_takes_no_job_and_starts_nobody() {
    let mut roster = crowded();
    assert!(!roster.is_closed());
    roster.close();
    assert!(roster.is_closed());
    assert_eq!(roster.push(vec![7], 20, roster.ticket()), Err(vec![7]));
    assert_eq!((roster.pass_on(7), roster.put_back(7)), (Err(7), Err(7)));
    assert_eq!(
        (roster.fell_silent(), roster.answered(), roster.lost()),
        (0, 0, 0)
    );
    assert_eq!(roster.leave(), Leave::Left, "though jobs wait");
    assert_eq!(roster.held(), 2);
    assert_eq!(roster.drain(), [4, 5, 6, 7, 8, 9]);
}

#[test]
fn answer_starts_nobody_while_no_connection_is_silent() {
    let mut roster = crowded();
    assert_eq!(roster.answered(), 0);
    roster.allowed = 4;
    assert_eq!(roster.fell_silent(), 0);
    assert_eq!(roster.answered(), 0, "one that is silent is not suspicious");
}

#[test]
fn all_silent_are_suspicious_where_fewer_than_three_are_allowed() {
    let mut roster = Roster::default();
    assert_eq!(roster.push((0..5).collect(), 2, roster.ticket()), Ok(2));
    for _ in 0..2 {
        roster.take();
        roster.busy();
    }
    assert_eq!((roster.fell_silent(), roster.fell_silent()), (0, 1));
    roster.take();
    roster.busy();
    assert_eq!(
        roster.fell_silent(),
        1,
        "each that is silent, too, lets one more try"
    );
}

#[test]
fn job_that_is_put_back_is_the_first_again() {
    let mut roster = crowded();
    assert_eq!(roster.put_back(77), Ok(7));
    assert_eq!((roster.take(), roster.take()), (Some(77), Some(4)));
}

#[test]
fn job_is_passed_on_to_a_place_that_is_ready_though_no_more_are_allowed() {
    let mut roster = Roster::default();
    assert_eq!(roster.push(vec![1, 2], 2, roster.ticket()), Ok(2));
    for _ in 0..2 {
        roster.take();
        roster.busy();
    }
    assert_eq!(roster.pass_on(1), Err(1));
    roster.ready();
    assert_eq!(roster.pass_on(1), Ok(0));
    assert_eq!(roster.pass_on(2), Err(2), "it is for that job");
}

#[test]
fn places_that_the_relay_takes_no_more_are_not_filled_and_the_last_gives_the_jobs_back() {
    let mut roster = Roster::default();
    assert_eq!(roster.push((1..=5).collect(), 3, roster.ticket()), Ok(3));
    for _ in 0..3 {
        roster.take();
        roster.busy();
    }
    assert!(roster.retire().is_empty());
    assert_eq!(roster.held(), 2);
    assert_eq!(roster.lost(), 1, "two are allowed still");
    assert!(roster.retire().is_empty());
    assert_eq!(roster.retire(), [4, 5]);
    assert_eq!(roster.held(), 0);
}

#[test]
fn nobody_starts_in_place_of_a_worker_that_never_ran() {
    let mut roster = crowded();
    roster.abandoned();
    assert_eq!((roster.held(), roster.jobs.len()), (3, 6));
}
