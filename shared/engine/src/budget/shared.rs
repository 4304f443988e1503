//! A budget that many processes share: a row per purse, changed only as it was read.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Budget, Purse, Spent, is_usable};
use crate::ports::{Condition, Item, Key, Lane, PortError, Store, Write, Written};

/// Tries to change a row that others change too. With a handful of workers a few are enough.
const MAX_TRIES: u32 = 200;
/// A purse nobody used for so long starts anew.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);

/// The budget over a store. A moment costs one reading and one conditional write.
pub struct SharedBudget(Arc<dyn Store>);

impl SharedBudget {
    /// A budget of everybody who uses this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// Changes a purse by a function that says whether there is anything to change.
    async fn change<T>(
        &self,
        purse: &Purse,
        now: Timestamp,
        change: impl Fn(&mut Spent) -> (T, bool) + Send + Sync,
    ) -> Result<T, PortError> {
        let key = Key::new(format!("BUDGET#{}", purse.key), "META");
        for _ in 0..MAX_TRIES {
            let item = self.0.get(&key).await?;
            let mut spent = match &item {
                // What cannot be read is of no use to anybody: it starts anew.
                Some(item) => serde_json::from_str(&item.body).unwrap_or_else(|_| Spent::fresh(purse, now)),
                None => Spent::fresh(purse, now),
            };
            let (answer, changed) = change(&mut spent);
            if !changed {
                return Ok(answer);
            }
            let body = serde_json::to_string(&spent)
                .map_err(|error| PortError { what: "budget", detail: error.to_string() })?;
            let expires = spent.next.max(now).saturating_add(FORGOTTEN).ok();
            let when = item.map_or(Condition::Absent, |item| Condition::Rev(item.rev));
            let item = Item { key: key.clone(), rev: 0, tag: String::new(), body, expires };
            if self.0.transact(vec![Write::Put { item, when }]).await? == Written::Done {
                return Ok(answer);
            }
        }
        Err(PortError { what: "budget", detail: format!("{} is changed by others all the time", purse.key) })
    }
}

#[async_trait]
impl Budget for SharedBudget {
    async fn reserve(
        &self,
        purse: &Purse,
        lane: Lane,
        now: Timestamp,
        latest: Option<Timestamp>,
    ) -> Result<Timestamp, PortError> {
        let take = |spent: &mut Spent| {
            let at = spent.take(purse, lane, now);
            (at, is_usable(at, latest))
        };
        self.change(purse, now, take).await
    }

    async fn pause(&self, purse: &Purse, until: Timestamp) -> Result<(), PortError> {
        self.change(purse, until, |spent| (spent.pause(purse, until), true)).await
    }
}
