//! Both platforms and the shop behind them, as one thing that tests can look into and turn.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Map, Value, json};

use crate::ac::{self, KeyState, Poison};
use crate::clock;
use crate::events;
use crate::faults::{self, Fault, FaultRule};
use crate::http::{Call, Reply};
use crate::outbox::Outbox;
use crate::settings::{Options, Settings};
use crate::shop::{self, Changes, Shop};
use crate::square::{self, TokenState};
use crate::stats::Stats;

/// The access token of the seller.
pub const SQUARE_TOKEN: &str = "EAAAEstandin-access-token-0000000000000000000000000000000000000";
/// The API key of the account.
pub const ACTIVECAMPAIGN_KEY: &str = "00standin00key00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The state of the sandbox. All methods may be called at any time, from any thread.
#[derive(Debug)]
pub struct World {
    settings: RwLock<Settings>,
    shop: RwLock<Shop>,
    square: Mutex<square::State>,
    account: Mutex<ac::State>,
    faults: Mutex<Vec<FaultRule>>,
    stats: Mutex<Stats>,
    pub(crate) outbox: Outbox,
}

/// A panic elsewhere must not hide what a test wants to read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// A world of its own, without any server.
    pub fn new(options: &Options) -> Self {
        let now = options.now_ms.unwrap_or_else(clock::now);
        let mut shop = shop::make(options.orders, options.customers, options.seed, options.locations, now);
        // What lies in the past was told in the past.
        drop(events::of(&mut shop, now));
        Self {
            settings: RwLock::new(options.settings.clone()),
            shop: RwLock::new(shop),
            square: Mutex::new(square::State::new(options.seed, SQUARE_TOKEN)),
            account: Mutex::new(ac::State::new(options.seed, ACTIVECAMPAIGN_KEY)),
            faults: Mutex::new(Vec::new()),
            stats: Mutex::new(Stats::default()),
            outbox: Outbox::new(options.seed),
        }
    }

    /// Id, name, currency and status of every location.
    pub fn locations(&self) -> Value {
        let shop = read(&self.shop);
        let one = |p: &shop::Place| json!({"id": p.id, "name": p.name, "currency": p.currency, "status": p.status, "timezone": p.timezone});
        shop.places.iter().map(one).collect()
    }

    /// The settings as they are.
    pub fn settings(&self) -> Settings {
        read(&self.settings).clone()
    }

    /// Changes the settings named in a JSON object.
    ///
    /// # Errors
    /// When a name or a value is not one of the settings'.
    pub fn set(&self, patch: &Value) -> Result<(), String> {
        let patched = self.settings().patched(patch)?;
        *write(&self.settings) = patched;
        Ok(())
    }

    /// Arms faults, after those that are armed already.
    pub fn add_faults(&self, rules: Vec<FaultRule>) {
        lock(&self.faults).extend(rules);
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        lock(&self.faults).clear();
    }

    /// Lets things happen in the shop, and says to which ids.
    pub fn change(&self, changes: &Changes) -> Value {
        let mut shop = write(&self.shop);
        let done = shop.change(changes);
        let events = events::of(&mut shop, clock::now());
        drop(shop);
        self.tell(events);
        done
    }

    fn tell(&self, events: Vec<events::Event>) {
        if !self.settings().webhooks_lost {
            self.outbox.put(events, &lock(&self.square).subscriptions);
        }
    }

    /// A subscription made by hand: `{"url", "events": [..], "enabled"}`; with an `id`, that one is changed. The answer
    /// holds its signature key.
    ///
    /// # Errors
    /// When a member is missing.
    pub fn subscribe(&self, asked: &Value) -> Result<Value, String> {
        lock(&self.square).subscriptions.by_hand(asked)
    }

    /// Every subscription is gone.
    pub fn unsubscribe(&self) {
        lock(&self.square).subscriptions.clear();
    }

    /// The subscriptions, and every try to send an event with its status; 0 where nobody answered.
    pub fn webhooks(&self) -> Value {
        json!({"subscriptions": lock(&self.square).subscriptions.json(), "sent": self.outbox.log()})
    }

    /// The last events with their bodies as they were sent, oldest first: to be sent again.
    pub fn events(&self) -> Vec<(String, String)> {
        self.outbox.bodies()
    }

    /// The fate of the access token; its scopes stay when none are given.
    pub fn set_token(&self, state: TokenState, scopes: Option<Vec<String>>) {
        let mut square = lock(&self.square);
        let revoked = state == TokenState::Revoked && square.grant.refreshes;
        if revoked {
            let merchant = read(&self.shop).merchant.clone();
            self.outbox.put(vec![events::revoked(&merchant, clock::now())], &square.subscriptions);
        }
        square.grant.set(state);
        if let Some(scopes) = scopes {
            square.grant.scopes = scopes;
        }
    }

    /// Another access token instead of the one before, as after a renewal.
    pub fn replace_token(&self, token: &str) {
        lock(&self.square).grant.replace(token);
    }

    /// The fate of the API key.
    pub fn set_key(&self, state: KeyState) {
        lock(&self.account).key_state = state;
    }

    /// Makes orders fail; None heals them.
    pub fn poison(&self, orders: &[String], how: Option<Poison>) {
        let mut account = lock(&self.account);
        for order in orders {
            match how {
                Some(how) => account.poison.insert(order.clone(), how),
                None => account.poison.remove(order),
            };
        }
    }

    /// Opens or closes a location; false when there is none of that id.
    pub fn set_location(&self, id: &str, status: &str) -> bool {
        let mut shop = write(&self.shop);
        match shop.place(id) {
            None => false,
            Some(index) => {
                status.clone_into(&mut shop.places[index].status);
                true
            }
        }
    }

    /// A connection somebody else made: members as in `POST /connections`, `isInternal` too. `orders` is what it
    /// holds already: a list of orders in the form of the GraphQL API, or
    /// `{"keyed_by": "order" | "payment" | "unknown", "location": "ID", "count": n}` for the newest sales of a
    /// location under their own ids, under those of their payments (as the platform's own integration does), or
    /// under ids nobody knows.
    pub fn seed_connection(&self, connection: &Value) -> Value {
        let orders = match connection.get("orders") {
            Some(Value::Array(orders)) => orders.clone(),
            Some(asked) => self.sales_for(asked),
            None => Vec::new(),
        };
        let mut account = lock(&self.account);
        let made = account.add_connection(connection, clock::now());
        let id = made.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        account.seed_orders(id.unwrap_or(-1), &orders, clock::now());
        Value::Object(made)
    }

    /// The newest eligible sales of a location, in the form of the GraphQL API.
    fn sales_for(&self, asked: &Value) -> Vec<Value> {
        let text = |name: &str| asked.get(name).and_then(Value::as_str);
        let sales = self.expected_orders(text("location"));
        let mut sales: Vec<&Value> =
            sales.as_array().into_iter().flatten().filter(|sale| sale["eligible"] == true).collect();
        sales.sort_by_key(|sale| std::cmp::Reverse(sale["date_ms"].as_i64()));
        let count = asked.get("count").and_then(Value::as_u64).unwrap_or(20);
        sales.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        let unknown = text("keyed_by") == Some("unknown");
        let by_payment = text("keyed_by") == Some("payment");
        let mut orders = Vec::new();
        for (index, sale) in sales.into_iter().enumerate() {
            let one = vec![sale["id"].clone()];
            let ids = match sale["payments"].as_array() {
                _ if unknown => vec![Value::from(format!("elsewhere-{}", index + 1))],
                Some(payments) if by_payment => payments.clone(),
                _ => one,
            };
            for id in ids {
                orders.push(ac::order_of(sale, &id));
            }
        }
        orders
    }

    /// A contact that is there already: `{"email", "firstName", ..., "lists": {"1": 2}}`.
    pub fn seed_contact(&self, sent: &Value) {
        let mut account = lock(&self.account);
        let (contact, _) = account.contact(sent.get("email").and_then(Value::as_str).unwrap_or_default());
        contact.lay(sent);
        for (list, status) in sent.get("lists").and_then(Value::as_object).into_iter().flatten() {
            contact.lists.insert(list.clone(), status.as_i64().unwrap_or(1));
        }
    }

    /// Drops an order from the account, as if it had been lost there.
    pub fn lose_order(&self, id: &str) -> usize {
        lock(&self.account).lose(id)
    }

    /// Drops the v3 copy of an order and leaves the order.
    pub fn lose_copy(&self, id: &str) -> usize {
        self.settled().lose_copy(id)
    }

    /// Somebody else changes members of an order at the account: its amount, its status.
    pub fn alter_order(&self, id: &str, members: &Map<String, Value>) -> usize {
        self.settled().alter(id, members)
    }

    /// What was asked of both platforms, and what they hold.
    pub fn stats(&self) -> Value {
        let account = self.settled();
        let stats = lock(&self.stats);
        let mut classes: Map<String, Value> = Map::new();
        for (operation, count) in stats.operations(ac::PLATFORM) {
            let class = classes.entry(ac::class(operation)).or_insert(Value::from(0));
            *class = Value::from(class.as_u64().unwrap_or(0) + count);
        }
        let mut out = json!({"square": stats.platform(square::PLATFORM), "activecampaign": stats.platform(ac::PLATFORM)});
        out["activecampaign"]["classes"] = Value::Object(classes);
        out["activecampaign"]["account"] = account.summary();
        out["square"]["peaks"] = lock(&self.square).peaks();
        for (name, notes) in stats.notes() {
            out[name] = json!(notes);
        }
        out["counts"] = json!(stats.counts());
        out
    }

    /// Forgets counts, violations and warnings; what the platforms hold stays.
    pub fn reset_stats(&self) {
        lock(&self.stats).reset();
    }

    /// The sums a complete run must come to.
    pub fn expected(&self) -> Value {
        read(&self.shop).expected()
    }

    /// The fate of every order, for one location or all.
    pub fn expected_orders(&self, location: Option<&str>) -> Value {
        read(&self.shop).expected_orders(location)
    }

    /// The account's record of an order, with every write of it.
    pub fn order(&self, id: &str) -> Value {
        self.settled().order(id)
    }

    /// The purchases and order updates automations would have seen.
    pub fn purchases(&self) -> Value {
        self.settled().purchases()
    }

    /// What the account holds, in a form that compares.
    pub fn dump(&self) -> Value {
        self.settled().dump()
    }

    fn settled(&self) -> MutexGuard<'_, ac::State> {
        let settings = self.settings();
        let mut account = lock(&self.account);
        account.settle(clock::now(), &settings, &mut lock(&self.stats));
        account
    }

    /// Counts the call; an answer here means that the limits did not let it in.
    pub(crate) fn enter(&self, platform: &'static str, operation: &str, call: &Call) -> Option<Reply> {
        let settings = self.settings();
        lock(&self.stats).call(platform, operation);
        let refusal = if platform == square::PLATFORM {
            lock(&self.square).enter(&settings)
        } else {
            lock(&self.account).enter(call, &settings)
        };
        if refusal.is_some() {
            lock(&self.stats).throttle(platform);
        }
        refusal
    }

    pub(crate) fn leave(&self, platform: &'static str) {
        if platform == square::PLATFORM {
            lock(&self.square).leave();
        }
    }

    pub(crate) fn fault(&self, platform: &'static str, operation: &str) -> Option<Fault> {
        let fault = faults::take(&mut lock(&self.faults), platform, operation)?;
        lock(&self.stats).fault(platform);
        Some(fault)
    }

    /// Carries a call out. Requests that are wrong in themselves are noted.
    pub(crate) fn carry_out(&self, platform: &'static str, operation: &str, call: &Call) -> Reply {
        let settings = self.settings();
        let reply = if platform == square::PLATFORM {
            let shop = read(&self.shop);
            let mut square = lock(&self.square);
            let before = square.grant.refreshes;
            let reply = square::answer(call, &shop, &settings, &mut square);
            if before && !square.grant.refreshes {
                let event = events::revoked(&shop.merchant, clock::now());
                self.outbox.put(vec![event], &square.subscriptions);
            }
            reply
        } else {
            let mut account = lock(&self.account);
            ac::answer(call, &settings, &mut account, &mut lock(&self.stats))
        };
        let graphql_errors = reply.body.starts_with(b"{\"errors\"");
        if reply.status >= 400 || (platform == ac::PLATFORM && graphql_errors) {
            lock(&self.stats).refuse(platform, operation, reply.status, &reply.body);
        }
        reply
    }

    /// Puts the limit's headers on an answer.
    pub(crate) fn stamp(&self, platform: &'static str, reply: Reply) -> Reply {
        if platform == square::PLATFORM {
            return reply;
        }
        lock(&self.account).stamp(reply, &self.settings())
    }
}
