//! Somebody's single letter behind another's ten thousand.

use postroom_domain::{Kind, MessageState};
use postroom_testkit::relay;

use crate::house::{House, impatient, message};

#[tokio::test]
async fn single_letter_leaves_within_twenty_messages_beyond_those_on_the_wire() {
    let (house, sink) = (House::new(), relay::start().await);
    for thousand in 0..10 {
        let letters = (0..1_000).map(|n| {
            message(
                1,
                Kind::FormLetter,
                &format!("bulk-{thousand}-{n}"),
                &["many@example.test"],
            )
        });
        house.submit(letters.collect()).await;
    }
    let engine = house.engine(House::settings(&impatient(&sink))).await;
    sink.wait_for(500).await;
    let id = house
        .submit(vec![message(2, Kind::Direct, "single", &["one@example.test"])])
        .await[0];
    // From its commit on: what overtakes it was on the wire (four connections, one message each and one next) or is
    // the lane's doing.
    let before = sink.count();
    house.until_state(id, MessageState::Sent).await;
    let place = sink
        .received()
        .iter()
        .position(|m| m.message_id == "<single@test.example>")
        .expect("arrived");
    let overtaken = u64::try_from(place).expect("fits").saturating_sub(before);
    engine.stop().await;
    assert!(overtaken <= 20 + 8, "{overtaken} letters went before it");
}
