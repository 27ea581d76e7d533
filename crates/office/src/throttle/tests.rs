use std::net::Ipv4Addr;

use postroom_store::KeyHash;

use super::buckets::BUCKETS_MAX;
use super::*;

const CASE: Account = Account::Person(UserId(1));
const LEE: Account = Account::Person(UserId(2));
const START: Timestamp = Timestamp::from_micros(1_000_000_000);

fn place(n: u32) -> SignInSource {
    SignInSource::Network(IpAddr::V4(Ipv4Addr::from_bits(n)))
}

const fn of(account: Account, source: SignInSource, standing: Standing) -> Attempt {
    Attempt {
        account,
        source,
        standing,
    }
}

/// Attempts until one is refused, and how long that one has to wait.
fn until_refused(throttle: &Throttle, attempt: &Attempt, now: Timestamp) -> (u32, Duration) {
    let mut taken = 0;
    loop {
        match throttle.take(attempt, now) {
            Ok(()) => taken += 1,
            Err(refused) => return (taken, refused.retry_after),
        }
    }
}

#[test]
fn source_has_ten_attempts_of_an_account_and_then_one_a_minute() {
    let throttle = Throttle::of_sign_ins();
    let here = of(CASE, place(1), Standing::Unknown);
    let minute = Duration::from_secs(60);
    assert_eq!(until_refused(&throttle, &here, START), (10, minute));
    assert_eq!(throttle.look(&here, START), Err(TooMany { retry_after: minute }));
    let elsewhere = of(CASE, place(2), Standing::Unknown);
    assert_eq!(
        throttle.take(&elsewhere, START),
        Ok(()),
        "a stranger keeps nobody out"
    );
    let other = of(LEE, place(1), Standing::Unknown);
    assert_eq!(throttle.take(&other, START), Ok(()));
    let later = START.plus(minute);
    assert_eq!(until_refused(&throttle, &here, later).0, 1);
}

#[test]
fn many_sources_guess_slowly_and_the_known_ones_go_on() {
    let throttle = Throttle::of_sign_ins();
    let guesses = |from: u32, now| -> u32 {
        (from..from + 1_000)
            .map(|n| until_refused(&throttle, &of(CASE, place(n), Standing::Unknown), now).0)
            .sum()
    };
    assert_eq!(guesses(0, START), 100);
    let day = START.plus(Duration::from_secs(24 * 3600));
    let hour = START.plus(Duration::from_secs(3600));
    assert_eq!(guesses(10_000, hour), 100, "it is full again, and no fuller");
    // At least as often as once in twenty seconds, for a day.
    let mut now = hour;
    let mut taken = 0;
    while now < day {
        now = now.plus(Duration::from_secs(10));
        let n = u32::try_from(now.as_micros() / 10_000_000).unwrap();
        taken += until_refused(&throttle, &of(CASE, place(n), Standing::Unknown), now).0;
    }
    assert_eq!(taken, 23 * 180);
    let device = SignInSource::Device(KeyHash([7; 32]));
    for source in [device, place(1)] {
        let known = of(CASE, source, Standing::Known);
        assert_eq!(until_refused(&throttle, &known, day).0, 10, "{source:?}");
    }
}

#[test]
fn three_sources_that_go_on_for_ever_do_not_use_an_account_up() {
    let throttle = Throttle::of_sign_ins();
    let (mut now, mut taken) = (START, 0);
    for _ in 0..3_000 {
        now = now.plus(Duration::from_secs(20));
        for n in 0..3 {
            let guess = of(CASE, place(n), Standing::Unknown);
            taken += u32::from(throttle.take(&guess, now).is_ok());
        }
    }
    assert!(taken > 3_000, "{taken}");
    assert_eq!(throttle.take(&of(CASE, place(9), Standing::Unknown), now), Ok(()));
}

#[test]
fn attempts_of_many_accounts_from_one_source_are_slow_but_for_whom_it_knows() {
    let throttle = Throttle::of_sign_ins();
    for n in 0..30 {
        let attempt = of(Account::Person(UserId(n)), place(1), Standing::Unknown);
        assert_eq!(throttle.take(&attempt, START), Ok(()));
    }
    let one_more = of(Account::Person(UserId(99)), place(1), Standing::Unknown);
    assert_eq!(
        throttle.take(&one_more, START).unwrap_err().retry_after,
        Duration::from_secs(10)
    );
    let known = Attempt {
        standing: Standing::Known,
        ..one_more
    };
    assert_eq!(until_refused(&throttle, &known, START).0, 10);
}

#[test]
fn attempts_of_many_accounts_from_a_network_that_knows_them_all_have_a_limit() {
    let throttle = Throttle::of_sign_ins();
    let known = |n, source| of(Account::Person(UserId(n)), source, Standing::Known);
    let (mut taken, mut wait) = (0, Duration::ZERO);
    for n in 0..30 {
        let tried = until_refused(&throttle, &known(n, place(1)), START);
        (taken, wait) = (taken + tried.0, tried.1);
    }
    assert_eq!((taken, wait), (200, Duration::from_secs(2)));
    let right = known(99, place(1));
    let later = START.plus(wait);
    for _ in 0..50 {
        assert_eq!(throttle.take(&right, later), Ok(()));
        throttle.give_back(&right);
    }
    let browser = SignInSource::Device(KeyHash([7; 32]));
    assert_eq!(until_refused(&throttle, &known(99, browser), START).0, 10);
    assert_eq!(until_refused(&throttle, &known(99, place(2)), START).0, 10);
}

#[test]
fn sources_of_an_ipv6_site_have_five_times_the_attempts_of_one() {
    let throttle = Throttle::of_sign_ins();
    let v6 = |site: u128, n: u128| {
        let bits = (0x2001_0db8 << 96) | (site << 80) | (n << 64);
        SignInSource::Network(IpAddr::V6(bits.into()))
    };
    let mut taken = 0;
    for n in 0..1_000 {
        let account = Account::Nobody(u64::try_from(n).unwrap() / 50);
        let guess = of(account, v6(1, n), Standing::Unknown);
        taken += u32::from(throttle.take(&guess, START).is_ok());
    }
    assert_eq!(taken, 150);
    let refused = throttle.take(&of(LEE, v6(1, 2_000), Standing::Unknown), START);
    let retry_after = Duration::from_secs(2);
    assert_eq!(refused, Err(TooMany { retry_after }));
    let elsewhere = of(LEE, v6(2, 1), Standing::Unknown);
    assert_eq!(throttle.take(&elsewhere, START), Ok(()));
    let known = of(LEE, v6(1, 1), Standing::Known);
    assert_eq!(until_refused(&throttle, &known, START).0, 10);
}

#[test]
fn success_gives_back_what_it_took_and_no_more() {
    let throttle = Throttle::of_sign_ins();
    for n in 0..29 {
        let victim = of(Account::Person(UserId(100 + n)), place(1), Standing::Unknown);
        assert_eq!(throttle.take(&victim, START), Ok(()));
    }
    let own = of(CASE, place(1), Standing::Unknown);
    for _ in 0..50 {
        assert_eq!(throttle.take(&own, START), Ok(()));
        throttle.give_back(&own);
    }
    let victim = of(LEE, place(1), Standing::Unknown);
    assert_eq!(throttle.take(&victim, START), Ok(()));
    assert!(throttle.take(&victim, START).is_err());
}

#[test]
fn strangers_are_granted_fewer_links_in_an_hour_than_work_at_a_time() {
    let throttle = Throttle::of_resets();
    let asked = |n, now| until_refused(&throttle, &of(CASE, place(n), Standing::Unknown), now).0;
    let (mut granted, mut now) = (0, START);
    for n in 0..3_600 {
        granted += asked(n, now);
        now = now.plus(crate::RESET_LASTS / 3_600);
    }
    assert!(granted < postroom_store::RESET_LINKS_MAX, "{granted}");
    let device = SignInSource::Device(KeyHash([7; 32]));
    let known = of(CASE, device, Standing::Known);
    assert_eq!(until_refused(&throttle, &known, START).0, 3);
}

#[test]
fn addresses_of_one_ipv6_network_count_together() {
    let network = |text: &str| network_of(text.parse().unwrap());
    assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
    assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
}

#[test]
fn tries_of_tokens_are_counted_by_address() {
    let throttle = TokenThrottle::default();
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for _ in 0..10 {
        assert_eq!(throttle.take(peer, START), Ok(()));
    }
    let wait = throttle.take(peer, START).unwrap_err().retry_after;
    assert_eq!(wait, Duration::from_secs(30));
    assert_eq!(throttle.take(peer, START.plus(wait)), Ok(()));
}

#[test]
fn memory_is_bounded() {
    let throttle = Throttle::of_sign_ins();
    for n in 0..u32::try_from(BUCKETS_MAX).unwrap() + 10 {
        let attempt = of(Account::Nobody(n.into()), place(n), Standing::Unknown);
        assert_eq!(throttle.take(&attempt, START), Ok(()));
    }
    let counted = throttle.counted();
    for len in [counted.pairs.len(), counted.accounts.len(), counted.sources.len()] {
        assert!(len <= BUCKETS_MAX, "{len}");
    }
}
