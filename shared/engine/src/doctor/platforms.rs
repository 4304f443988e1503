//! What the platforms say of a connection's token and key. Connections of one store or one account share an answer.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use tillsync_mapping::model::Store;

use super::Check;
use crate::connect::{Sides, Warning, own_integration, prove_account, still_there};
use crate::connections::pick_location;
use crate::context::Engine;
use crate::fault::Fault;
use crate::paced::CLOCKS_DIFFER;
use crate::ports::Lane;
use crate::state::Connection;

/// Answers of the platforms so far.
pub(super) struct Platforms<'a> {
    engine: &'a Engine,
    stores: BTreeMap<String, Result<Store, Fault>>,
    /// How far the clocks of stores are ahead of ours, where they tell the time.
    clocks: BTreeMap<String, SignedDuration>,
    scopes: BTreeMap<String, Result<(), Fault>>,
    accounts: BTreeMap<String, Result<(), Fault>>,
}

/// Ours should agree with the store's: polls end by it.
fn clock(ahead: SignedDuration) -> Check {
    const WHAT: &str = "clock";
    let (seconds, side) =
        (ahead.as_secs().unsigned_abs(), if ahead.is_negative() { "ahead" } else { "behind" });
    if ahead.abs() > CLOCKS_DIFFER {
        let said = format!("this machine's clock is {seconds} s {side} of the store's");
        return Check::warn(WHAT, said).with("config.clock");
    }
    Check::ok(WHAT, format!("this machine's agrees with the store's to {} s", seconds.max(1)))
}

impl<'a> Platforms<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        let (stores, clocks) = (BTreeMap::new(), BTreeMap::new());
        Self { engine, stores, clocks, scopes: BTreeMap::new(), accounts: BTreeMap::new() }
    }

    pub(super) async fn checks(&mut self, one: &Connection) -> Vec<Check> {
        let mut checks = self.source(one).await;
        checks.extend(self.destination(one).await);
        checks.into_iter().map(|check| check.of(one)).collect()
    }

    async fn source(&mut self, one: &Connection) -> Vec<Check> {
        let store = self.store(one).await;
        let known = store.clone().map(|store| format!("it is valid, of store {}", store.id));
        let mut checks = vec![Check::told("token", known)];
        // Whoever may not ask at all is told so once.
        let Ok(store) = store else { return checks };
        let scopes = self.scope(one).await.map(|()| "everything that is needed may be read".to_owned());
        checks.push(Check::told("scopes", scopes));
        let open = self.engine.source(&one.source).and_then(|source| {
            pick_location(source, &store.locations, &one.location.id)
                .map(|place| format!("{} is open", place.name))
        });
        checks.push(Check::told("location", open));
        checks.extend(self.clocks.get(&one.store_owner()).map(|ahead| clock(*ahead)));
        checks
    }

    async fn destination(&mut self, one: &Connection) -> Vec<Check> {
        let account = self.account(one).await;
        let works = account.is_ok();
        let said = account.map(|()| "the key works, the plan has e-commerce, requests fit".to_owned());
        let mut checks = vec![Check::told("account", said)];
        if works {
            checks.push(Check::told("remote", self.there(one).await));
            checks.push(match self.own(one).await {
                Ok(Some(warning)) => Check::warn("own_integration", warning.message).with(&warning.code),
                Ok(None) => Check::ok("own_integration", "none runs for this store"),
                Err(fault) => Check::told("own_integration", Err(fault)),
            });
        }
        checks
    }

    async fn store(&mut self, one: &Connection) -> Result<Store, Fault> {
        let owner = one.store_owner();
        if let Some(known) = self.stores.get(&owner) {
            return known.clone();
        }
        let asked = async {
            let access = self.engine.access(one).await?;
            let http = self.engine.source_http(&one.source, &one.store, Lane::Live);
            let source = self.engine.source(&one.source)?;
            let store = source.identify(&http, &access.api_url, &access.token).await?;
            self.clocks.extend(http.is_ahead_by().map(|ahead| (one.store_owner(), ahead)));
            Ok(store)
        };
        let asked: Result<Store, Fault> = asked.await;
        self.stores.insert(owner, asked.clone());
        asked
    }

    async fn scope(&mut self, one: &Connection) -> Result<(), Fault> {
        let owner = one.store_owner();
        if let Some(known) = self.scopes.get(&owner) {
            return known.clone();
        }
        let asked = async {
            let access = self.engine.access(one).await?;
            let http = self.engine.source_http(&one.source, &one.store, Lane::Live);
            Ok(self.engine.source(&one.source)?.check_scopes(&http, &access).await?)
        };
        let asked: Result<(), Fault> = asked.await;
        self.scopes.insert(owner, asked.clone());
        asked
    }

    async fn account(&mut self, one: &Connection) -> Result<(), Fault> {
        let owner = one.destination_owner();
        if let Some(known) = self.accounts.get(&owner) {
            return known.clone();
        }
        let asked = async {
            let account = self.engine.account(one).await?;
            let http = self.engine.destination_http(&one.destination, Lane::Live);
            prove_account(&account, &http).await
        };
        let asked = asked.await;
        self.accounts.insert(owner, asked.clone());
        asked
    }

    /// ActiveCampaign's own integration would count the same sales once more.
    async fn own(&self, one: &Connection) -> Result<Option<Warning>, Fault> {
        let (access, account) = (self.engine.access(one).await?, self.engine.account(one).await?);
        let source_http = self.engine.source_http(&one.source, &one.store, Lane::Live);
        let http = self.engine.destination_http(&one.destination, Lane::Live);
        let source = self.engine.source(&one.source)?;
        let sides =
            Sides { source, source_http: &source_http, access: &access, http: &http, account: &account };
        Ok(own_integration(&sides).await?.into_iter().next())
    }

    async fn there(&self, one: &Connection) -> Result<String, Fault> {
        let account = self.engine.account(one).await?;
        let http = self.engine.destination_http(&one.destination, Lane::Live);
        still_there(one, &account, &http).await?;
        let id = one.remote.ok_or_else(|| {
            Fault::reconnect("connection.inactive", "the connection is not set up yet: connect it again")
        })?;
        Ok(format!("connection {id} is there"))
    }
}
