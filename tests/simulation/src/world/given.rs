//! What there is before a schedule begins: one connection, as connecting leaves it.

use jiff::SignedDuration;
use tillsync_engine::ports::Item;
use tillsync_engine::state::{Connection, ConnectionState, Counted, Settings};
use tillsync_engine::tokens::Authorisation;
use tillsync_mapping::model::{Currency, Location, Secret};

use super::{ACCOUNT, CONNECTED, CONNECTION, SHOP};
use crate::executor::later;
use crate::plan::beginning;
use crate::state::Outside;
use crate::tokens::Tokens;

/// Runs what does not wait.
pub(super) fn now(work: impl Future<Output = ()>) {
    let mut work = std::pin::pin!(work);
    let waker = std::task::Waker::noop();
    let _ = work.as_mut().poll(&mut std::task::Context::from_waker(waker));
}

pub(super) fn stored(connection: &Connection) -> Vec<Item> {
    let body = serde_json::to_string(connection).unwrap_or_default();
    [Connection::key(&connection.id), Connection::index_key(&connection.id)]
        .map(|key| Item { key, rev: 0, tag: String::new(), body: body.clone(), expires: None })
        .into()
}

/// What the vault holds of the store: a pasted token, or what a sign-in granted.
pub(super) fn authorise(outside: &Outside, lives: Option<SignedDuration>, skew: SignedDuration) -> Secret {
    let Some(lives) = lives else { return Secret::new("token") };
    let mut tokens = Tokens::new(lives);
    let grant = tokens.grant(beginning());
    outside.state().shop.tokens = Some(tokens);
    Authorisation::of_grant(&grant, later(beginning(), skew)).sealed().unwrap_or_else(|_| Secret::new(""))
}

/// The connection of the store's location to the account, as connecting leaves it.
pub(super) fn connection(currency: Currency, counted: Option<u64>, skew: SignedDuration) -> Connection {
    Connection {
        id: CONNECTION.to_owned(),
        name: "Rue Haute".to_owned(),
        source: "square".to_owned(),
        api_url: SHOP.to_owned(),
        store: "M1".to_owned(),
        location: Location {
            id: "L1".to_owned(),
            name: "Rue Haute".to_owned(),
            currency,
            timezone: "Europe/Paris".to_owned(),
            language: None,
            active: true,
        },
        destination_url: ACCOUNT.to_owned(),
        destination: "acme".to_owned(),
        remote: Some(7),
        state: ConnectionState::Active,
        epoch: 0,
        active_sync: true,
        problem: None,
        settings: Settings::default(),
        public_url: "https://tillsync.example".to_owned(),
        // By our clock, but never ahead of the store's.
        created: later(beginning(), CONNECTED + skew.min(SignedDuration::ZERO)),
        adopted: None,
        rechecked: Some(beginning()),
        counted: counted.map(|orders| Counted { orders, exact: true, at: beginning() }),
        last_sync: None,
        next_sync: Some(beginning() + SignedDuration::from_mins(2)),
    }
}
