//! What a dry run counts, and what the act then does, over every state of a message, with its sender paused and not.

use axum::http::{Method, StatusCode};
use postroom_domain::{Clock as _, UserId};
use postroom_store::{Branches, NewUser, Rights};
use serde_json::{Value, json};

use crate::house::{House, Person, by};

const BOSS: Rights = Rights {
    super_user: true,
    enterprise_view: false,
    administrator: true,
    customize_list_layout: false,
};
const VERBS: [&str; 5] = ["requeue", "resend", "delete", "hold", "release"];

/// Where the two part today, as [done, skipped, refused]. By filter the message that used up the day's limit matches too.
const APART_TODAY: [&str; 10] = [
    "requeue HeldByLimit Open ById: promised [1, 0, 0], did [0, 0, 1]",
    "requeue HeldByLimit Open ByFilter: promised [2, 0, 0], did [1, 0, 1]",
    "release HeldByLimit Open ById: promised [1, 0, 0], did [0, 0, 1]",
    "release HeldByLimit Open ByFilter: promised [1, 1, 0], did [0, 1, 1]",
    "requeue HeldByLimit Paused ById: promised [1, 0, 0], did [0, 0, 1]",
    "requeue HeldByLimit Paused ByFilter: promised [2, 0, 0], did [1, 0, 1]",
    "release HeldByLimit Paused ById: promised [1, 0, 0], did [0, 0, 1]",
    "release HeldByLimit Paused ByFilter: promised [1, 1, 0], did [0, 1, 1]",
    "release HeldByPerson Paused ById: promised [1, 0, 0], did [0, 0, 1]",
    "release HeldByPerson Paused ByFilter: promised [1, 0, 0], did [0, 0, 1]",
];

/// What has become of a message before somebody acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Queued,
    HeldByLimit,
    HeldByPerson,
    HeldByPause,
    Scheduled,
    Sent,
    Failed,
}

const FATES: [Fate; 7] = [
    Fate::Sent,
    Fate::Failed,
    Fate::Queued,
    Fate::HeldByLimit,
    Fate::HeldByPerson,
    Fate::HeldByPause,
    Fate::Scheduled,
];

/// Whether sending is paused for the sender once the message is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    Paused,
    Open,
}

/// How messages are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    ById,
    ByFilter,
}

/// Somebody without a password: hashing one takes longer than the rest.
async fn person(house: &House, n: usize) -> Person {
    let login = format!("person{n}");
    let user = NewUser {
        office: house.root,
        login: login.clone(),
        name: login.clone(),
        email: format!("{login}@example.test"),
        password_hash: String::new(),
        rights: Rights::default(),
    };
    let user = house.node.store.add_user(user, Branches::All, &by()).await;
    house.moved_in(user.unwrap()).await
}

async fn pause(house: &House, boss: &Person, user: UserId) {
    let ask = house.ask(Method::POST, "/api/v1/pauses").by_hand(boss);
    let answer = ask.json(&json!({"user": user.0, "reason": "test"})).send().await;
    assert!(answer.status.is_success(), "{}", answer.text);
}

async fn act(house: &House, boss: &Person, body: Value) -> Value {
    let ask = house.ask(Method::POST, "/api/v1/messages/actions").key(&boss.key);
    let answer = ask.json(&body).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

/// Brings a message of `sender` into a state; the limit is one message a day.
async fn message(house: &House, boss: &Person, sender: &Person, fate: Fate) -> String {
    let letter = || house.letter(sender, "client@example.com", "s");
    match fate {
        Fate::Queued => letter().await,
        Fate::Sent | Fate::Failed => {
            // What others have queued goes first.
            house.deliver(256, 0).await;
            let id = letter().await;
            house.deliver(1, usize::from(fate == Fate::Failed)).await;
            id
        }
        Fate::HeldByLimit => {
            letter().await;
            letter().await
        }
        Fate::HeldByPerson => {
            let id = letter().await;
            let report = act(house, boss, json!({"action": "hold", "ids": [id]})).await;
            assert_eq!(report["done"], 1);
            id
        }
        Fate::HeldByPause => {
            pause(house, boss, sender.user).await;
            letter().await
        }
        Fate::Scheduled => {
            let message = json!({
                "from": format!("{}@example.test", sender.login), "to": ["client@example.com"], "subject": "s", "text": "t",
                "send_at": house.clock.now().plus(std::time::Duration::from_secs(3_600)).to_string(),
            });
            let ask = house.ask(Method::POST, "/api/v1/messages").key(&sender.key);
            let answer = ask.json(&message).send().await;
            answer.json()["id"].as_str().unwrap().to_owned()
        }
    }
}

/// A dry run promises exactly what the act does. Today it does not where holding is about more than the reason that is
/// written down: the rule is written three times, and the two for dry runs know neither that a pause now covers the sender
/// of mail that something else holds, nor whether a daily limit has room. Once one decision serves all three, this list is
/// empty.
#[tokio::test]
async fn dry_run_and_act_agree_but_for_what_pauses_and_limits_say_now() {
    let house = House::with(|config| config.limits.user_daily_limit = 1).await;
    let _work = house.work();
    let boss = house.person("boss", house.root, BOSS).await;
    let (mut cases, mut apart) = (0, Vec::new());
    for fate in FATES {
        for sending in [Sending::Open, Sending::Paused] {
            if (fate, sending) == (Fate::HeldByPause, Sending::Paused) {
                continue;
            }
            for verb in VERBS {
                for named in [Named::ById, Named::ByFilter] {
                    cases += 1;
                    let sender = person(&house, cases).await;
                    let id = message(&house, &boss, &sender, fate).await;
                    if sending == Sending::Paused {
                        pause(&house, &boss, sender.user).await;
                    }
                    let mut body = match named {
                        Named::ById => json!({"action": verb, "ids": [id]}),
                        Named::ByFilter => json!({"action": verb, "filter": {"sender": sender.user.0}}),
                    };
                    body["dry_run"] = json!(true);
                    let promised = act(&house, &boss, body.clone()).await;
                    body["dry_run"] = json!(false);
                    if named == Named::ByFilter {
                        body["as_of"] = promised["as_of"].clone();
                    }
                    let done = act(&house, &boss, body).await;
                    let counts = |report: &Value| {
                        ["done", "skipped", "refused"].map(|count| report[count].as_u64().unwrap())
                    };
                    if counts(&promised) != counts(&done) {
                        apart.push(format!(
                            "{verb} {fate:?} {sending:?} {named:?}: promised {:?}, did {:?}",
                            counts(&promised),
                            counts(&done)
                        ));
                    }
                }
            }
        }
    }
    assert_eq!(cases, 130);
    assert_eq!(apart, APART_TODAY, "{apart:#?}");
}
