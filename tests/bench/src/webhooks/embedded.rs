//! The embedded host: the real program with its database on disk, over HTTP on the loopback. From the first byte of
//! the request to the last of the answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tillsync_sandbox::{Changes, Options, Running};
use tokio::runtime::Runtime;

use super::{AT_ONCE, EVENTS, HEADER, KEY, LARGE, Row, event, signature};

/// The longest an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a start does of its own is over by then.
const SETTLED: Duration = Duration::from_secs(5);

/// The program with a shop that is connected and paused.
struct Stage<'a> {
    program: &'a Path,
    folder: tempfile::TempDir,
    running: Running,
}

/// A `serve`, stopped when it is dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn measure(program: &Path) -> Result<Vec<Row>, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let options = Options { orders: 20, customers: 8, locations: 1, ..Options::default() };
    let running = runtime.block_on(tillsync_sandbox::start(options)).map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let stage = Stage { program, folder, running };
    let told = stage.running.describe();
    let mut places = told["locations"].as_array().into_iter().flatten();
    let open = places.find(|place| place["status"] == "ACTIVE").and_then(|place| place["id"].as_str());
    let url = stage.running.activecampaign_url.clone();
    let shop = ["connect", "square", "--name", "shop", "--location", open.unwrap_or_default()];
    stage.done(&[&shop[..], &["--destination-url", &url]].concat())?;
    stage.done(&["pause", "shop"])?;
    stage.running.world().change(&Changes { new_sales: 1, ..Changes::default() });
    let events = stage.running.world().events();
    let (_, sample) = events.last().ok_or("the shop tells nothing")?;
    let sample: Value = serde_json::from_str(sample).map_err(|error| error.to_string())?;
    let (_serving, url) = stage.serve()?;
    std::thread::sleep(SETTLED);
    let mut rows = Vec::new();
    for (length, count) in [None, Some(LARGE)].into_iter().zip(EVENTS) {
        for at_once in [1, AT_ONCE] {
            let before = stage.calls();
            let took = sent(&url, &sample, length, (count, at_once))?;
            let body = event(&sample, &id(length, at_once, 0), length).len();
            rows.push(Row { host: "embedded", body, at_once, took, calls: stage.calls() - before });
        }
    }
    stage.agrees(rows.iter().map(|row| row.took.len()).sum())?;
    Ok(rows)
}

/// What follows the address is for people.
fn first_word(text: &str) -> String {
    text.split([' ', ',']).next().unwrap_or_default().to_owned()
}

impl Stage<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.args(words).arg("--data").arg(self.folder.path().join("data")).env_clear();
        command.envs([
            ("TILLSYNC_ALLOW_LOOPBACK", "true"),
            ("TILLSYNC_SQUARE_API_URL", &self.running.square_url),
            ("TILLSYNC_SQUARE_WEBHOOK_KEY", KEY),
            ("TILLSYNC_SOURCE_TOKEN", &self.running.square_token),
            ("TILLSYNC_DESTINATION_KEY", &self.running.activecampaign_key),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn done(&self, words: &[&str]) -> Result<(), String> {
        let status = self.command(words).status().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("{words:?} ended with {status}")) }
    }

    /// Starts the host, and gives the address it takes webhooks at.
    fn serve(&self) -> Result<(Serving, String), String> {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let said = child.stderr.take();
        let serving = Serving(child);
        let mut lines = BufReader::new(said.ok_or("serve says nothing")?).lines().map_while(Result::ok);
        let url = lines.find_map(|line| line.strip_prefix("webhooks of square: ").map(first_word));
        let url = url.ok_or("serve tells no address for webhooks")?;
        // What it says later is read to its end, or it would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok((serving, url))
    }

    /// Calls to both platforms so far.
    fn calls(&self) -> u64 {
        let stats = self.running.world().stats();
        let classes = stats["activecampaign"]["classes"].as_object();
        let account: u64 = classes.into_iter().flat_map(|all| all.values()).filter_map(Value::as_u64).sum();
        account + stats["square"]["calls"].as_u64().unwrap_or(0)
    }

    /// Every event is known now: none was answered without being queued.
    fn agrees(&self, events: usize) -> Result<(), String> {
        let database = self.folder.path().join("data").join("tillsync.db");
        let failed = |error: rusqlite::Error| format!("{}: {error}", database.display());
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(&database, flags).map_err(failed)?;
        let sql = "SELECT count(*) FROM items WHERE pk LIKE 'DEDUP#%'";
        let known: usize = database.query_row(sql, [], |row| row.get(0)).map_err(failed)?;
        if known == events { Ok(()) } else { Err(format!("{known} of {events} events were taken")) }
    }
}

fn id(length: Option<usize>, at_once: usize, number: usize) -> String {
    format!("bench-{}-{at_once}-{number:06}", length.unwrap_or(0))
}

/// Sends so many events by so many senders, each over a connection of its own.
fn sent(
    url: &str,
    sample: &Value,
    length: Option<usize>,
    (count, at_once): (usize, usize),
) -> Result<Vec<Duration>, String> {
    let share = |sender: usize| -> Result<Vec<Duration>, String> {
        let rest = url.strip_prefix("http://").unwrap_or(url);
        let (host, path) = rest.split_once('/').ok_or("no address")?;
        let mut stream = TcpStream::connect(host).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        let mut took = Vec::new();
        for number in (sender..count).step_by(at_once) {
            let body = event(sample, &id(length, at_once, number), length);
            let head = format!(
                "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n{HEADER}: {}\r\n\
                 content-length: {}\r\n\r\n",
                signature(url, &body),
                body.len()
            );
            let request = [head.as_bytes(), &body].concat();
            let began = Instant::now();
            let answer = asked(&mut stream, &request).map_err(|error| error.to_string())?;
            took.push(began.elapsed());
            if !answer.starts_with("HTTP/1.1 200 ") {
                return Err(format!("an event was answered by {:?}", answer.lines().next()));
            }
        }
        Ok(took)
    };
    std::thread::scope(|scope| {
        let share = &share;
        let senders: Vec<_> = (0..at_once).map(|sender| scope.spawn(move || share(sender))).collect();
        let mut all = Vec::new();
        for sender in senders {
            all.extend(sender.join().map_err(|_| "a sender ended".to_owned())??);
        }
        Ok(all)
    })
}

/// One request and its whole answer.
fn asked(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<String> {
    stream.write_all(request)?;
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut part)?;
        answer.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&answer);
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let mut lines = head.lines().map(str::to_ascii_lowercase);
            let length = lines.find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            body.len() >= length.unwrap_or(0)
        });
        if whole || read == 0 {
            return Ok(text.into_owned());
        }
    }
}
