//! The first start of a real `postroom serve` over an empty data folder, up to the first administrator's sign-in.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use serde_json::json;

use crate::server::PASSWORD;

/// A process that ends with the test.
struct Serving {
    process: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
    address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Serving {
    /// Starts one over this data folder and waits until it listens.
    fn over(data: &Path) -> Self {
        Self::with_umask(data, "0022")
    }

    /// The same from a shell that leaves these rights away.
    fn with_umask(data: &Path, umask: &str) -> Self {
        let mut process = Command::new("sh")
            .arg("-c")
            .arg(format!("umask {umask}; exec \"$0\" serve"))
            .arg(env!("CARGO_BIN_EXE_postroom"))
            .env("POSTROOM_SERVER__DATA_DIR", data)
            .env("POSTROOM_HTTP__LISTEN", "127.0.0.1:0")
            .env("POSTROOM_SUBMISSION__LISTEN", "[\"127.0.0.1:0\"]")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let err = BufReader::new(process.stderr.take().unwrap());
        let mut ready = String::new();
        out.read_line(&mut ready).unwrap();
        let address = ready
            .strip_prefix("listening http=")
            .unwrap_or_else(|| panic!("{ready:?}"));
        let address = address.split_whitespace().next().unwrap().to_owned();
        Self {
            process,
            out,
            err,
            address,
        }
    }

    /// What it has printed until the line with these words.
    fn told_until(&mut self, words: &str) -> String {
        let mut told = String::new();
        while !told.contains(words) {
            assert!(self.err.read_line(&mut told).unwrap() > 0, "{told}");
        }
        told
    }

    /// Asks over HTTP; answers the status and everything that was said.
    fn ask(&self, method: &str, path: &str, header: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{header}\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }

    /// Tells it to stop; answers its exit status and whatever it had not been asked for yet.
    fn stop(mut self) -> (Option<i32>, String) {
        let told = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(told.unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        self.err.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code(), rest)
    }
}

#[test]
fn empty_server_prints_a_secret_that_makes_one_administrator_who_can_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Serving::over(&data);
    let file = data.join("setup-secret");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let told = server.told_until("setup-secret");
    let printed = told.split("which works once:").nth(1).unwrap();
    let secret = printed.split_whitespace().next().unwrap();
    assert_eq!(secret, kept.trim());

    // The page's address stands there where the page is in the binary, and the command in any case.
    assert!(told.contains("It is in"), "{told}");
    let rest = server.told_until("--password-stdin");
    let rest = format!("{told}{rest}");
    assert!(rest.contains("postroom setup --login admin"), "{rest}");
    let page = format!("Open http://{}/setup", server.address);
    assert_eq!(rest.contains(&page), cfg!(feature = "ui"), "{rest}");

    let set_up = |server: &Serving, secret: &str, login: &str| {
        let given = json!({
            "secret": secret, "login": login, "name": "Administrator", "email": "admin@example.test", "password": PASSWORD,
        });
        server.ask("POST", "/api/v1/setup", "", &given.to_string())
    };
    let (status, state) = server.ask("GET", "/api/v1/setup", "", "");
    assert!(status == 200 && state.contains("\"needed\":true"), "{state}");
    let (status, refused) = set_up(&server, "wrong", "admin");
    assert!(status == 409 && refused.contains("token_invalid"), "{refused}");
    let (status, done) = set_up(&server, secret, "admin");
    assert_eq!(status, 201, "{done}");
    assert!(!file.exists(), "a used secret stays nowhere");
    let (status, refused) = set_up(&server, secret, "other");
    assert!(status == 409 && refused.contains("set_up_already"), "{refused}");

    let given = json!({ "login": "admin", "password": PASSWORD }).to_string();
    let (status, session) = server.ask("POST", "/api/v1/session", "", &given);
    assert!(
        status == 200 && session.contains("\"system_administrator\":true"),
        "{session}"
    );
    let (_, cookie) = session.split_once("set-cookie: ").unwrap();
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    let (status, session) = server.ask("GET", "/api/v1/session", &cookie, "");
    assert!(
        status == 200 && session.contains("\"login\":\"admin\""),
        "{session}"
    );
    assert_eq!(server.stop().0, Some(0));

    // With somebody who can sign in, no start draws another.
    let (code, rest) = Serving::over(&data).stop();
    assert_eq!(code, Some(0), "{rest}");
    assert!(!rest.contains("which works once") && !file.exists(), "{rest}");
}

/// The rights of group and others to each file of a folder, where they have any.
fn open_to_others(folder: &Path) -> Vec<(String, u32)> {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let modes = files.map(|file| {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        (file.file_name().to_string_lossy().into_owned(), mode)
    });
    modes.filter(|(_, mode)| mode & 0o077 != 0).collect()
}

#[test]
fn files_in_a_folder_that_others_may_look_into_are_the_servers_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(&data, 0o755);
    let server = Serving::with_umask(&data, "0000");
    let names = ["postroom.db", "postroom.db-wal", "postroom.db-shm", "admin.sock"];
    for name in names {
        assert!(data.join(name).exists(), "{name}");
    }
    assert_eq!(open_to_others(&data), []);
    assert_eq!(server.stop().0, Some(0));

    // As an earlier version left it.
    open(&data.join("postroom.db"), 0o644);
    let server = Serving::with_umask(&data, "0000");
    assert_eq!(open_to_others(&data), []);
    assert_eq!(server.stop().0, Some(0));
}
