//! Erasing one person (R4.14): everything tillsync holds of them goes, and a tombstone keeps them from coming back.
//!
//! The tombstone comes first, so that whatever is read meanwhile leaves them out; then the rows are emptied. Both may be
//! repeated. At ActiveCampaign nothing is deleted by tillsync, ever: the answer says what is to be done there by hand.

mod codes;
mod purge;
mod tombs;

use std::collections::BTreeSet;

use tillsync_mapping::model::Email;

use crate::connections::{every, find};
use crate::context::Engine;
use crate::fault::Fault;
use crate::state::Connection;

pub(crate) use codes::CODES;
pub(crate) use purge::left_behind;
pub(crate) use tombs::Tombs;

/// Whose store the person is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The store of a connection, by its id or name.
    Connection(String),
    /// A store by its id at the platform.
    Store(String),
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// The person was erased before: what had come since, if anything, went now.
    pub already: bool,
    /// Anything was held of the person now, or they were erased before. Otherwise the address may be mistyped.
    pub known: bool,
    /// Orders that were emptied.
    pub orders: u64,
    /// Profiles that were emptied.
    pub people: u64,
    /// The connections that were gone through, by name: those of the store, ended ones too.
    pub connections: Vec<String>,
    /// What is left to be done elsewhere, by somebody.
    pub by_hand: Vec<String>,
}

/// Erases a person from everything that is held of a store, at every destination.
///
/// # Errors
/// `config.invalid` for what is no address, which is not repeated; `connection.unknown`, `store.unknown`;
/// `erase.unfinished` where the process had no time for all of it; of the store and the vault.
pub async fn erase(engine: &Engine, scope: &Scope, address: &str) -> Result<Erased, Fault> {
    let email = Email::parse(address.trim())
        .map_err(|_| Fault::usage("config.invalid", "address: give one e-mail address"))?;
    let connections = of_scope(engine, scope).await?;
    let key = tombs::key(engine).await?;
    let mut erased = Erased::default();
    let mut partitions = BTreeSet::new();
    for one in &connections {
        if partitions.insert(one.people_partition()) {
            let beside: Vec<&Connection> = connections
                .iter()
                .filter(|other| other.people_partition() == one.people_partition())
                .collect();
            purge::purge(engine, (&email, &key), &beside, &mut erased).await?;
        }
    }
    erased.known |= erased.already || erased.orders > 0 || erased.people > 0;
    erased.connections = connections.iter().map(|one| one.name.clone()).collect();
    let accounts: BTreeSet<&str> = connections.iter().map(|one| one.destination.as_str()).collect();
    for account in accounts {
        erased.by_hand.push(format!(
            "ActiveCampaign, account {account}: delete the contact of this address, and look there at what is left of its \
             orders. tillsync deletes nothing there."
        ));
    }
    erased.by_hand.push(
        "The store: delete the profile, if the person is to be forgotten there as well. Until then every reading meets \
         it, and leaves it out."
            .to_owned(),
    );
    erased
        .by_hand
        .push("Backups of tillsync's own data: they hold the person until they are replaced.".to_owned());
    Ok(erased)
}

async fn of_scope(engine: &Engine, scope: &Scope) -> Result<Vec<Connection>, Fault> {
    let mut all = every(engine).await?;
    match scope {
        Scope::Connection(name) => {
            let owner = find(engine, name).await?.store_owner();
            all.retain(|one| one.store_owner() == owner);
        }
        Scope::Store(store) => {
            all.retain(|one| one.store == *store);
            if all.is_empty() {
                return Err(Fault::usage("store.unknown", format!("no connection is of a store {store:?}")));
            }
        }
    }
    Ok(all)
}
