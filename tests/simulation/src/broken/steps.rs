//! What every design does the same way: it fetches an order, writes it, keeps rows of its own, is done with a message.
//! None means that it cannot go on: the message is not acknowledged and returns.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tillsync_engine::ports::{Condition, Delivery, Item, Key, Queue, Store, Write, Written};
use tillsync_mapping::http::{Effect, Http, Method, Request};

use crate::ports::Line;
use crate::world::{ACCOUNT, SHOP};

/// Partition of every row.
pub(super) const ROWS: &str = "BROKEN";

/// An order at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// When it changed last, in microseconds.
    pub version: i64,
    /// Minor units sold for, without those given back.
    pub left: i64,
}

/// A message, and the order as it was when the message was sent.
pub(super) struct Told {
    pub seen: Seen,
    pub delivery: Delivery,
}

/// A worker with an order in its hands.
pub(super) struct Order {
    pub line: Line,
    pub id: String,
}

/// A row as it was read.
#[derive(Default)]
pub(super) struct Row {
    rev: Option<u64>,
    pub body: Value,
}

impl Row {
    pub(super) fn number(&self, name: &str) -> i64 {
        self.body[name].as_i64().unwrap_or(0)
    }
}

impl Seen {
    /// What a message says.
    pub(super) fn told(self, id: &str) -> String {
        json!({"order": id, "version": self.version, "left": self.left}).to_string()
    }

    /// What a message said: of which order, and what.
    pub(super) fn heard(body: &str) -> Option<(String, Self)> {
        let body: Value = serde_json::from_str(body).ok()?;
        let seen = Self { version: body["version"].as_i64()?, left: body["left"].as_i64()? };
        Some((body["order"].as_str()?.to_owned(), seen))
    }
}

impl Order {
    /// The order as the source has it: one request, so amount and version belong together.
    pub(super) async fn fetch(&self) -> Option<Seen> {
        let url = format!("{SHOP}/v2/payments/T-{}", self.id);
        let reply = self.send("payments.get", url, Effect::Read, Vec::new()).await?;
        let payment = &reply["payment"];
        let changed: Timestamp = payment["updated_at"].as_str()?.parse().ok()?;
        let back = payment["refunded_money"]["amount"].as_i64().unwrap_or(0);
        let left = payment["total_money"]["amount"].as_i64()? - back;
        Some(Seen { version: changed.as_microsecond(), left })
    }

    /// Writes the order by the mutation that waits; some when the answer says so.
    pub(super) async fn write(&self, seen: Seen) -> Option<()> {
        self.tell("orders.push", seen).await
    }

    /// Writes it by the one that queues; some when it was taken.
    pub(super) async fn queue(&self, seen: Seen) -> Option<()> {
        self.tell("orders.queue", seen).await
    }

    async fn tell(&self, operation: &'static str, seen: Seen) -> Option<()> {
        let amount: Value =
            serde_json::from_str(&format!("{}.{:02}", seen.left / 100, seen.left % 100)).ok()?;
        let order = json!({"storeOrderId": self.id, "email": "p0@example.org", "finalAmount": amount,
            "normalizedStatus": "COMPLETED"});
        let body = json!({"variables": {"orders": [order]}}).to_string().into_bytes();
        self.send(operation, format!("{ACCOUNT}/ecom/graphql"), Effect::Write, body).await.map(drop)
    }

    async fn send(
        &self,
        operation: &'static str,
        url: String,
        effect: Effect,
        body: Vec<u8>,
    ) -> Option<Value> {
        let method = if effect == Effect::Read { Method::Get } else { Method::Post };
        let (headers, credential) = (Vec::new(), None);
        let request = Request { operation, method, url, headers, credential, body, effect };
        let reply = Http::send(&self.line, request).await.ok().filter(|reply| reply.is_success())?;
        let reply: Value = serde_json::from_slice(&reply.body).ok()?;
        reply.get("errors").is_none().then_some(reply)
    }

    fn key(&self, name: &str) -> Key {
        Key::new(ROWS, format!("{name}#{}", self.id))
    }

    /// A row; an empty one where there is none.
    pub(super) async fn row(&self, name: &str) -> Option<Row> {
        let item = Store::get(&self.line, &self.key(name)).await.ok()?;
        let row =
            |item: Item| Some(Row { rev: Some(item.rev), body: serde_json::from_str(&item.body).ok()? });
        item.map_or(Some(Row::default()), row)
    }

    /// Puts a row in the place of the one that was read; false where somebody else was first.
    pub(super) async fn put(&self, name: &str, read: &Row, body: &Value) -> Option<bool> {
        let (key, body) = (self.key(name), body.to_string());
        let item = Item { key, rev: 0, tag: String::new(), body, expires: None };
        let when = read.rev.map_or(Condition::Absent, Condition::Rev);
        let written = self.line.write_each(vec![Write::Put { item, when }]).await.ok()?;
        Some(written.first() == Some(&Written::Done))
    }

    /// Puts a row there, whatever it was before.
    pub(super) async fn overwrite(&self, name: &str, body: &Value) -> Option<()> {
        loop {
            let row = self.row(name).await?;
            if self.put(name, &row, body).await? {
                return Some(());
            }
        }
    }

    /// The message is done with.
    pub(super) async fn done(&self, told: &Told) -> Option<()> {
        self.line.ack(&told.delivery).await.ok()
    }

    /// The message is to return after a while.
    pub(super) async fn later(&self, told: &Told, after: Duration) -> Option<()> {
        self.line.defer(&told.delivery, after).await.ok()
    }
}
