//! Tokens from an endpoint on this machine.

use std::sync::atomic::{AtomicUsize, Ordering};

use postroom_domain::{ManualClock, OfficeId, Rates, RouteId};
use postroom_store::{
    Actor, Administration as _, AuditNote, By, KeptRelay, NewOffice, OfficeSettings, People as _, Sealed,
    Settings as _, SmtpAuth, SmtpSettings, SmtpTls, SmtpTrust, SqliteOptions, SqliteStore, Upkeep as _,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::vault::{Field, Slot, Vault};

const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);
/// The first relay's refresh token of the only office.
const SLOT: Slot = Slot {
    office: OfficeId(1),
    place: 0,
    field: Field::RefreshToken,
};

/// A token endpoint that numbers its tokens and keeps the forms that it was sent.
struct Server {
    url: String,
    asked: Arc<AtomicUsize>,
    forms: Arc<std::sync::Mutex<Vec<String>>>,
}

async fn server(extra: &'static str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let (asked, forms) = (Arc::new(AtomicUsize::new(0)), Arc::default());
    let (count, kept) = (Arc::clone(&asked), Arc::clone(&forms));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let n = count.fetch_add(1, Ordering::SeqCst) + 1;
            let mut request = String::new();
            while !request.contains("grant_type") {
                let mut chunk = [0; 4_096];
                let read = stream.read(&mut chunk).await.unwrap();
                request.push_str(&String::from_utf8_lossy(&chunk[..read]));
            }
            let form = request.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
            let forms: &std::sync::Mutex<Vec<String>> = &kept;
            forms.lock().unwrap().push(form);
            let body = format!("{{\"access_token\":\"t{n}\",\"expires_in\":3600{extra}}}");
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream
                .write_all(format!("{head}{body}").as_bytes())
                .await
                .unwrap();
        }
    });
    Server { url, asked, forms }
}

fn client(server: &Server, grant: TokenGrant, reach: Reach) -> (TokenClient, Arc<ManualClock>) {
    keeping(server, grant, reach, None)
}

fn keeping(
    server: &Server,
    grant: TokenGrant,
    reach: Reach,
    refresh: Option<RefreshTokens>,
) -> (TokenClient, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    let endpoint = TokenEndpoint {
        url: server.url.clone(),
        client_id: "postroom".to_owned(),
        scope: "smtp".to_owned(),
        grant,
    };
    let secrets = TokenSecrets {
        client_secret: "client secret".to_owned(),
        refresh_token: "refresh".to_owned(),
    };
    let client = TokenClient::new(endpoint, secrets, refresh, reach, Arc::clone(&clock) as _);
    (client, clock)
}

#[tokio::test]
async fn token_is_kept_until_shortly_before_its_end() {
    let server = server("").await;
    let (client, clock) = client(&server, TokenGrant::ClientCredentials, Reach::default());
    assert_eq!(client.token(None).await.unwrap(), "t1");
    clock.advance(Duration::from_secs(3_600 - 61));
    assert_eq!(client.token(None).await.unwrap(), "t1");
    clock.advance(Duration::from_secs(2));
    assert_eq!(client.token(None).await.unwrap(), "t2");
    let form = server.forms.lock().unwrap()[0].clone();
    assert_eq!(
        form,
        "grant_type=client_credentials&client_id=postroom&client_secret=client+secret&scope=smtp"
    );
}

#[tokio::test]
async fn refused_token_is_replaced_and_another_is_not() {
    let server = server("").await;
    let (client, _) = client(&server, TokenGrant::ClientCredentials, Reach::default());
    assert_eq!(client.token(None).await.unwrap(), "t1");
    assert_eq!(client.token(Some("t1")).await.unwrap(), "t2");
    // A connection that was refused the old one meets the new one.
    assert_eq!(client.token(Some("t1")).await.unwrap(), "t2");
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn refresh_token_that_the_endpoint_replaces_is_used_from_then_on() {
    let server = server(",\"refresh_token\":\"second\"").await;
    let (client, clock) = client(&server, TokenGrant::RefreshToken, Reach::default());
    client.token(None).await.unwrap();
    clock.advance(Duration::from_secs(7_200));
    client.token(None).await.unwrap();
    let forms = server.forms.lock().unwrap().clone();
    assert!(forms[0].contains("refresh_token=refresh&"), "{forms:?}");
    assert!(forms[1].contains("refresh_token=second&"), "{forms:?}");
}

/// Opens the store and the key file of a folder; the first time it makes an office whose relay has the refresh token
/// `refresh`.
async fn opened(folder: &std::path::Path) -> (Arc<SqliteStore>, RefreshTokens) {
    let store = SqliteStore::open(folder.join("mail.db"), SqliteOptions::default()).unwrap();
    let vault = Vault::open(folder).unwrap();
    if store.offices().await.unwrap().is_empty() {
        let office = NewOffice {
            parent: None,
            name: "System Office".to_owned(),
            route: RouteId::SERVER,
        };
        let by = By::of(Actor::Operator, START);
        let added = store.add_office(office, &by).await.unwrap();
        assert_eq!(added.id, SLOT.office);
        set(&store, 0, vault.seal(SLOT, "refresh").unwrap()).await;
    }
    let store = Arc::new(store);
    let refresh = RefreshTokens {
        store: Arc::clone(&store) as _,
        vault: Arc::new(vault),
        office: SLOT.office,
        place: SLOT.place,
        changing: Arc::default(),
    };
    (store, refresh)
}

/// Sets the office's relay, with this refresh token.
async fn set(store: &SqliteStore, version: i64, refresh_token: Sealed) {
    let relay = KeptRelay {
        smtp: SmtpSettings {
            host: "mail.example.com".to_owned(),
            port: 587,
            tls: SmtpTls::Required,
            auth: SmtpAuth::Xoauth2,
            user: "office".to_owned(),
            token: None,
            certificate: None,
            trust: SmtpTrust::System,
            sender_domains: Vec::new(),
            connections: 1,
            messages_per_connection: 1,
            rates: Rates::default(),
        },
        secret: None,
        client_secret: None,
        refresh_token: Some(refresh_token),
    };
    let settings = OfficeSettings {
        version,
        relays: vec![relay],
        ..OfficeSettings::defaults(SLOT.office)
    };
    let note = AuditNote::by(Actor::Operator);
    store.set_settings(settings, &note, START).await.unwrap();
}

#[tokio::test]
async fn refresh_token_that_was_replaced_is_kept_sealed_and_used_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(",\"refresh_token\":\"second\"").await;
    for sent in ["refresh", "second"] {
        let (store, refresh) = opened(folder.path()).await;
        let vault = Arc::clone(&refresh.vault);
        let (client, _) = keeping(&server, TokenGrant::RefreshToken, Reach::default(), Some(refresh));
        client.token(None).await.unwrap();
        let form = server.forms.lock().unwrap().last().unwrap().clone();
        assert!(form.contains(&format!("refresh_token={sent}&")), "{form}");
        let settings = store.settings(SLOT.office).await.unwrap().unwrap();
        let kept = settings.relays[0].refresh_token.clone().unwrap();
        assert!(!kept.0.windows(6).any(|window| window == b"second"), "sealed");
        assert_eq!(vault.open_secret(SLOT, &kept).unwrap(), "second");
        assert_eq!(settings.version, 1, "nobody edited the settings");
        store.close().await;
    }
}

#[tokio::test]
async fn refresh_token_that_an_administrator_sets_counts_and_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(",\"refresh_token\":\"second\"").await;
    let (store, refresh) = opened(folder.path()).await;
    let vault = Arc::clone(&refresh.vault);
    let late = refresh.clone();
    let (client, clock) = keeping(&server, TokenGrant::RefreshToken, Reach::default(), Some(refresh));
    client.token(None).await.unwrap();
    set(&store, 1, vault.seal(SLOT, "set by hand").unwrap()).await;
    // An answer to the old one, which comes late, changes nothing.
    late.replace("second", "third").await.unwrap();
    assert_eq!(late.now().await.unwrap().as_deref(), Some("set by hand"));
    clock.advance(Duration::from_secs(7_200));
    client.token(None).await.unwrap();
    let form = server.forms.lock().unwrap().last().unwrap().clone();
    assert!(form.contains("refresh_token=set+by+hand&"), "{form}");
}

#[tokio::test]
async fn endpoint_at_a_forbidden_address_is_not_asked() {
    let server = server("").await;
    let reach = Reach::guarded(|_| Err("it is loopback".to_owned()));
    let (client, _) = client(&server, TokenGrant::ClientCredentials, reach);
    let error = client.token(None).await.unwrap_err();
    assert_eq!(
        error,
        TokenError::Forbidden {
            address: [127, 0, 0, 1].into(),
            why: "it is loopback".to_owned()
        }
    );
    assert_eq!(server.asked.load(Ordering::SeqCst), 0);
}

#[test]
fn refusal_is_quoted() {
    let answer = br#"{"error":"invalid_client","error_description":"secret expired"}"#;
    let error = read(StatusCode::UNAUTHORIZED, answer).map(drop).unwrap_err();
    assert_eq!(
        error,
        "the token endpoint answered 401 Unauthorized: invalid_client secret expired"
    );
    assert!(
        read(StatusCode::OK, b"<html>")
            .map(drop)
            .unwrap_err()
            .contains("no access_token")
    );
}
