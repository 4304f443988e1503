//! What the engine asks of the outside. Conditions are those DynamoDB can express: one item, its absence or
//! its revision; a transaction of at most [`MAX_TRANSACTION`] items; pages of one partition in key order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tillsync_mapping::model::Secret;

/// Items one transaction may touch (DynamoDB: 100).
pub const MAX_TRANSACTION: usize = 100;
/// Items one call may read or write (DynamoDB: 100 read; adapters cut writes as they need). More is refused.
pub const MAX_BATCH: usize = 1_000;
/// Longest delay of a message (SQS: 15 minutes); a longer one is cut to it.
pub const MAX_DELAY: Duration = Duration::from_secs(15 * 60);

/// The outside could not do what was asked. Nothing is known of a write that failed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {detail}")]
pub struct PortError {
    /// Which port, as `store`.
    pub what: &'static str,
    /// One line for the operator; nothing of a record, no secret.
    pub detail: String,
}

impl PortError {
    /// [`PortError::what`] of what is sealed with a data key that is not given.
    pub const KEY: &str = "data key";

    /// Something is there and whole, and the data key to open it is not given: nothing is lost.
    pub fn key_other(detail: impl Into<String>) -> Self {
        Self { what: Self::KEY, detail: detail.into() }
    }

    /// True for [`PortError::key_other`].
    #[must_use]
    pub fn is_key_other(&self) -> bool {
        self.what == Self::KEY
    }
}

/// Where an item lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Partition, as `CONN#01J…`.
    pub pk: String,
    /// Sort key within it, as `REC#orders#…`.
    pub sk: String,
}

impl Key {
    /// A key of two parts.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it lives.
    pub key: Key,
    /// 1 at creation, one more with every write.
    pub rev: u64,
    /// A word to count by, as `skipped:no_email`; empty where nothing is counted.
    pub tag: String,
    /// JSON.
    pub body: String,
    /// When it stops to exist; kept to the microsecond. An expired item that is still there counts as gone,
    /// for reading and for every condition.
    pub expires: Option<Timestamp>,
}

/// What must hold for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is no such item (an expired one is none).
    Absent,
    /// The item has this revision.
    Rev(u64),
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Stores an item; the adapter sets its revision: 1 after [`Condition::Absent`], else one more.
    Put {
        /// The item; its `rev` is ignored.
        item: Item,
        /// What must hold.
        when: Condition,
    },
    /// Removes an item.
    Delete {
        /// Which.
        key: Key,
        /// What must hold: [`Condition::Rev`].
        when: Condition,
    },
    /// Changes nothing, but fails the transaction unless the condition holds.
    Check {
        /// Which.
        key: Key,
        /// What must hold.
        when: Condition,
    },
}

impl Write {
    /// The item it is about.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Put { item, .. } => &item.key,
            Self::Delete { key, .. } | Self::Check { key, .. } => key,
        }
    }
}

/// What every store refuses before it touches anything: more than `most` writes, a key twice, the deletion of
/// what must be absent. All are slips of the caller, so they are errors and not conflicts.
pub fn check_writes(writes: &[Write], most: usize) -> Result<(), PortError> {
    let refuse = |detail: String| Err(PortError { what: "store", detail });
    if writes.len() > most {
        return refuse(format!("{} writes in one call, at most {most}", writes.len()));
    }
    let mut seen = BTreeSet::new();
    for write in writes {
        if !seen.insert(write.key()) {
            return refuse("one key twice in one call".to_owned());
        }
        if let Write::Delete { when: Condition::Absent, .. } = write {
            return refuse("a deletion that asks for absence".to_owned());
        }
    }
    Ok(())
}

/// What every store refuses to read: more than [`MAX_BATCH`] items in one call.
pub fn check_reads(items: usize) -> Result<(), PortError> {
    if items > MAX_BATCH {
        let detail = format!("{items} items asked for in one call, at most {MAX_BATCH}");
        return Err(PortError { what: "store", detail });
    }
    Ok(())
}

/// What became of one conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Done.
    Done,
    /// The condition did not hold; nothing changed.
    Conflict,
}

/// Durable items. Reads see every write that was answered before them.
#[async_trait]
pub trait Store: Send + Sync {
    /// One item, or none.
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError>;

    /// Many items of one partition or several, in the order asked for; a key asked for twice is answered twice.
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError>;

    /// At most `limit` items of a partition whose sort key starts with `prefix` and comes after `after`,
    /// ascending by bytes. `limit` is at most [`MAX_BATCH`]; fewer than `limit` means the end was reached.
    async fn query(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Item>, PortError>;

    /// Counts the items of a partition whose sort key starts with `prefix`, by tag. Untagged ones are left out.
    async fn tally(&self, pk: &str, prefix: &str) -> Result<BTreeMap<String, u64>, PortError>;

    /// Many writes, each by itself: one conflict hinders no other. No key may appear twice.
    async fn write_each(&self, writes: Vec<Write>) -> Result<Vec<Written>, PortError>;

    /// All of the writes or none. No key may appear twice.
    async fn transact(&self, writes: Vec<Write>) -> Result<Written, PortError>;
}

/// The two queues: history never delays live work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Webhooks, polls, retries.
    Live,
    /// Windows of history.
    History,
}

/// A message taken from a queue: invisible to others until its time is up.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where it came from.
    pub lane: Lane,
    /// Names this taking of it; of no use once the message was taken again.
    pub receipt: String,
    /// What was sent.
    pub body: String,
    /// How often it has been taken, this time included.
    pub attempts: u32,
}

/// A message that was taken too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// What was sent.
    pub body: String,
    /// How often it was taken.
    pub attempts: u32,
}

/// Durable queues, at least once, in no promised order.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Queues messages of a group (a connection) to be seen after `delay` (at most [`MAX_DELAY`]).
    async fn send(
        &self,
        lane: Lane,
        group: &str,
        bodies: Vec<String>,
        delay: Duration,
    ) -> Result<(), PortError>;

    /// Takes up to `max` messages; they return after `visibility` unless acknowledged. A message taken
    /// [`MAX_ATTEMPTS`] times already is moved to the dead letters instead.
    async fn receive(&self, lane: Lane, max: usize, visibility: Duration)
    -> Result<Vec<Delivery>, PortError>;

    /// Keeps a message invisible for this much longer, counted from now. An old receipt does nothing, here and
    /// below.
    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), PortError>;

    /// The work is done and durable.
    async fn ack(&self, delivery: &Delivery) -> Result<(), PortError>;

    /// Hands the message back to be seen after `delay`; the attempt counts. The receipt is used up.
    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError>;

    /// Hands the message back as if it had never been taken: waiting is no failure. The receipt is used up.
    async fn defer(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError>;

    /// Messages waiting or in work.
    async fn depth(&self, lane: Lane) -> Result<u64, PortError>;

    /// Dead letters, oldest first, at most `limit`.
    async fn dead(&self, lane: Lane, limit: usize) -> Result<Vec<Dead>, PortError>;
}

/// Takings after which a message is dead.
pub const MAX_ATTEMPTS: u32 = 5;

/// A secret with the revision it was read at.
#[derive(Clone, Debug)]
pub struct Held {
    /// The secret.
    pub secret: Secret,
    /// For [`Vault::put_if`].
    pub rev: u64,
}

/// What came of sealing everything anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Secrets there are.
    pub secrets: u64,
    /// How many of them were sealed anew.
    pub changed: u64,
    /// How many could not be: the older keys are still needed for them.
    pub left: u64,
    /// What became of the older keys, and what is left to do about them.
    pub note: String,
}

/// Secrets by owner, as `STORE#acme#MLX` or `DEST#acme`. One that cannot be opened is an error
/// ([`PortError::key_other`] where another data key is needed), never absent.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The secret of an owner.
    async fn get(&self, owner: &str) -> Result<Option<Secret>, PortError> {
        Ok(self.held(owner).await?.map(|held| held.secret))
    }
    /// The same, with its revision.
    async fn held(&self, owner: &str) -> Result<Option<Held>, PortError>;
    /// Stores or replaces it, if it is still as it was read. A revision is never given twice to an owner, also where
    /// its secret was forgotten between the two: what was read before that writes over nothing newer.
    async fn put_if(&self, owner: &str, secret: &Secret, when: Condition) -> Result<Written, PortError>;
    /// Stores or replaces it.
    async fn put(&self, owner: &str, secret: &Secret) -> Result<(), PortError>;
    /// Seals everything anew with the newest data key: what is listed, and what `owners` names besides. Where nothing
    /// is sealed there is nothing to do.
    async fn reseal(&self, owners: &[String]) -> Result<Resealed, PortError> {
        let _ = owners;
        Ok(Resealed::default())
    }
    /// Forgets it; forgetting what is not there is no error.
    async fn forget(&self, owner: &str) -> Result<(), PortError>;
    /// Forgets it, if it is still the revision that was read.
    async fn forget_if(&self, owner: &str, rev: u64) -> Result<Written, PortError>;
}

/// Time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// Randomness.
pub trait Entropy: Send + Sync {
    /// Sixty-four random bits, for ids and jitter; not for secrets.
    fn bits(&self) -> u64;

    /// What nobody can guess, from the system's generator; an error where there is none, never something weaker.
    fn secret(&self) -> Result<[u8; 32], PortError> {
        Err(PortError { what: "entropy", detail: "no randomness for secrets here".into() })
    }
}
