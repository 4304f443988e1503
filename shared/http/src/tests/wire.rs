//! Against a server that speaks bytes: what arrives, and what becomes of a reply that does not.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

const SHORT: Limits = Limits {
    connect: Duration::from_secs(5),
    write: Duration::from_millis(900),
    read: Duration::from_millis(1_800),
    body: 100_000,
};

/// What the server does once it has read a request.
#[derive(Clone)]
enum Act {
    /// Writes these bytes and closes.
    Answer(Vec<u8>),
    /// Writes these bytes, then nothing more.
    Stall(Vec<u8>),
    /// Cuts the connection so that the other side is told of a reset.
    Reset,
    /// Closes without a word.
    Close,
}

/// Serves one act for every connection, and hands out what was asked.
async fn serve(act: Act) -> (String, JoinHandle<()>, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = asked.clone();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = head_and_body(&mut stream).await;
            heard.lock().unwrap().push(request);
            match act.clone() {
                Act::Answer(bytes) => {
                    let _ = stream.write_all(&bytes).await;
                    let _ = stream.shutdown().await;
                }
                Act::Stall(bytes) => {
                    let _ = stream.write_all(&bytes).await;
                    tokio::time::sleep(Duration::from_secs(30)).await;
                }
                Act::Reset => {
                    let _ = stream.set_zero_linger();
                }
                Act::Close => {}
            }
        }
    });
    (base, task, asked)
}

async fn head_and_body(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().unwrap() {
                break;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn reply(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn outgoing(limits: Limits) -> Outgoing {
    Outgoing::build(allow(true), limits, resolve::system()).unwrap()
}

async fn send(act: Act, effect: Effect) -> (Result<Response, HttpError>, String) {
    let (base, task, asked) = serve(act).await;
    let answer = outgoing(SHORT).send(request(&format!("{base}/api/3/x?y=z"), effect)).await;
    task.abort();
    let asked = asked.lock().unwrap().join("\n====\n");
    (answer, asked)
}

#[tokio::test]
async fn a_request_arrives_as_it_was_built_and_its_reply_comes_back_whole() {
    let (answer, asked) = send(Act::Answer(reply("200 OK", b"{\"a\":1}")), Effect::Write).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.retry_after, answer.body), (200, None, b"{\"a\":1}".to_vec()));
    let lower = asked.to_lowercase();
    assert!(asked.starts_with("POST /api/3/x?y=z HTTP/1.1\r\n"), "{asked}");
    for part in [
        "api-token: hidden-key",
        "accept: application/json",
        "accept-encoding: gzip",
        "user-agent: tillsync/",
    ] {
        assert!(lower.contains(part), "{part} in {asked}");
    }
    assert!(asked.ends_with("\r\n\r\n{}"), "{asked}");
}

#[tokio::test]
async fn the_key_is_marked_as_not_to_be_printed() {
    let headers = headers(&request("https://acme.api-us1.com/", Effect::Read)).unwrap();
    assert!(headers["api-token"].is_sensitive() && !headers["accept"].is_sensitive());
    assert!(!format!("{headers:?}").contains("hidden"));
}

#[tokio::test]
async fn a_header_that_would_break_the_request_sends_nothing() {
    let (base, task, asked) = serve(Act::Answer(reply("200 OK", b""))).await;
    let mut broken = request(&base, Effect::Write);
    broken.credential = Some(("Api-Token", Secret::new("key\r\nX: y")));
    assert_eq!(outgoing(SHORT).send(broken).await.unwrap_err(), HttpError::NotSent);
    task.abort();
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    for status in
        ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let (elsewhere, other, followed) = serve(Act::Answer(reply("200 OK", b"followed"))).await;
        for effect in [Effect::Read, Effect::Write] {
            let head = format!("{status}\r\nlocation: {elsewhere}/");
            let (answer, _) = send(Act::Answer(reply(&head, b"moved")), effect).await;
            let answer = answer.unwrap();
            assert_eq!(answer.status.to_string(), status[..3]);
            assert_eq!(answer.body, b"moved");
        }
        other.abort();
        assert!(followed.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn retry_after_is_passed_on_as_it_came() {
    for text in ["30", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"] {
        for status in ["429 Too Many Requests", "503 Service Unavailable"] {
            let (answer, _) =
                send(Act::Answer(reply(&format!("{status}\r\nRetry-After: {text}"), b"")), Effect::Read)
                    .await;
            let answer = answer.unwrap();
            assert_eq!(
                (answer.status.to_string().as_str(), answer.retry_after.as_deref()),
                (&status[..3], Some(text))
            );
        }
    }
}

#[tokio::test]
async fn the_time_on_the_other_side_is_told_where_it_is_one() {
    let cases = [
        ("Sun, 25 Oct 2026 00:59:59 GMT", Some("2026-10-25T00:59:59Z")),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some("1994-11-06T08:49:37Z")),
        ("Sat, 31 Dec 2016 23:59:59 GMT", Some("2016-12-31T23:59:59Z")),
        // The old forms, another zone, a day that is none, and what is no time.
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ("Sun Nov  6 08:49:37 1994", None),
        ("Sun, 06 Nov 1994 08:49:37 CET", None),
        ("Sun, 31 Feb 2026 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ("2026-10-25T00:59:59Z", None),
        ("", None),
    ];
    for (text, told) in cases {
        let told = told.map(|text| text.parse().unwrap());
        for status in ["200 OK", "429 Too Many Requests"] {
            let head = format!("{status}\r\nDate: {text}");
            let (answer, _) = send(Act::Answer(reply(&head, b"")), Effect::Read).await;
            assert_eq!(answer.unwrap().date, told, "{text:?}");
        }
    }
    let (answer, _) = send(Act::Answer(reply("200 OK", b"")), Effect::Read).await;
    assert_eq!(answer.unwrap().date, None);
}

#[tokio::test]
async fn replies_that_do_not_come_leave_the_outcome_unknown() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_vec();
    for act in [
        Act::Reset,
        Act::Close,
        Act::Stall(Vec::new()),
        Act::Stall(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Act::Stall(half.clone()),
        Act::Answer(half),
        Act::Answer(chunked),
        Act::Answer(b"no such protocol\r\n\r\n".to_vec()),
        Act::Answer(b"HTTP/1.1 200".to_vec()),
        Act::Answer(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnone".to_vec()),
    ] {
        for effect in [Effect::Read, Effect::Write] {
            let (answer, asked) = send(act.clone(), effect).await;
            assert_eq!(answer.unwrap_err(), HttpError::Unknown);
            // Once, and not again by itself.
            assert_eq!(asked.matches("HTTP/1.1\r\n").count(), 1, "{asked}");
        }
    }
}

#[tokio::test]
async fn reads_may_take_longer_than_writes() {
    let mut took = Vec::new();
    for effect in [Effect::Write, Effect::Read] {
        let start = Instant::now();
        let (answer, _) = send(Act::Stall(Vec::new()), effect).await;
        assert_eq!(answer.unwrap_err(), HttpError::Unknown);
        took.push(start.elapsed());
    }
    assert!(took[0] >= SHORT.write && took[0] < SHORT.read, "{took:?}");
    assert!(took[1] >= SHORT.read && took[1] < SHORT.read * 3, "{took:?}");
    assert_eq!((LIMITS.write.as_secs(), LIMITS.read.as_secs(), LIMITS.connect.as_secs()), (15, 30, 5));
}

#[tokio::test]
async fn a_refused_connection_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for url in [format!("http://{address}/"), format!("http://localhost:{}/", address.port())] {
        for effect in [Effect::Read, Effect::Write] {
            assert_eq!(outgoing(SHORT).send(request(&url, effect)).await.unwrap_err(), HttpError::NotSent);
        }
    }
}

#[tokio::test]
async fn a_failed_handshake_sends_nothing() {
    let (base, task, asked) = serve(Act::Answer(b"no handshake".to_vec())).await;
    let url = base.replace("http://", "https://");
    let mut limits = SHORT;
    limits.write = Duration::from_secs(30);
    assert_eq!(outgoing(limits).send(request(&url, Effect::Write)).await.unwrap_err(), HttpError::NotSent);
    task.abort();
    assert!(!asked.lock().unwrap().join("").contains("hidden-key"));
}

/// `{"packed":true}` and 2,000,000 zeros, packed.
const PACKED: &[u8] = include_bytes!("../fixtures/small.gz");
const PACKED_LARGE: &[u8] = include_bytes!("../fixtures/large.gz");

#[tokio::test]
async fn packed_bodies_are_unpacked() {
    let (answer, _) =
        send(Act::Answer(reply("200 OK\r\ncontent-encoding: gzip", PACKED)), Effect::Read).await;
    assert_eq!(answer.unwrap().body, b"{\"packed\":true}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_taken_in() {
    let full = vec![b'x'; SHORT.body];
    let (answer, _) = send(Act::Answer(reply("200 OK", &full)), Effect::Read).await;
    assert_eq!(answer.unwrap().body.len(), SHORT.body);
    let chunks = |body: &[u8]| {
        let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for chunk in body.chunks(9_999) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    };
    let (answer, _) = send(Act::Answer(chunks(&full)), Effect::Read).await;
    assert_eq!(answer.unwrap().body.len(), SHORT.body);

    let over = vec![b'x'; SHORT.body + 1];
    for bytes in [
        reply("200 OK", &over),
        chunks(&over),
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec(),
        // Small on the way, large when unpacked.
        reply("200 OK\r\ncontent-encoding: gzip", PACKED_LARGE),
    ] {
        let (answer, _) = send(Act::Answer(bytes), Effect::Read).await;
        assert_eq!(answer.unwrap_err(), HttpError::Unknown);
    }
}

/// A proxy that is named in the environment would be told every key. The environment is read once per process,
/// so another process sends a request with one that is not there.
#[test]
fn a_proxy_of_the_environment_is_not_used() {
    let name = "tests::wire::a_request_arrives_as_it_was_built_and_its_reply_comes_back_whole";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", name]).env_remove("NO_PROXY").env_remove("no_proxy");
    for proxy in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(proxy, "http://127.0.0.1:1");
    }
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
