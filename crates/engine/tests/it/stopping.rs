//! A stop within its bound, whatever the relay does.

use std::time::{Duration, Instant};

use postroom_domain::{Kind, MessageState};
use postroom_smtp::client::{RelayConfig, Timeouts};
use postroom_smtp::sink::{Act, Stage};
use postroom_store::AttemptResult;
use postroom_testkit::relay;

use crate::house::{House, message};

#[tokio::test]
async fn silent_relay_does_not_hold_up_a_stop_and_its_mail_is_written_down() {
    for (stage, uncertain) in [(Stage::Greeting, 0), (Stage::Rcpt, 0), (Stage::FinalDot, 2)] {
        let (house, sink) = (House::new(), relay::start_doing(stage, Act::Silence).await);
        let relay = RelayConfig {
            timeouts: Timeouts::default(),
            ..relay::described(&sink)
        };
        let mut settings = House::settings(&relay);
        settings.stop_timeout = Duration::from_secs(2);
        for relay in &mut settings.relays {
            relay.connections = 2;
        }
        let letters = (0..6).map(|n| message(1, Kind::Direct, &format!("m{n}"), &["a@example.test"]));
        let ids = house.submit(letters.collect()).await;
        let engine = house.engine(settings).await;
        while sink.commands().iter().filter(|(_, line)| line == "DATA").count() < uncertain
            || sink.connections() < 2
        {
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        engine.stop().await;
        assert!(
            began.elapsed() < Duration::from_millis(2_500),
            "{:?}",
            began.elapsed()
        );
        let mut deferred = 0;
        for id in ids {
            let (row, attempts) = (house.detail(id).await.row, house.attempts(id).await);
            match row.state {
                MessageState::Queued => assert!(attempts.is_empty(), "{stage:?}: {attempts:?}"),
                MessageState::Deferred => {
                    assert_eq!(attempts[0].result, AttemptResult::Uncertain);
                    deferred += 1;
                }
                other => panic!("{stage:?}: {other:?}"),
            }
        }
        assert_eq!(deferred, uncertain, "{stage:?}");
        assert_eq!(engine.lost_leases(), 0);
    }
}
