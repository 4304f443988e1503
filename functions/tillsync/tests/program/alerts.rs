//! Somebody outside is told that something needs them: once, by a real `serve`, at a real address and by a real
//! program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tillsync_sandbox::TokenState;

use crate::harness::{Program, shop, until};

/// A server that takes documents.
struct Receiver {
    url: String,
    /// The first line of each request, and its body.
    taken: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook/hidden-path?sig=hidden-query", listener.local_addr().unwrap());
        let taken: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let keep = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let (mut first, mut length) = (String::new(), 0);
                reader.read_line(&mut first).unwrap();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                keep.lock().unwrap().push((first, serde_json::from_slice(&body).unwrap()));
                let reply = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                reader.get_mut().write_all(reply).unwrap();
            }
        });
        Self { url, taken }
    }

    fn taken(&self) -> Vec<(String, Value)> {
        self.taken.lock().unwrap().clone()
    }
}

#[test]
fn a_connection_that_needs_somebody_is_told_once_and_its_end_once() {
    let mut program = Program::new(shop(20));
    program.connect();
    let receiver = Receiver::start();
    let (script, said, seen) = (
        program.data.path().join("alert"),
        program.data.path().join("said"),
        program.data.path().join("environment"),
    );
    let text = format!(
        "#!/bin/sh\n/bin/cat >> '{}'\nexport -p >> '{}'\necho hidden-output\n",
        said.display(),
        seen.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    program.set("TILLSYNC_ALERT_URL", Some(&receiver.url));
    program.set("TILLSYNC_ALERT_COMMAND", script.to_str());
    program.set("TILLSYNC_LOG", Some("debug"));
    program.set("KEPT", Some("yes"));
    let told = || {
        let said = std::fs::read_to_string(&said).unwrap_or_default();
        let said = said.lines().map(|line| serde_json::from_str(line).unwrap());
        (receiver.taken(), said.collect::<Vec<Value>>())
    };
    let serve = || program.spawn(&["serve", "--listen", "127.0.0.1:0"]);

    program.world.set_token(TokenState::Revoked, None);
    assert_eq!(program.ask(&["poll", "shop"]).status, 1);
    let first = serve();
    until("both are told", || told().0.len() == 1 && told().1.len() == 1);
    // The poll that ended with the connection is no alert besides, and asking again is none.
    assert_eq!(program.ask(&["poll", "shop"]).code(1), "connection.inactive");
    let first = first.kill();
    let (posted, said) = told();
    let document = &posted[0].1;
    assert_eq!(posted[0].0, "POST /hook/hidden-path?sig=hidden-query HTTP/1.1\r\n");
    assert_eq!(said[0]["code"], document["code"], "the same for both");
    let code = format!("{}.token_revoked", program.source);
    let names = ["v", "kind", "state", "code"].map(|name| document[name].clone());
    assert_eq!(names, [json!(1), json!("needs_somebody"), json!("raised"), json!(code)]);
    assert_eq!(document["connection"]["name"], "shop");
    let explained = program.ask(&["explain", &code]).with(0);
    assert_eq!(document["action"], explained["action"]);

    // Another process knows what was said; when the token is good again, the end is told.
    program.world.set_token(TokenState::Active, None);
    assert_eq!(program.connect()["renewed"], true);
    let second = serve();
    until("the end is told to both", || told().0.len() > 1 && told().1.len() > 1);
    let second = second.kill();
    let states =
        |all: &[Value]| all.iter().map(|one| format!("{} {}", one["kind"], one["state"])).collect::<Vec<_>>();
    let (posted, said) = told();
    let posted: Vec<Value> = posted.into_iter().map(|(_, document)| document).collect();
    let expected = [r#""needs_somebody" "raised""#, r#""needs_somebody" "resolved""#];
    assert_eq!((states(&posted), states(&said)), (expected.map(str::to_owned).to_vec(), states(&posted)));

    // The program sees what was there, and nothing of ours.
    let environment = std::fs::read_to_string(&seen).unwrap();
    assert!(environment.contains("KEPT") && !environment.contains("TILLSYNC_"), "{environment}");
    for log in [first.err, second.err] {
        assert!(log.contains("health check") && !log.contains("hidden"), "{log}");
    }
}

#[test]
fn a_serve_that_cannot_tell_anybody_says_so_at_its_start() {
    let mut program = Program::new(shop(1));
    let file = program.data.path().join("no-program");
    std::fs::write(&file, "").unwrap();
    for path in ["/nowhere/alert", file.to_str().unwrap()] {
        program.set("TILLSYNC_ALERT_COMMAND", Some(path));
        let ran = program.ask(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(ran.code(2), "config.invalid");
        assert!(ran.out.contains("TILLSYNC_ALERT_COMMAND"), "{ran:?}");
    }
}
