//! A relay on a free port of loopback: proper by default, scripted where a test says so.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use postroom_smtp::client::{RelayAddress, RelayConfig, TlsPolicy};
use postroom_smtp::sink::{Act, ByAddress, Keep, Plan, Rule, Sink, SinkConfig, SinkHandle, Stage};

/// Starts a proper relay that keeps everything.
pub async fn start() -> SinkHandle {
    start_with(SinkConfig::default()).await
}

/// Starts a relay that follows a plan.
pub async fn start_planned(plan: impl Into<Plan>) -> SinkHandle {
    start_with(SinkConfig {
        plan: plan.into(),
        ..SinkConfig::default()
    })
    .await
}

/// Starts a relay that does this at that stage of every message.
pub async fn start_doing(stage: Stage, act: Act) -> SinkHandle {
    start_planned(Rule::at(stage, act)).await
}

/// Starts a relay where the recipient's name decides; `stall…` is answered after `stall`.
pub async fn start_by_address(stall: Duration) -> SinkHandle {
    start_with(SinkConfig {
        by_address: ByAddress::On { stall },
        ..SinkConfig::default()
    })
    .await
}

/// Starts a relay as configured, except that it keeps everything.
pub async fn start_with(config: SinkConfig) -> SinkHandle {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = SinkConfig {
        keep: Keep::Everything,
        ..config
    };
    Sink::bind(anywhere, config).await.expect("listen on loopback")
}

/// Describes a relay to a client, in clear and without AUTH.
#[must_use]
pub fn described(sink: &SinkHandle) -> RelayConfig {
    RelayConfig {
        tls: TlsPolicy::None,
        ..RelayConfig::new(RelayAddress::Socket(sink.addr()))
    }
}

#[cfg(test)]
mod tests {
    use postroom_smtp::client::{AtDot, Connector, Outcome};

    use super::*;
    use crate::message;

    #[tokio::test]
    async fn started_relay_takes_a_message() {
        let sink = start().await;
        let mut session = Connector::new(described(&sink)).unwrap().connect().await.unwrap();
        let transaction = message::transaction(7, &["b@example.test"]);
        let delivery = session
            .deliver(&transaction, || AtDot::Write { next: None })
            .await;
        assert!(matches!(delivery.outcome, Outcome::Finished(_)));
        assert_eq!(sink.received()[0].message_id, "<7@example.test>");
    }

    #[test]
    fn texts_have_the_size_asked_for() {
        assert!((4_000..=4_096).contains(&message::text(1, 4_080).len()));
    }
}
