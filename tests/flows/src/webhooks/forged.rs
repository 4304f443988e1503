//! Messages that nobody may believe: each is refused over the real routes, and none leaves a message in a queue.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tillsync_engine::intake::Hooks;
use tillsync_engine::ports::Lane;
use tillsync_mapping::model::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{KEY, reached};
use crate::harness::{SOURCE, shop};

/// The header that is checked.
const HEADER: &str = "x-square-hmacsha256-signature";

pub(super) fn mac(key: &str, url: &str, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

/// The headers of a message that is signed as it should be.
pub(super) fn signed(key: &str, url: &str, body: &[u8]) -> Vec<(String, Vec<u8>)> {
    vec![(HEADER.to_owned(), STANDARD.encode(mac(key, url, body)).into_bytes())]
}

/// Posts bytes as they are, and gives the answer's status.
pub(super) async fn send(url: &str, headers: &[(String, Vec<u8>)], body: &[u8]) -> u16 {
    request("POST", url, headers, body).await
}

async fn request(method: &str, url: &str, headers: &[(String, Vec<u8>)], body: &[u8]) -> u16 {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let mut head = format!("{method} /{path} HTTP/1.1\r\nconnection: close\r\n").into_bytes();
    let has = |name: &str| headers.iter().any(|(other, _)| other == name);
    if !has("host") {
        head.extend(format!("host: {host}\r\n").into_bytes());
    }
    if !has("transfer-encoding") {
        head.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
    }
    for (name, value) in headers {
        head.extend(format!("{name}: ").into_bytes());
        head.extend(value);
        head.extend(b"\r\n");
    }
    head.extend(b"\r\n");
    stream.write_all(&head).await.unwrap();
    // One that is refused before it was read whole may be cut off.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap()
}

fn event() -> Value {
    json!({"merchant_id": "M1", "type": "order.updated", "event_id": "e-forged",
           "created_at": "2026-01-02T03:04:05.123456789Z",
           "data": {"type": "order_updated", "id": "O1",
                    "object": {"order_updated": {"order_id": "O1", "location_id": "L1", "state": "OPEN"}}}})
}

/// How one differs from a message that would be taken.
struct Made {
    method: &'static str,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// A message made as a line of the list says.
fn made(how: &Value, url: &str) -> Made {
    let good = event().to_string();
    let body = forged_body(how["body"].as_str(), &good);
    // What was signed is the good one, unless the forger had a key of his own.
    let over = if how["sign_body"] == true { &body[..] } else { good.as_bytes() };
    let key = forged_key(how["key"].as_str());
    let signature = match how["sign_url"].as_str() {
        Some("after") => mac(&key, &String::from_utf8_lossy(over), url.as_bytes()),
        part => mac(&key, &forged_address(part, url), over),
    };
    let name = how["name"].as_str().unwrap_or(HEADER);
    let value = forged_value(how["header"].as_str(), &signature);
    let mut headers: Vec<(String, Vec<u8>)> =
        value.into_iter().map(|value| (name.to_owned(), value)).collect();
    if how["repeat"] == true {
        headers.extend(headers.clone());
    }
    for (name, value) in how["headers"].as_object().into_iter().flatten() {
        headers.push((name.clone(), value.as_str().unwrap().as_bytes().to_vec()));
    }
    let method = forged_method(how["method"].as_str());
    Made { method, url: forged_place(how["to"].as_str(), url), headers, body }
}

/// What is posted.
fn forged_body(kind: Option<&str>, good: &str) -> Vec<u8> {
    let bytes = good.as_bytes();
    let text = match kind {
        None => good.to_owned(),
        Some("pretty") => serde_json::to_string_pretty(&event()).unwrap(),
        Some("bom") => format!("\u{feff}{good}"),
        Some("newline") => format!("{good}\n"),
        Some("blank_before") => format!(" {good}"),
        Some("empty") => String::new(),
        Some("cut") => good[..good.len() - 1].to_owned(),
        Some("twice") => good.repeat(2),
        Some("base64") => STANDARD.encode(good),
        Some("escaped") => good.replace("M1", "\\u004d1"),
        Some("store") => good.replace("M1", "M2"),
        Some("order") => good.replace("O1", "O2"),
        Some("id") => good.replace("e-forged", "e-other"),
        Some("time") => good.replace("2026-01", "2026-02"),
        Some("nul") => format!("{good}\0"),
        Some("large") => " ".repeat(256 * 1024 + 1),
        Some("huge") => "{".repeat(2 * 1024 * 1024),
        Some("deep") => format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        Some("utf16") => return good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Some("flip") => return [&bytes[..bytes.len() - 1], &[bytes[bytes.len() - 1] ^ 1]].concat(),
        Some("bytes") => return (0..=255).collect(),
        Some(other) => panic!("no body {other}"),
    };
    text.into_bytes()
}

/// The address that was signed.
fn forged_address(kind: Option<&str>, url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    match kind {
        None => url.to_owned(),
        Some("https") => format!("https://{rest}"),
        Some("slash") => format!("{url}/"),
        Some("query") => format!("{url}?a=1"),
        Some("upper") => url.to_uppercase(),
        Some("no_scheme") => rest.to_owned(),
        Some("path") => format!("/{path}"),
        Some("host") => format!("{scheme}://evil.example/{path}"),
        Some("port") => url.replace(host, "127.0.0.1"),
        Some("localhost") => url.replace("127.0.0.1", "localhost"),
        Some("dot") => url.replace("/webhooks/", "/./webhooks/"),
        Some("encoded") => url.replace("webhooks", "%77ebhooks"),
        Some("empty") => String::new(),
        Some(other) => panic!("no url {other}"),
    }
}

/// The key it was signed with.
fn forged_key(kind: Option<&str>) -> String {
    match kind {
        None => KEY.to_owned(),
        Some("empty") => String::new(),
        Some("decoded") => "canary".to_owned(),
        Some("both") => format!("{KEY},canary-signature-key-0002"),
        Some("case") => KEY.to_uppercase(),
        Some("cut") => KEY[..KEY.len() - 1].to_owned(),
        Some("blank") => format!("{KEY} "),
        Some(other) => other.to_owned(),
    }
}

/// What the header says, where there is one.
fn forged_value(kind: Option<&str>, signature: &[u8]) -> Option<Vec<u8>> {
    let encoded = STANDARD.encode(signature);
    let text = match kind {
        None => encoded,
        Some("none") => return None,
        Some("empty") => String::new(),
        Some("cut") => encoded[..43].to_owned(),
        Some("short") => STANDARD.encode(&signature[..31]),
        Some("long") => STANDARD.encode([signature, &[0]].concat()),
        Some("no_padding") => STANDARD_NO_PAD.encode(signature),
        Some("url_safe") => URL_SAFE.encode([0xFB_u8; 32]),
        Some("hex") => signature.iter().map(|byte| format!("{byte:02x}")).collect(),
        Some("quoted") => format!("\"{encoded}\""),
        Some("prefixed") => format!("sha256={encoded}"),
        Some("twice_in_one") => format!("{encoded},{encoded}"),
        Some("flip") => STANDARD.encode(signature.iter().map(|byte| !byte).collect::<Vec<_>>()),
        Some("last_bit") => {
            // The same bytes for a reader who is not strict: the last letter's low bits are no part of them.
            let mut text = encoded.into_bytes();
            let at = text.len() - 2;
            text[at] = if text[at] == b'9' { b'8' } else { text[at] + 1 };
            return Some(text);
        }
        Some("zeros") => STANDARD.encode([0_u8; 32]),
        Some("latin") => return Some([encoded.as_bytes(), &[0xE9]].concat()),
        Some("inner_blank") => format!("{} {}", &encoded[..20], &encoded[20..]),
        Some("sha1_length") => STANDARD.encode([7_u8; 20]),
        Some(other) => panic!("no header {other}"),
    };
    Some(text.into_bytes())
}

/// Where it is posted.
fn forged_place(kind: Option<&str>, url: &str) -> String {
    match kind {
        None => url.to_owned(),
        Some("other_token") => {
            let last = if url.ends_with('0') { '1' } else { '0' };
            format!("{}{last}", &url[..url.len() - 1])
        }
        Some("short_token") => url[..url.len() - 4].to_owned(),
        Some("no_token") => url[..=url.rfind('/').unwrap()].to_owned(),
        Some("other_source") => url.replace(SOURCE, "shopify"),
        Some("upper_source") => url.replace(SOURCE, &SOURCE.to_uppercase()),
        Some("slash") => format!("{url}/"),
        Some("more") => format!("{url}/more"),
        Some("traversal") => url.replace(SOURCE, &format!("x/../{SOURCE}")),
        Some("long_token") => format!("{url}{}", "0".repeat(5_000)),
        Some("odd_token") => format!("{url}%23META"),
        Some(other) => panic!("nothing at {other}"),
    }
}

fn forged_method(kind: Option<&str>) -> &'static str {
    const METHODS: [&str; 6] = ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
    let Some(kind) = kind else { return "POST" };
    METHODS.into_iter().find(|method| *method == kind).unwrap_or_else(|| panic!("no method {kind}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn forgeries_are_refused_and_none_is_queued() {
    let keys = [(SOURCE.to_owned(), vec![Secret::new(KEY), Secret::new("canary-signature-key-0002")])];
    let hooks = Hooks { keys: keys.into(), ..Hooks::default() };
    let (flow, url) = reached(shop(0), hooks).await;
    let list: Vec<Value> = serde_json::from_str(include_str!("forgeries.json")).unwrap();
    assert!(list.len() >= 60, "{}", list.len());
    for how in &list {
        let Made { method, url, headers, body } = made(how, &url);
        let status = request(method, &url, &headers, &body).await;
        assert_eq!(json!(status), how["status"], "{how}");
        let depth = flow.engine.queue.depth(Lane::Live).await.unwrap();
        assert_eq!(depth, 0, "queued: {how}");
    }
    // The forger's list would prove nothing if the message itself were refused.
    for key in [KEY, "canary-signature-key-0002"] {
        let mut event = event();
        event["event_id"] = json!(key);
        let body = event.to_string().into_bytes();
        assert_eq!(send(&url, &signed(key, &url, &body), &body).await, 200, "{key}");
    }
    assert_eq!(flow.engine.queue.depth(Lane::Live).await.unwrap(), 2);
    // Behind a proxy the request names other hosts and schemes; the signature is over the address that is set.
    let mut body = event();
    body["event_id"] = json!("e-proxy");
    let body = body.to_string().into_bytes();
    let mut headers = signed(KEY, &url, &body);
    for (name, value) in
        [("host", "inner.example:9"), ("x-forwarded-proto", "http"), ("forwarded", "host=evil.example")]
    {
        headers.push((name.to_owned(), value.as_bytes().to_vec()));
    }
    assert_eq!(send(&url, &headers, &body).await, 200);
}

/// Signed, and of no use: accepted, so that it is not sent again, and nothing comes of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_and_of_no_use_is_accepted_and_not_queued() {
    let hooks = Hooks { keys: [(SOURCE.to_owned(), vec![Secret::new(KEY)])].into(), ..Hooks::default() };
    let (flow, url) = reached(shop(0), hooks).await;
    let mut other = event();
    other["type"] = json!("invoice.created");
    let mut strange = event();
    strange["data"]["object"] = json!([]);
    let bodies = [
        other.to_string(),
        strange.to_string(),
        "[]".into(),
        "not JSON".into(),
        "\u{0}".into(),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
    ];
    for body in bodies {
        let status = send(&url, &signed(KEY, &url, body.as_bytes()), body.as_bytes()).await;
        assert_eq!(status, 200, "{}", &body[..body.len().min(80)]);
    }
    assert_eq!(flow.engine.queue.depth(Lane::Live).await.unwrap(), 0);
}
