//! Content takes room, which the handler grants or refuses.

use std::time::Duration;

use postroom_smtp::server::SessionEnd;

use super::support::{Talk, Told, open_config};

const SMALL_BYTES: u64 = 32 * 1024;
const STEP_BYTES: u64 = 256 * 1024;

async fn talk_with_room(bytes_max: u64) -> Talk<tokio::io::DuplexStream> {
    let talk = Talk::greeted(open_config()).await;
    talk.house.room.lock().unwrap().bytes_max = Some(bytes_max);
    talk
}

fn envelope(parameters: &str) -> String {
    format!("MAIL FROM:<ann@example.com>{parameters}\r\nRCPT TO:<bob@example.test>\r\n")
}

/// Sends a small message, which a session that is in order takes.
async fn small_message_passes(mut talk: Talk<tokio::io::DuplexStream>) -> Told {
    talk.say(format!("{}DATA\r\n", envelope(""))).await;
    talk.say("x\r\n.\r\n").await;
    let told = talk.end().await;
    assert!(
        told.transcript.ends_with("S: 250 2.0.0 Queued as 1\n"),
        "{}",
        told.transcript
    );
    told
}

#[tokio::test(start_paused = true)]
async fn declared_size_without_room_is_refused_before_the_content() {
    let mut talk = talk_with_room(STEP_BYTES).await;
    talk.say(format!("{}DATA\r\n", envelope(" SIZE=1000000"))).await;
    assert!(
        talk.transcript
            .ends_with("S: 452 4.3.1 Too much mail in progress\n"),
        "{}",
        talk.transcript
    );
    assert_eq!(talk.house.room.lock().unwrap().asked, [1_000_512]);
    assert_eq!(*talk.house.resets.lock().unwrap(), 1);
    small_message_passes(talk).await;
}

#[tokio::test(start_paused = true)]
async fn content_that_outgrows_its_room_is_refused_behind_its_dot() {
    let mut talk = talk_with_room(STEP_BYTES).await;
    talk.say(format!("{}DATA\r\n", envelope(""))).await;
    let line = format!("{}\r\n", "x".repeat(998));
    talk.say(line.repeat(400)).await;
    assert!(
        talk.transcript.lines().last().unwrap().starts_with("C: "),
        "answered within the data"
    );
    talk.say(".\r\n").await;
    assert!(
        talk.transcript
            .ends_with("S: 452 4.3.1 Too much mail in progress\n"),
        "{}",
        talk.transcript
    );
    let asked = talk.house.room.lock().unwrap().asked.clone();
    assert_eq!(asked, [SMALL_BYTES, STEP_BYTES, 25 * 1024 * 1024]);
    assert_eq!(small_message_passes(talk).await.received.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn content_larger_than_declared_is_taken_where_there_is_room() {
    let mut talk = talk_with_room(u64::MAX).await;
    talk.say(format!("{}DATA\r\n", envelope(" SIZE=10"))).await;
    let line = format!("{}\r\n", "x".repeat(998));
    talk.say(format!("{}.\r\n", line.repeat(400))).await;
    let asked = talk.house.room.lock().unwrap().asked.clone();
    assert_eq!(asked, [522, STEP_BYTES, 25 * 1024 * 1024]);
    assert_eq!(talk.end().await.received[0].content.len(), 400_000);
}

#[tokio::test(start_paused = true)]
async fn chunk_without_room_is_skipped_and_refused() {
    let mut talk = talk_with_room(STEP_BYTES).await;
    let line = format!("{}\r\n", "x".repeat(998));
    talk.say(format!("{}BDAT 1000\r\n{line}", envelope(""))).await;
    talk.say(format!("BDAT 400000 LAST\r\n{}", line.repeat(400)))
        .await;
    assert!(
        talk.transcript
            .ends_with("S: 452 4.3.1 Too much mail in progress\n"),
        "{}",
        talk.transcript
    );
    assert_eq!(small_message_passes(talk).await.received.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn sender_who_stops_is_cut_off_while_others_wait_for_its_room() {
    let mut talk = talk_with_room(u64::MAX).await;
    talk.say(format!("{}DATA\r\n", envelope(" SIZE=1000000"))).await;
    tokio::time::sleep(Duration::from_secs(25)).await;
    talk.listen().await;
    assert!(
        talk.transcript
            .ends_with("S: 354 End data with <CR><LF>.<CR><LF>\n")
    );
    talk.house.room.lock().unwrap().wanted_by_others = true;
    tokio::time::sleep(Duration::from_secs(10)).await;
    talk.listen().await;
    let told = talk.end().await;
    assert!(
        told.transcript
            .ends_with("S: 421 4.4.2 Too slow while others wait\nS: (closed)\n"),
        "{}",
        told.transcript
    );
    assert_eq!(told.summary.end, SessionEnd::Handler);
}

#[tokio::test(start_paused = true)]
async fn sender_who_stops_between_chunks_is_cut_off_while_others_wait_for_its_room() {
    for (chunk, received) in [("BDAT 0\r\n", 0), ("BDAT 3\r\nx\r\n", 3)] {
        let mut talk = talk_with_room(u64::MAX).await;
        talk.say(format!("{}{chunk}", envelope(" SIZE=1000000"))).await;
        tokio::time::sleep(Duration::from_secs(25)).await;
        talk.say("NOOP\r\n").await;
        assert!(
            talk.transcript.ends_with("S: 250 2.0.0 OK\n"),
            "{}",
            talk.transcript
        );
        {
            let mut room = talk.house.room.lock().unwrap();
            room.wanted_by_others = true;
            room.received_min = received + 1;
        }
        // It says something now and then, and sends nothing.
        tokio::time::sleep(Duration::from_secs(9)).await;
        talk.say("NOOP\r\n").await;
        let told = talk.end().await;
        assert!(
            told.transcript
                .ends_with("S: 421 4.4.2 Too slow while others wait\nS: (closed)\n"),
            "{}",
            told.transcript
        );
        assert_eq!(told.summary.end, SessionEnd::Handler);
    }
}

#[tokio::test(start_paused = true)]
async fn chunks_that_come_with_their_commands_count_as_progress() {
    let mut talk = talk_with_room(u64::MAX).await;
    {
        let mut room = talk.house.room.lock().unwrap();
        room.wanted_by_others = true;
        room.received_min = 1;
    }
    let line = format!("{}\r\n", "x".repeat(998));
    talk.say(format!(
        "{}BDAT 1000\r\n{line}NOOP\r\n",
        envelope(" SIZE=1000000")
    ))
    .await;
    talk.house.room.lock().unwrap().received_min = 1_001;
    talk.say(format!("BDAT 1000 LAST\r\n{line}")).await;
    let told = talk.end().await;
    assert!(
        told.transcript.ends_with("S: 250 2.0.0 Queued as 1\n"),
        "{}",
        told.transcript
    );
}

#[tokio::test(start_paused = true)]
async fn message_in_chunks_has_no_more_time_than_another() {
    let mut talk = talk_with_room(u64::MAX).await;
    talk.say(format!("{}BDAT 3\r\nx\r\n", envelope(""))).await;
    let began = tokio::time::Instant::now();
    while !talk.session.is_finished() {
        tokio::time::sleep(Duration::from_secs(200)).await;
        talk.say("NOOP\r\n").await;
        assert!(
            began.elapsed() <= Duration::from_secs(2_100),
            "{}",
            talk.transcript
        );
    }
    assert!(
        began.elapsed() >= Duration::from_secs(1_800),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(talk.end().await.summary.end, SessionEnd::TooSlow);
}

#[tokio::test(start_paused = true)]
async fn silence_between_chunks_ends_the_session_after_the_idle_time() {
    let mut talk = talk_with_room(u64::MAX).await;
    talk.say(format!("{}BDAT 3\r\nx\r\n", envelope(""))).await;
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert!(!talk.session.is_finished());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(talk.end().await.summary.end, SessionEnd::Idle);
}

#[tokio::test(start_paused = true)]
async fn stop_ends_a_wait_for_the_next_chunk() {
    let mut talk = talk_with_room(u64::MAX).await;
    talk.say(format!("{}BDAT 3\r\nx\r\n", envelope(""))).await;
    talk.shutdown.cancel();
    talk.listen().await;
    assert_eq!(talk.end().await.summary.end, SessionEnd::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn silence_within_content_ends_the_session_after_the_idle_time_all_the_same() {
    let mut talk = talk_with_room(u64::MAX).await;
    talk.say(format!("{}DATA\r\nx\r\n", envelope(""))).await;
    tokio::time::sleep(Duration::from_secs(299)).await;
    talk.listen().await;
    assert!(
        talk.transcript
            .ends_with("S: 354 End data with <CR><LF>.<CR><LF>\n")
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    talk.listen().await;
    assert_eq!(talk.end().await.summary.end, SessionEnd::Idle);
}

#[tokio::test(start_paused = true)]
async fn stop_ends_a_wait_for_room() {
    let mut talk = Talk::greeted(open_config()).await;
    talk.house.room.lock().unwrap().stuck = true;
    talk.say(format!("{}DATA\r\n", envelope(" SIZE=1000000"))).await;
    talk.shutdown.cancel();
    talk.listen().await;
    assert_eq!(talk.end().await.summary.end, SessionEnd::Shutdown);
}
