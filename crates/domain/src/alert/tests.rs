use super::*;
use crate::id::UserId;
use crate::kind::Kind;

const ROOT: OfficeId = OfficeId(1);
const NORTH: OfficeId = OfficeId(2);
const SOUTH: OfficeId = OfficeId(3);

fn member(id: i64, office: OfficeId, role: Reader) -> StaffMember {
    StaffMember {
        id: UserId(id),
        office,
        name: format!("user {id}"),
        role,
    }
}

/// 1 administers the System Office, 2 North (with its own relay); South has nobody but its clerk.
fn staff() -> Staff {
    let people = [
        member(1, ROOT, Reader::Administrator),
        member(2, NORTH, Reader::Administrator),
        member(11, ROOT, Reader::Sender),
        member(12, NORTH, Reader::Sender),
        member(13, SOUTH, Reader::Sender),
    ];
    let offices = [
        (ROOT, RouteId::SERVER),
        (NORTH, RouteId(2)),
        (SOUTH, RouteId::SERVER),
    ];
    Staff::new(people, offices, Some(ROOT))
}

fn about(office: OfficeId, sender: i64, kind: Kind) -> About {
    About {
        office,
        sender: Some(UserId(sender)),
        submitter: None,
        kind: Some(kind),
    }
}

fn told(occasion: &Occasion, about: &About) -> Vec<i64> {
    let told = staff().concerned(occasion, about);
    told.into_iter().map(|(id, _)| id.0).collect()
}

fn trouble(trouble: Trouble, epoch: i64) -> Occasion {
    Occasion::Trouble {
        trouble,
        route: RouteId::SERVER,
        relay: "main".to_owned(),
        epoch,
        home: RelayHome::ServerConfiguration,
        error: "535 5.7.8 wrong".to_owned(),
    }
}

fn outage(route: RouteId) -> Outage {
    Outage {
        route,
        place: 0,
        relay: "main".to_owned(),
        number: 7,
    }
}

fn north() -> RelayHome {
    RelayHome::Office {
        id: NORTH,
        name: "North".to_owned(),
    }
}

fn down(route: RouteId, home: RelayHome) -> Occasion {
    Occasion::Down {
        outage: outage(route),
        home,
        error: "refused".to_owned(),
    }
}

fn failed() -> Occasion {
    Occasion::Failed {
        error: "550 5.1.1 unknown".to_owned(),
    }
}

fn limit(of: LimitOf) -> Occasion {
    Occasion::Limit {
        of,
        most: 5,
        day: "2026-11-23".to_owned(),
    }
}

#[test]
fn titles_are_the_seeds_word_for_word() {
    let title = |occasion: &Occasion, reader| occasion.words("SmartOffice", reader).title;
    for (occasion, expected) in [
        (
            trouble(Trouble::Auth, 0),
            "SmartOffice failed to connect to the SMTP server",
        ),
        (
            down(RouteId::SERVER, RelayHome::ServerConfiguration),
            "E-mail Server for system is Down",
        ),
        (
            down(RouteId(2), north()),
            "The E-mail Server for your office is Down",
        ),
        (
            Occasion::Up {
                outage: outage(RouteId::SERVER),
                home: RelayHome::ServerConfiguration,
            },
            "The E-mail Server for your office is back online",
        ),
        (
            limit(LimitOf::System),
            "The daily SmartOffice E-mail limit for the System Office has been reached",
        ),
        (
            limit(LimitOf::User("Case".to_owned())),
            "Your daily e-mail limit has been reached",
        ),
        (failed(), "You have undeliverable e-mail"),
    ] {
        assert_eq!(title(&occasion, Reader::Sender), expected);
    }
    let theirs = title(&limit(LimitOf::User("Case".to_owned())), Reader::Administrator);
    assert_eq!(theirs, "The daily e-mail limit of a user has been reached");
}

#[test]
fn trouble_names_the_place_of_the_setting_and_the_cause() {
    let words = trouble(Trouble::Auth, 0).words("Postroom", Reader::Administrator);
    assert!(
        words.text.contains("refused the sign-in. 535 5.7.8 wrong"),
        "{}",
        words.text
    );
    assert!(
        words.advice.contains("user name and password"),
        "{}",
        words.advice
    );
    assert!(words.advice.contains("server configuration"), "{}", words.advice);
    let Occasion::Trouble {
        trouble,
        route,
        relay,
        epoch,
        error,
        ..
    } = trouble(Trouble::Tls, 0)
    else {
        unreachable!()
    };
    let home = north();
    let own = Occasion::Trouble {
        trouble,
        route,
        relay,
        epoch,
        home,
        error,
    };
    let words = own.words("Postroom", Reader::Sender);
    assert!(
        words.advice.contains("Office Settings of North"),
        "{}",
        words.advice
    );
}

#[test]
fn each_occasion_concerns_those_whom_the_specification_names() {
    let own = |route| down(route, north());
    let server = || down(RouteId::SERVER, RelayHome::ServerConfiguration);
    let nobody = About {
        office: ROOT,
        sender: None,
        submitter: None,
        kind: None,
    };
    let by_clerk = About {
        submitter: Some(UserId(13)),
        ..about(NORTH, 12, Kind::Direct)
    };
    let user = || limit(LimitOf::User("x".to_owned()));
    for (occasion, about, expected) in [
        (
            trouble(Trouble::Auth, 0),
            about(NORTH, 12, Kind::Direct),
            vec![2, 12],
        ),
        // An office without administrators is the System Office's.
        (
            trouble(Trouble::Auth, 0),
            about(SOUTH, 13, Kind::Direct),
            vec![1, 13],
        ),
        (
            trouble(Trouble::Auth, 0),
            about(NORTH, 12, Kind::RecordShared),
            vec![2],
        ),
        (trouble(Trouble::Auth, 0), about(NORTH, 12, Kind::Alert), vec![]),
        (server(), nobody, vec![1]),
        (own(RouteId(2)), nobody, vec![2]),
        (
            limit(LimitOf::System),
            about(NORTH, 12, Kind::Direct),
            vec![1, 12],
        ),
        (user(), about(NORTH, 12, Kind::Direct), vec![1, 12]),
        (failed(), about(NORTH, 12, Kind::Direct), vec![12]),
        (failed(), by_clerk, vec![12, 13]),
        (failed(), about(NORTH, 0, Kind::RecordShared), vec![2]),
        (failed(), about(NORTH, 0, Kind::Alert), vec![]),
        // Somebody who has left reads nothing any more.
        (failed(), about(NORTH, 99, Kind::Direct), vec![2]),
    ] {
        assert_eq!(told(&occasion, &about), expected, "{occasion:?} {about:?}");
    }
}

#[test]
fn same_cause_has_the_same_key_and_another_day_or_outage_another() {
    let key = |occasion: Occasion, day: &str| occasion.key(day);
    let (monday, tuesday) = ("2026-11-23", "2026-11-24");
    assert_eq!(key(failed(), monday), key(failed(), monday));
    assert_ne!(key(failed(), monday), key(failed(), tuesday));
    assert_eq!(
        key(trouble(Trouble::Auth, 1), monday),
        key(trouble(Trouble::Auth, 3), monday)
    );
    assert_ne!(
        key(trouble(Trouble::Connect, 1), monday),
        key(trouble(Trouble::Connect, 3), monday)
    );
    let server = down(RouteId::SERVER, RelayHome::ServerConfiguration);
    assert_eq!(
        server.key(monday),
        server.key(tuesday),
        "an outage is one over midnight"
    );
    assert_ne!(
        key(limit(LimitOf::System), monday),
        key(limit(LimitOf::User(String::new())), monday)
    );
}
