//! A script: a line is something that happens, or something that is so. Ages and times are as `90s`, `10m`, `2h`, `3d`.
//!
//! `now TIME` is so long after the beginning, `wait TIME` so much later. A run is told with what its orders come to,
//! all of it: `poll: 3 = 1 synced 1 unchanged 1 skipped:no_customer`; `customers: ...` and `products: ...` say it of
//! the run before. `ID is TAG` asks the ledger, `ID at MEMBER VALUE` the destination, `calls NAME N` the wire.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::stage::number;
use crate::ports::Clock;
use crate::state::{Stream, Tagged};
use crate::sums::{Streams, Tally};
use crate::testing::{World, beginning};

/// One case.
pub(super) struct Script {
    pub(super) rule: String,
    lines: Vec<String>,
}

/// What is not as it should be.
#[derive(Debug)]
pub(super) struct Wrong(pub(super) String);

impl Wrong {
    pub(super) fn of(fault: crate::Fault) -> Self {
        Self(format!("{}: {}", fault.code, fault.detail))
    }
}

/// A script being played.
pub(super) struct Play {
    pub(super) world: World,
    streams: Streams,
}

impl Script {
    /// The scripts of a file: `# rule`, then its lines. `//` is said to the reader.
    pub(super) fn all(text: &str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
            match (line.strip_prefix("# "), all.last_mut()) {
                (Some(rule), _) => all.push(Self { rule: rule.to_owned(), lines: Vec::new() }),
                (None, Some(script)) => script.lines.push(line.to_owned()),
                (None, None) => panic!("a line before the first rule: {line}"),
            }
        }
        all
    }

    /// Plays it; says which line is wrong.
    pub(super) async fn play(&self) -> Result<(), String> {
        let mut play = Play { world: World::new().await, streams: Streams::default() };
        for line in &self.lines {
            play.line(line).await.map_err(|Wrong(what)| format!("{line:?}: {what}"))?;
        }
        Ok(())
    }
}

impl Play {
    async fn line(&mut self, line: &str) -> Result<(), Wrong> {
        let (head, told) = line.split_once(": ").map_or((line, None), |(head, told)| (head, Some(told)));
        let words: Vec<&str> = head.split_whitespace().collect();
        if self.deal(&words)?.is_some() || self.trouble(&words)?.is_some() {
            return Ok(());
        }
        if let Some(began) = self.begin(&words).await? {
            let told = told.ok_or_else(|| Wrong("say what it comes to".into()))?;
            return self.ran(began, told).await;
        }
        match (words.as_slice(), told) {
            (["now", time], None) => {
                self.world.clock.set(beginning() + SignedDuration::from_secs(seconds(time)?));
            }
            (["wait", time], None) => {
                self.world.clock.advance(Duration::from_secs(seconds(time)?.unsigned_abs()));
            }
            (["set", key, value], None) => self.set(key, value).await?,
            (["tick"], None) => self.tick().await,
            (["customers"], Some(told)) => same(&sums(&self.streams.customers), told)?,
            (["products"], Some(told)) => same(&sums(&self.streams.products), told)?,
            (["runs", n], None) => {
                let runs = crate::connections::runs(&self.world.engine, "C1").await.map_err(Wrong::of)?;
                same(&runs.len().to_string(), n)?;
            }
            (["calls", operation, n], None) => same(&self.world.calls(operation).to_string(), n)?,
            (["connection", "is", state], None) => {
                let found = crate::connections::find(&self.world.engine, "C1").await.map_err(Wrong::of)?;
                same(found.state_word(), state)?;
            }
            ([id, "is", tag], None) => same(&self.tag(id).await, tag)?,
            ([id, "looked", "at", "in", time], None) => {
                let at = self.world.row(id).await.look_at.ok_or_else(|| Wrong("never".into()))?;
                // The run itself took some seconds.
                let minutes = (at.duration_since(self.world.clock.now()).as_secs() + 59) / 60;
                same(&format!("{minutes}m"), time)?;
            }
            ([id, "written", n], None) => same(&self.written(id).to_string(), n)?,
            ([id, "at", member, value], None) => same(&self.held(id, member), value)?,
            _ => return Err(Wrong("nobody understands this".into())),
        }
        Ok(())
    }

    /// What a run came to. Whatever it is, its sums agree, and the ledger's with them.
    async fn ran(&mut self, began: Result<String, String>, told: &str) -> Result<(), Wrong> {
        let id = match began {
            Ok(id) => id,
            Err(code) => return same(&code, told.strip_prefix("refused ").unwrap_or(told)),
        };
        let run = self.world.load_run(&id).await;
        self.streams = run.streams.clone().ok_or_else(|| Wrong("the run does not end".into()))?;
        if let Some((stream, tally)) = self.streams.all().into_iter().find(|(_, tally)| !tally.agrees()) {
            return Err(Wrong(format!("{stream} do not agree: {tally:?}")));
        }
        let found = sums(&self.streams.orders);
        let state = run.state.word();
        same(&if state == "complete" { found } else { format!("{state} {found}") }, told)
    }

    async fn tag(&self, id: &str) -> String {
        for stream in [Stream::Orders, Stream::Customers, Stream::Products] {
            if let Some(row) = self.world.find(stream, id).await {
                return row.value.tag();
            }
        }
        "unknown".to_owned()
    }

    /// How often an order was sent.
    fn written(&self, id: &str) -> usize {
        let calls = |name| self.world.net.orders_of(name).into_iter().flatten();
        calls("orders.push").chain(calls("orders.queue")).filter(|sent| sent == id).count()
    }

    /// A member of an order at the destination, as text; `-` where there is none.
    fn held(&self, id: &str, member: &str) -> String {
        let account = self.world.net.account();
        let Some((order, _)) = account.orders.get(id) else { return "nowhere".to_owned() };
        match order.pointer(&format!("/{member}")) {
            None | Some(Value::Null) => "-".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }
}

/// A tally in the words of a script.
fn sums(tally: &Tally) -> String {
    let mut text = format!("{} =", tally.observed);
    let mut add = |n: u64, word: &str| {
        if n > 0 {
            text.push_str(&format!(" {n} {word}"));
        }
    };
    add(tally.synced, "synced");
    add(tally.unchanged, "unchanged");
    tally.skipped.iter().for_each(|(reason, n)| add(*n, &format!("skipped:{reason}")));
    tally.parked.iter().for_each(|(reason, n)| add(*n, &format!("parked:{reason}")));
    add(tally.pending, "pending");
    add(tally.sent_silently, "silently");
    add(tally.parked_earlier, "earlier");
    text
}

fn same(found: &str, told: &str) -> Result<(), Wrong> {
    if found == told { Ok(()) } else { Err(Wrong(format!("it is {found}"))) }
}

/// `90s`, `10m`, `2h`, `3d`.
pub(super) fn seconds(text: &str) -> Result<i64, Wrong> {
    let (digits, unit) = text.split_at(text.len().saturating_sub(1));
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(Wrong(format!("no time: {text}"))),
    };
    Ok(number::<i64>(digits)? * unit)
}
