//! What waits for a time is done at that time by an engine that never polls.

use postroom_simulator::case::Case;
use postroom_simulator::run;

/// A day in a world without polls keeps every rule; the last event changes nothing and wakes nobody.
fn day_without_polls(limit: u64, events: &str) -> anyhow::Result<()> {
    let setup = format!(
        r#"{{"seed":1,"look_every_s":0,"step":4,"max_wait_min":600,"offices":[2],"relays":[{RELAY},{RELAY}],"user_limit":{limit},"system_limit":0}}"#
    );
    let last = r#"{"at_ms":108000000,"do":"relay","relay":1,"turn":{"to":"good"}}"#;
    let case = Case::from_text(&format!("{setup}\n{events}\n{last}\n"))?;
    let report = run(&case)?;
    let broken: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(())
}

const RELAY: &str = r#"{"connections":2,"messages_per_connection":3,"idle_s":2,"per_minute":0,"addresses":1,"latency_ms":1,"dot_ms":10,"quit_ms":80}"#;

#[test]
fn deferred_mail_is_tried_when_it_is_due() {
    day_without_polls(
        0,
        r#"{"at_ms":5000,"do":"submit","office":0,"sender":0,"count":9,"recipients":2,"to":"grey","sort":"letter","later_s":0}"#,
    )
    .expect("runs");
}

#[test]
fn scheduled_mail_is_sent_at_its_time() {
    day_without_polls(
        0,
        r#"{"at_ms":5000,"do":"submit","office":0,"sender":0,"count":3,"recipients":1,"to":"good","sort":"letter","later_s":7200}
{"at_ms":6000,"do":"submit","office":0,"sender":1,"count":3,"recipients":1,"to":"good","sort":"letter","later_s":30}"#,
    )
    .expect("runs");
}

#[test]
fn mail_over_a_daily_limit_is_released_when_its_day_begins() {
    day_without_polls(
        4,
        r#"{"at_ms":5000,"do":"submit","office":0,"sender":0,"count":7,"recipients":1,"to":"good","sort":"letter","later_s":0}"#,
    )
    .expect("runs");
}

#[test]
fn relay_that_is_down_is_probed_and_its_mail_goes_when_it_is_up() {
    day_without_polls(
        0,
        r#"{"at_ms":1000,"do":"relay","relay":0,"turn":{"to":"refuses"}}
{"at_ms":1000,"do":"relay","relay":1,"turn":{"to":"mute"}}
{"at_ms":5000,"do":"submit","office":0,"sender":0,"count":12,"recipients":1,"to":"good","sort":"letter","later_s":0}
{"at_ms":3600000,"do":"relay","relay":0,"turn":{"to":"good"}}
{"at_ms":3600000,"do":"relay","relay":1,"turn":{"to":"good"}}"#,
    )
    .expect("runs");
}

#[test]
fn mail_fails_when_it_has_waited_long_enough_for_a_relay() {
    day_without_polls(
        0,
        r#"{"at_ms":1000,"do":"relay","relay":0,"turn":{"to":"refuses"}}
{"at_ms":1000,"do":"relay","relay":1,"turn":{"to":"refuses"}}
{"at_ms":5000,"do":"submit","office":0,"sender":0,"count":12,"recipients":1,"to":"good","sort":"letter","later_s":0}"#,
    )
    .expect("runs");
}
