//! Events on their way to whoever subscribed: signed, sent, tried again as Square does (square.md section 7.2).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::clock;
use crate::events::Event;
use crate::rng::Rng;
use crate::square::Subscription;
use crate::world::World;

/// Square's pauses before each further try, in minutes.
const PAUSES: [u64; 11] = [1, 2, 4, 8, 16, 32, 60, 120, 240, 480, 480];
/// Time allowed for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Tries and bodies that are remembered.
const KEPT: usize = 5_000;

/// One event to one subscription.
#[derive(Clone, Debug)]
struct Letter {
    event: String,
    kind: &'static str,
    url: String,
    key: String,
    body: String,
}

#[derive(Debug, Default)]
struct Inside {
    waiting: VecDeque<Letter>,
    log: VecDeque<Value>,
    bodies: VecDeque<(String, String)>,
}

/// What is to be sent.
#[derive(Debug)]
pub(crate) struct Outbox {
    inside: Mutex<Inside>,
    rng: Mutex<Rng>,
    news: Notify,
}

impl Outbox {
    pub(crate) fn new(seed: u64) -> Self {
        Self { inside: Mutex::default(), rng: Mutex::new(Rng::new(seed ^ 0x77EB)), news: Notify::new() }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Events for whoever subscribed to them.
    pub(crate) fn put(&self, events: Vec<Event>, to: &crate::square::Subscriptions) {
        for mut event in events {
            let id = uuid(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner));
            event.envelope["event_id"] = json!(id);
            let body = event.envelope.to_string();
            let mut inside = self.inside();
            keep(&mut inside.bodies, (event.kind.to_owned(), body.clone()));
            for Subscription { url, key, .. } in to.of(event.kind) {
                let (url, key) = (url.clone(), key.clone());
                let letter = Letter { event: id.clone(), kind: event.kind, url, key, body: body.clone() };
                inside.waiting.push_back(letter);
            }
        }
        self.news.notify_one();
    }

    pub(crate) fn log(&self) -> Vec<Value> {
        self.inside().log.iter().cloned().collect()
    }

    pub(crate) fn bodies(&self) -> Vec<(String, String)> {
        self.inside().bodies.iter().cloned().collect()
    }

    fn between(&self, (low, high): (i64, i64)) -> Duration {
        let ms = self.rng.lock().unwrap_or_else(PoisonError::into_inner).between(low, high);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

fn keep<T>(kept: &mut VecDeque<T>, one: T) {
    if kept.len() >= KEPT {
        kept.pop_front();
    }
    kept.push_back(one);
}

fn uuid(rng: &mut Rng) -> String {
    let (a, b) = (rng.next(), rng.next());
    let text = format!("{a:016x}{b:016x}");
    format!("{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
}

/// Sends what there is, for as long as the process lives.
pub(crate) async fn send_all(world: Arc<World>) {
    loop {
        let letters: Vec<Letter> = world.outbox.inside().waiting.drain(..).collect();
        for letter in letters {
            for copy in 0..world.settings().webhook_copies.max(1) {
                let (world, letter) = (Arc::clone(&world), letter.clone());
                tokio::spawn(async move { deliver(&world, &letter, copy).await });
            }
        }
        world.outbox.news.notified().await;
    }
}

/// Until it is taken, or the tries are used up.
async fn deliver(world: &World, letter: &Letter, copy: usize) {
    let settings = world.settings();
    tokio::time::sleep(world.outbox.between(settings.webhook_delay_ms)).await;
    let first = clock::now();
    let mut reason = "";
    for retry in 0..=PAUSES.len() {
        let asked = tokio::time::timeout(PATIENCE, post(letter, first, (retry, reason))).await;
        let status = match asked {
            Ok(Ok(status)) => status,
            _ => 0,
        };
        let said = json!({"event": letter.event, "type": letter.kind, "url": letter.url, "status": status,
                          "retry": retry, "copy": copy});
        keep(&mut world.outbox.inside().log, said);
        if (200..300).contains(&status) {
            return;
        }
        reason = match asked {
            Err(_) => "http_timeout",
            Ok(Err(_)) => "other_error",
            Ok(Ok(_)) => "http_error",
        };
        let Some(minutes) = PAUSES.get(retry) else { return };
        let pause = world.settings().webhook_retry_ms.saturating_mul(*minutes);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// The signature of a body for an address.
pub(crate) fn signature(key: &str, url: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(url.as_bytes());
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The answer's status. Written by hand: there is nothing but `http://` on this machine.
async fn post(letter: &Letter, first: i64, (retry, reason): (usize, &str)) -> std::io::Result<u16> {
    let failed = || std::io::Error::from(std::io::ErrorKind::InvalidData);
    let url = url::Url::parse(&letter.url).map_err(|_| failed())?;
    let host = url.host_str().ok_or_else(failed)?;
    let port = url.port_or_known_default().ok_or_else(failed)?;
    let mut stream = TcpStream::connect((host, port)).await?;
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: {host}:{port}\r\nuser-agent: Square Connect v2\r\naccept: */*\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\
         x-square-hmacsha256-signature: {}\r\nx-square-signature: {}\r\nsquare-environment: Sandbox\r\n\
         square-version: 2025-08-20\r\nsquare-initial-delivery-timestamp: {}\r\n",
        url.path(),
        letter.body.len(),
        signature(&letter.key, &letter.url, letter.body.as_bytes()),
        // The older one, by another digest, is sent still; whoever reads it would be wrong.
        STANDARD.encode([7_u8; 20]),
        clock::rfc3339(first),
    );
    if retry > 0 {
        head.push_str(&format!("square-retry-number: {retry}\r\nsquare-retry-reason: {reason}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(letter.body.as_bytes()).await?;
    let mut answer = [0_u8; 12];
    stream.read_exact(&mut answer).await?;
    let status = std::str::from_utf8(&answer[9..]).ok().and_then(|text| text.parse().ok());
    status.ok_or_else(failed)
}
