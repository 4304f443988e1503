//! The floor: the same calls with the same bytes, parsed to typed values and made from such, and the same rows
//! written in the same way. No logic: what the program uses beyond this is its own.

mod rows;
mod sent;
mod wire;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tillsync_embedded::{DataDir, Sqlite};
use tillsync_host::SystemClock;
use tillsync_http::{Allow, Outgoing};
use tillsync_mapping::http::{Effect, Http, Method, Request};
use tillsync_mapping::model::Secret;

use crate::process::{TICKS, times};
use crate::wire_between::Question;

use rows::Commits;
use sent::Sent;

/// An answer without a form of its own: the destination's are short, but for what is read back.
type Answered = serde_json::Value;

/// What the floor came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Floor {
    /// Of all its threads.
    pub(crate) cpu_seconds: f64,
    /// Calls made.
    pub(crate) calls: u64,
    /// Bytes of answers.
    pub(crate) received: u64,
    /// Bytes of questions.
    pub(crate) sent: u64,
    /// Rows written.
    pub(crate) rows: u64,
}

/// Runs in a process of its own: what is in `folder`, against the wire at `url`; prints one line of JSON.
pub(crate) fn run(folder: &Path, url: &str) -> Result<(), String> {
    // As the program has it.
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(4).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let floor = runtime.block_on(measure(folder, url))?;
    println!("{}", serde_json::to_string(&floor).map_err(|error| error.to_string())?);
    Ok(())
}

async fn measure(folder: &Path, url: &str) -> Result<Floor, String> {
    let text = std::fs::read(folder.join("questions.json")).map_err(|error| error.to_string())?;
    let questions: Vec<Question> = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    drop(text);
    let bodies = questions.iter().map(Sent::of).collect::<Result<Vec<_>, _>>()?;
    let paths: Vec<String> = questions.into_iter().map(|question| question.path).collect();
    let mut commits = Commits::of(&folder.join("data").join("tillsync.db"))?;
    let dir = DataDir::open(folder.join("floor")).map_err(|error| error.to_string())?;
    let store = Sqlite::open(&dir, Arc::new(SystemClock)).map_err(|error| error.to_string())?;
    let http = Outgoing::new(Allow { hosts: Vec::new(), suffixes: Vec::new(), loopback: true });
    let http = http.map_err(|error| error.to_string())?;

    let (before, mut done) = (times("self")?.1, 0);
    let (mut received, mut sent) = (0, 0);
    for (n, (path, body)) in paths.iter().zip(&bodies).enumerate() {
        let body = body.bytes().map_err(|error| error.to_string())?;
        sent += body.len() as u64;
        let reply = http.send(request(format!("{url}/again/{n}"), body)).await;
        let reply = reply.map_err(|error| format!("{path}: {error}"))?;
        received += reply.body.len() as u64;
        if reply.is_success() {
            wire::parse(path, &reply.body).map_err(|error| format!("{path}: {error}"))?;
        }
        commits.make(&store, &mut done, n + 1, paths.len()).await?;
    }
    let ticks = times("self")?.1 - before;
    Ok(Floor {
        cpu_seconds: ticks as f64 / TICKS,
        calls: paths.len() as u64,
        received,
        sent,
        rows: commits.rows,
    })
}

fn request(url: String, body: Vec<u8>) -> Request {
    let json = || "application/json".to_owned();
    Request {
        operation: "bench.floor",
        method: if body.is_empty() { Method::Get } else { Method::Post },
        url,
        headers: vec![("Accept", json()), ("Content-Type", json())],
        credential: Some(("Authorization", Secret::new("Bearer of-no-account"))),
        body,
        effect: Effect::Read,
    }
}
