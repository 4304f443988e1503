//! Everything the account holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limit::Window;
use crate::rng::Rng;
use crate::settings::Settings;
use crate::stats::Stats;

/// What has become of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It works.
    Active,
    /// Somebody reset it.
    Revoked,
}

/// How an order is made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Poison {
    /// The batch is refused and the order named.
    Named,
    /// The batch is refused and nobody named.
    Unnamed,
    /// The async mutation takes it and it never appears.
    Lost,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Contact {
    pub(crate) id: i64,
    pub(crate) email: String,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) phone: String,
    pub(crate) organisation: String,
    /// List and status: 1 subscribed, 2 unsubscribed.
    pub(crate) lists: BTreeMap<String, i64>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) fields: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) id: i64,
    pub(crate) connection: i64,
    pub(crate) external: String,
    pub(crate) email: String,
    pub(crate) accepts: Option<bool>,
}

/// One write of an order, as it was applied.
#[derive(Debug, Clone)]
pub(crate) struct Applied {
    pub(crate) modified: Option<String>,
    pub(crate) source: String,
    pub(crate) operation: &'static str,
}

#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: i64,
    pub(crate) order: Map<String, Value>,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) customer: i64,
    pub(crate) applied: Vec<Applied>,
    pub(crate) stale: u32,
    /// What the v3 side shows so far.
    pub(crate) copy: Option<Map<String, Value>>,
}

pub(crate) type Key = (i64, String);

/// An order the async mutation took.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) at: i64,
    pub(crate) order: Map<String, Value>,
}

/// An import batch.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) id: String,
    pub(crate) taken: i64,
    pub(crate) due: i64,
    pub(crate) contacts: Vec<Value>,
    pub(crate) done: bool,
    /// It stops after so many contacts.
    pub(crate) interrupted: Option<usize>,
    pub(crate) success: Vec<String>,
    pub(crate) failure: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) key: String,
    pub(crate) key_state: KeyState,
    pub(crate) window: Window,
    pub(crate) imports_window: Window,
    pub(crate) single_imports: Window,
    pub(crate) rng: Rng,
    last_id: i64,
    pub(crate) connections: BTreeMap<i64, Map<String, Value>>,
    pub(crate) contacts: BTreeMap<String, Contact>,
    pub(crate) customers: BTreeMap<i64, Customer>,
    pub(crate) customer_keys: HashMap<Key, i64>,
    pub(crate) customer_emails: HashMap<Key, i64>,
    pub(crate) orders: BTreeMap<Key, Record>,
    pub(crate) by_date: BTreeSet<(i64, i64, String)>,
    pub(crate) order_ids: HashMap<i64, Key>,
    /// When a write of the order was last asked for, and how often.
    pub(crate) asked: HashMap<Key, (i64, u64)>,
    pub(crate) products: BTreeMap<Key, Map<String, Value>>,
    pub(crate) pending: Vec<Pending>,
    pub(crate) copies: Vec<(i64, Key)>,
    pub(crate) batches: Vec<Batch>,
    pub(crate) purchases: Vec<Value>,
    pub(crate) updates: Vec<Value>,
    pub(crate) imported_with_automations: u64,
    pub(crate) poison: HashMap<String, Poison>,
}

impl State {
    pub(crate) fn new(seed: u64, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            key_state: KeyState::Active,
            window: Window::default(),
            imports_window: Window::default(),
            single_imports: Window::default(),
            rng: Rng::new(seed ^ 0xAC_AC),
            last_id: 0,
            connections: BTreeMap::new(),
            contacts: BTreeMap::new(),
            customers: BTreeMap::new(),
            customer_keys: HashMap::new(),
            customer_emails: HashMap::new(),
            orders: BTreeMap::new(),
            by_date: BTreeSet::new(),
            order_ids: HashMap::new(),
            asked: HashMap::new(),
            products: BTreeMap::new(),
            pending: Vec::new(),
            copies: Vec::new(),
            batches: Vec::new(),
            purchases: Vec::new(),
            updates: Vec::new(),
            imported_with_automations: 0,
            poison: HashMap::new(),
        }
    }

    pub(crate) fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// Brings everything that is due by now to its end: queued orders, v3 copies, imports.
    pub(crate) fn settle(&mut self, now: i64, settings: &Settings, stats: &mut Stats) {
        let (mut due, later) =
            std::mem::take(&mut self.pending).into_iter().partition::<Vec<_>, _>(|p| p.at <= now);
        self.pending = later;
        due.sort_by_key(|p| p.at);
        for pending in due {
            self.apply(pending.order, "bulkUpsertOrdersAsync", pending.at, settings, stats);
        }
        if !self.copies.iter().any(|(at, _)| *at <= now) {
            return self.finish_imports(now, stats);
        }
        let (copies, later) =
            std::mem::take(&mut self.copies).into_iter().partition::<Vec<_>, _>(|(at, _)| *at <= now);
        self.copies = later;
        for (_, key) in copies {
            if let Some(record) = self.orders.get_mut(&key) {
                record.copy = Some(record.order.clone());
            }
        }
        self.finish_imports(now, stats);
    }

    /// The contact of an address, made when it is new. True says that it is.
    pub(crate) fn contact(&mut self, email: &str) -> (&mut Contact, bool) {
        let key = email.to_lowercase();
        let new = !self.contacts.contains_key(&key);
        let id = if new { self.next_id() } else { 0 };
        let fresh = || Contact { id, email: email.to_owned(), ..Contact::default() };
        (self.contacts.entry(key).or_insert_with(fresh), new)
    }

    pub(crate) fn add_customer(
        &mut self,
        connection: i64,
        external: &str,
        email: &str,
        accepts: Option<bool>,
    ) -> i64 {
        let id = self.next_id();
        let customer =
            Customer { id, connection, external: external.to_owned(), email: email.to_owned(), accepts };
        self.customer_keys.insert((connection, external.to_owned()), id);
        self.customer_emails.insert((connection, email.to_lowercase()), id);
        self.customers.insert(id, customer);
        id
    }
}

/// The mailbox check of the account: plain, and on the strict side.
pub(crate) fn valid_email(email: &str) -> bool {
    let Some((local, host)) = email.split_once('@') else {
        return false;
    };
    let label = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b));
    local_ok && host.contains('.') && host.split('.').all(label) && email.len() <= 254
}
