//! One sender's single message does not wait behind another's many.

use postroom_simulator::case::Case;
use postroom_simulator::run;

#[test]
fn single_message_goes_between_anothers_many() {
    let case = Case::from_text(
        r#"{"seed":1,"look_every_s":0,"step":4,"max_wait_min":600,"offices":[2],"relays":[{"connections":2,"messages_per_connection":1000,"idle_s":60,"per_minute":0,"addresses":1,"latency_ms":1,"dot_ms":1000,"quit_ms":80},{"connections":2,"messages_per_connection":1000,"idle_s":60,"per_minute":0,"addresses":1,"latency_ms":1,"dot_ms":1000,"quit_ms":80}],"user_limit":0,"system_limit":0}
{"at_ms":5000,"do":"submit","office":0,"sender":0,"count":120,"recipients":1,"to":"good","sort":"letter","later_s":0}
{"at_ms":8000,"do":"submit","office":0,"sender":1,"count":1,"recipients":1,"to":"good","sort":"letter","later_s":0}
{"at_ms":300000,"do":"relay","relay":1,"turn":{"to":"good"}}"#,
    );
    let report = run(&case.expect("is a case")).expect("runs");
    let broken: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let reached = report.coverage.to_string();
    assert!(reached.contains("went between others' mail"), "{reached}");
}
