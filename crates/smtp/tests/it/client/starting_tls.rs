//! STARTTLS and implicit TLS: whose certificate is good, and what happens when it is not.

use postroom_smtp::client::{Cause, Missing, Phase, RelayConfig, SessionError, TlsPolicy, Trust};
use postroom_smtp::reply::Severity;
use postroom_smtp::sink::{Act, Plan, Rule, SinkConfig, Stage};
use postroom_testkit::identity::Identity;

use super::harness::*;

const NAME: &str = "relay.example.test";

fn self_signed() -> Identity {
    Identity::self_signed(NAME)
}

fn vouched_for(name: &str) -> Identity {
    Identity::vouched_for(name)
}

fn offering(identity: &Identity) -> SinkConfig {
    SinkConfig {
        tls: Some(identity.start_tls()),
        ..proper()
    }
}

fn wanting(tls: TlsPolicy, trust: Trust) -> RelayConfig {
    RelayConfig {
        tls,
        trust,
        ..relay()
    }
}

async fn refused(sink: SinkConfig, relay: RelayConfig) -> SessionError {
    try_open(sink, relay).await.1.map(drop).unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn starttls_protects_the_session_and_is_followed_by_another_ehlo() {
    let identity = vouched_for(NAME);
    let trust = identity.trust();
    let (sink, mut session) = open_with(offering(&identity), wanting(TlsPolicy::Required, trust)).await;
    assert_eq!(session.tls().unwrap().version, "TLSv1.3");
    finished(deliver(&mut session, &message(1)).await);
    finished(deliver_before(&mut session, &message(2), message(3)).await);
    finished(deliver(&mut session, &message(3)).await);
    session.quit().await;
    assert_eq!(sink.count(), 3);
    assert_eq!(
        commands(&sink)[..3],
        ["EHLO localhost", "STARTTLS", "EHLO localhost"]
    );
}

#[tokio::test(start_paused = true)]
async fn implicit_tls_comes_before_the_greeting() {
    let identity = vouched_for(NAME);
    let sink = SinkConfig {
        tls: Some(identity.implicit()),
        ..proper()
    };
    let trust = identity.trust();
    let (sink, mut session) = open_with(sink, wanting(TlsPolicy::Implicit, trust)).await;
    assert!(session.tls().is_some());
    finished(deliver(&mut session, &message(1)).await);
    assert_eq!(sink.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn unknown_authority_is_refused_with_a_hint() {
    let identity = vouched_for(NAME);
    let other = vouched_for(NAME).trust();
    let error = refused(offering(&identity), wanting(TlsPolicy::Required, other)).await;
    assert_eq!((error.phase, error.severity()), (Phase::Tls, Severity::Permanent));
    assert!(
        error.to_string().contains("the relay's certificate is not good"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn self_signed_certificate_fails_the_platform_check() {
    let error = refused(
        offering(&self_signed()),
        wanting(TlsPolicy::Required, Trust::Platform),
    )
    .await;
    assert_eq!(error.phase, Phase::Tls);
    assert!(
        error.to_string().contains("the relay's certificate is not good"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn certificate_for_another_host_is_refused_by_name() {
    let identity = vouched_for("other.example.test");
    let trust = identity.trust();
    let error = refused(offering(&identity), wanting(TlsPolicy::Required, trust)).await;
    assert!(error.to_string().contains(NAME), "{error}");
    assert!(error.to_string().contains("other.example.test"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn certificate_name_can_be_configured_apart_from_the_address() {
    let identity = vouched_for("other.example.test");
    let trust = identity.trust();
    let named = RelayConfig {
        tls_name: Some("other.example.test".into()),
        ..wanting(TlsPolicy::Required, trust)
    };
    assert!(try_open(offering(&identity), named).await.1.is_ok());
}

#[tokio::test(start_paused = true)]
async fn pinned_certificate_is_good_and_any_other_is_not() {
    let identity = self_signed();
    let pinned = identity.pin();
    let (_sink, session) = open_with(offering(&identity), wanting(TlsPolicy::Required, pinned)).await;
    assert!(session.tls().is_some());
    let other = self_signed().pin();
    let error = refused(offering(&identity), wanting(TlsPolicy::Required, other)).await;
    assert_eq!(
        error.to_string(),
        "TLS handshake: the relay's certificate is not good: it is not the pinned one"
    );
}

#[tokio::test(start_paused = true)]
async fn required_tls_without_starttls_sends_no_mail() {
    let (sink, opened) = try_open(proper(), wanting(TlsPolicy::Required, Trust::Platform)).await;
    let error = opened.map(drop).unwrap_err();
    assert!(matches!(
        (error.phase, error.cause),
        (Phase::StartTls, Cause::Missing(Missing::StartTls))
    ));
    assert_eq!(commands(&sink), ["EHLO localhost"]);
}

#[tokio::test(start_paused = true)]
async fn refused_starttls_ends_a_required_session_and_not_an_opportunistic_one() {
    let refusing = || {
        let plan: Plan = Rule::at(Stage::StartTls, Act::Reply(reply(454))).into();
        SinkConfig {
            plan,
            ..offering(&self_signed())
        }
    };
    let error = refused(refusing(), wanting(TlsPolicy::Required, Trust::Platform)).await;
    assert_eq!(
        (error.phase, error.severity()),
        (Phase::StartTls, Severity::Transient)
    );
    let (_sink, session) = open_with(refusing(), wanting(TlsPolicy::Opportunistic, Trust::Platform)).await;
    assert_eq!(session.tls(), None);
}

#[tokio::test(start_paused = true)]
async fn opportunistic_takes_any_certificate_or_none() {
    let policy = || wanting(TlsPolicy::Opportunistic, Trust::Platform);
    assert!(
        open_with(offering(&self_signed()), policy())
            .await
            .1
            .tls()
            .is_some()
    );
    assert!(open_with(proper(), policy()).await.1.tls().is_none());
}

#[tokio::test(start_paused = true)]
async fn plain_text_behind_the_answer_to_starttls_ends_the_session() {
    let injected = Act::Say(b"220 go ahead\r\n250-sink.test\r\n250 AUTH PLAIN\r\n".to_vec());
    for policy in [TlsPolicy::Required, TlsPolicy::Opportunistic] {
        let plan: Plan = Rule::at(Stage::StartTls, injected.clone()).into();
        let error = refused(
            SinkConfig {
                plan,
                ..offering(&self_signed())
            },
            wanting(policy, Trust::Platform),
        )
        .await;
        assert!(matches!(error.cause, Cause::PlainTextBehindStartTls), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn relay_that_does_not_speak_tls_after_all_is_named() {
    let plan: Plan = Rule::at(Stage::StartTls, Act::Reply(reply(220))).into();
    let sink = SinkConfig {
        plan,
        ..offering(&self_signed())
    };
    let error = refused(sink, wanting(TlsPolicy::Required, Trust::Platform)).await;
    assert_eq!(error.phase, Phase::Tls, "{error}");
    let error = refused(proper(), wanting(TlsPolicy::Implicit, Trust::Platform)).await;
    assert_eq!(
        error.to_string(),
        "TLS handshake: the relay does not speak TLS here"
    );
}

#[tokio::test(start_paused = true)]
async fn tls_handshake_that_hangs_times_out() {
    let plan: Plan = Rule::at(Stage::StartTls, Act::ReplyThenSilence(reply(220))).into();
    let sink = SinkConfig {
        plan,
        ..offering(&self_signed())
    };
    let started = tokio::time::Instant::now();
    let error = refused(sink, wanting(TlsPolicy::Required, Trust::Platform)).await;
    assert!(matches!(
        (error.phase, error.cause),
        (Phase::Tls, Cause::Timeout(_))
    ));
    assert_eq!(started.elapsed().as_secs(), 60);
}
