//! How long a webhook waits for its answer, on both hosts, and how often a platform is called for it. Each event is
//! signed, of its own id, and taken for queueing; what works the queue off finds its connection paused.

mod embedded;
mod function;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What events are signed with.
const KEY: &str = "bench-signature-key-0001";
/// The header the signature stands in.
const HEADER: &str = "x-square-hmacsha256-signature";
/// The longest body that is taken.
const LARGE: usize = 256 * 1024;
/// Events of the usual length, and of the longest.
const EVENTS: [usize; 2] = [2_000, 500];
/// Senders at once, where there is more than one.
const AT_ONCE: usize = 8;
/// Where the table stands in the README.
const MARKS: (&str, &str) = ("<!-- webhook figures -->", "<!-- /webhook figures -->");

/// One way of sending.
struct Row {
    host: &'static str,
    /// Bytes of a body.
    body: usize,
    at_once: usize,
    /// Of every event, in any order.
    took: Vec<Duration>,
    /// Calls to platforms while they were sent.
    calls: u64,
}

/// Measures both hosts and prints the table; puts it into a README, where one is named.
pub(crate) fn run(program: &Path, function: &Path, readme: Option<&Path>) -> Result<(), String> {
    let before = load();
    let mut rows = embedded::measure(program)?;
    let (more, aws_calls) = function::measure(function)?;
    rows.extend(more);
    let text = table(&rows, aws_calls);
    println!("{text}\nload of the machine: {before} before, {} after", load());
    readme.map_or(Ok(()), |readme| crate::figures::put(readme, MARKS, &text))
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn table(rows: &[Row], aws_calls: f64) -> String {
    let mut text = String::from(
        "| host | body | at once | events | p50 | p99 (goal: 25 ms) | longest | platform calls (goal: 0) |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let mut took = row.took.clone();
        took.sort_unstable();
        let at = |percent: usize| {
            let place = (took.len() * percent).div_ceil(100).saturating_sub(1);
            took.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        let Row { host, body, at_once, calls, .. } = row;
        let (p50, p99, longest) = (at(50), at(99), at(100));
        text += &format!(
            "| {host} | {body} bytes | {at_once} | {} | {p50:.1} ms | {p99:.1} ms | {longest:.1} ms | {calls} |\n",
            took.len()
        );
    }
    text + &format!(
        "\nThe function made {aws_calls:.1} calls to services of AWS per event, which a stand-in answered at once: the \
         time those take comes on top.\n"
    )
}

/// An event of this id, made longer where a length is asked for.
fn event(sample: &Value, id: &str, length: Option<usize>) -> Vec<u8> {
    let mut event = sample.clone();
    event["event_id"] = json!(id);
    if let Some(length) = length {
        event["pad"] = json!("");
        let short = event.to_string().len();
        event["pad"] = json!("p".repeat(length.saturating_sub(short)));
    }
    event.to_string().into_bytes()
}

fn signature(url: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    STANDARD.encode(hmac::sign(&key, &[url.as_bytes(), body].concat()))
}

/// An address that takes no call, and counts them.
fn counting() -> Result<(String, Arc<AtomicU64>), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            counted.fetch_add(1, Ordering::Relaxed);
            drop(stream);
        }
    });
    Ok((format!("http://{address}"), count))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{LARGE, Row, event, signature, table};

    #[test]
    fn events_have_their_length_and_rows_their_percentiles() {
        assert_eq!(event(&json!({"type": "order.updated"}), "e-1", Some(LARGE)).len(), LARGE);
        assert_eq!(event(&json!({}), "e-1", None), br#"{"event_id":"e-1"}"#);
        // Made by `openssl dgst -sha256 -hmac`.
        assert_eq!(signature("https://example.com/", b"{}"), "HJy9IDcqwjiIvIMcpFymTLNT8BHlwCs86UrjZltxNQA=");
        let took = (1..=200).rev().map(Duration::from_millis).collect();
        let text = table(&[Row { host: "embedded", body: 400, at_once: 8, took, calls: 0 }], 4.0);
        let row = "| embedded | 400 bytes | 8 | 200 | 100.0 ms | 198.0 ms | 200.0 ms | 0 |\n";
        assert!(text.contains(row), "{text}");
    }
}
