//! What happens in a script: the shop's side, the operator's, and time.

use jiff::{SignedDuration, Timestamp};

use super::script::{Play, Wrong, seconds};
use crate::message::Work;
use crate::ports::Lane;
use crate::run::{BackfillRequest, start_backfill, start_poll, start_retry, start_sync};
use crate::state::{Link, Unnamed, WhichCustomers};
use crate::testing::Trouble;

/// Times of change lie this far back, so that a poll, which stays behind the index, sees them.
const SEEN: i64 = 180;

impl Play {
    /// `3h` ago.
    fn ago(&self, text: &str) -> Result<Timestamp, Wrong> {
        Ok(self.world.engine.now() - SignedDuration::from_secs(seconds(text)?))
    }

    fn just_now(&self) -> Timestamp {
        self.world.engine.now() - SignedDuration::from_secs(SEEN)
    }

    /// What the shop and its people do. None for a word of others.
    pub(super) fn deal(&self, words: &[&str]) -> Result<Option<()>, Wrong> {
        let now = self.just_now();
        let mut shop = self.world.net.shop();
        match words {
            ["sell", id, age] => shop.sell(id, self.ago(age)?),
            ["sell", id, age, "to", "nobody"] => shop.sell_to_nobody(id, None, self.ago(age)?),
            ["sell", id, age, "to", person] if person.contains('@') => {
                shop.sell_to_nobody(id, Some(person), self.ago(age)?);
            }
            ["sell", id, age, "to", person] => shop.sell_to(id, person, self.ago(age)?),
            ["attach", id, person] => shop.attach(id, person, now),
            // The index learns of it, the order's time of change does not.
            ["attach", id, person, "unseen"] => {
                let long_ago = self.ago("5d")?;
                shop.attach(id, person, long_ago);
            }
            ["refund", id] => shop.refund(id, now),
            ["refund", id, "unseen"] => shop.refund_unseen(id),
            ["touch", id] => shop.touch(id, now),
            ["reopen", id] => shop.reopen(id, now),
            ["remove", id] => shop.remove(id),
            ["unlist", id] => drop(shop.unlisted.insert((*id).to_owned())),
            ["list", id] => drop(shop.unlisted.remove(*id)),
            ["off-sale", id] => drop(shop.off_sale.insert((*id).to_owned())),
            ["page", n] => shop.page = number(n)?,
            ["meet", person] => shop.meet(person, now),
            ["meet", n, "people"] => {
                (0..number(n)?).for_each(|n| shop.meet(&format!("P-guest{n}"), now));
            }
            ["mail", person, address] => {
                shop.change(person, now, |one| one["email_address"] = (*address).into())
            }
            ["name", person, name] => shop.change(person, now, |one| one["family_name"] = (*name).into()),
            ["opt-out", person] => {
                shop.change(person, now, |one| one["preferences"]["email_unsubscribed"] = true.into());
            }
            ["opt-in", person] => {
                shop.change(person, now, |one| one["preferences"]["email_unsubscribed"] = false.into());
            }
            ["leave", person] => shop.leave(person),
            ["merge", old @ .., "into", new] => shop.merge(old, new, now),
            _ => return Ok(None),
        }
        Ok(Some(()))
    }

    /// What the destination and the wire do.
    pub(super) fn trouble(&self, words: &[&str]) -> Result<Option<()>, Wrong> {
        let mut account = self.world.net.account();
        match words {
            ["refuse", id] => drop(account.refused.insert((*id).to_owned())),
            ["curse", id] => drop(account.cursed.insert((*id).to_owned())),
            ["accept", id] => {
                account.refused.remove(*id);
                account.cursed.remove(*id);
            }
            ["lose", id, times] => drop(account.loses.insert((*id).to_owned(), number(times)?)),
            ["delay", time] => account.delay = seconds(time)?,
            ["cut", operation] => self.world.net.plan(known(operation)?, 1, Trouble::Landed),
            ["schema", operation] => {
                let body =
                    r#"{"errors":[{"message":"Field is not defined","locations":[{"line":1,"column":1}]}]}"#;
                self.world.net.plan(known(operation)?, 1, Trouble::Body(body));
            }
            _ => return Ok(None),
        }
        Ok(Some(()))
    }

    /// Settings of the connection.
    pub(super) async fn set(&mut self, key: &str, value: &str) -> Result<(), Wrong> {
        let mut connection = crate::connections::find(&self.world.engine, "C1").await.map_err(Wrong::of)?;
        let settings = &mut connection.settings;
        match (key, value) {
            ("live_hours", hours) => settings.live_hours = number(hours)?,
            ("customers", "with_orders") => settings.customers = WhichCustomers::WithOrders,
            ("orders_without_customer", "by_email") => settings.orders_without_customer = Unnamed::ByEmail,
            ("order_link", "receipt") => settings.order_link = Link::Receipt,
            ("history_from", age) => settings.history_from = Some(self.ago(age)?),
            ("adopted", age) => connection.adopted = Some(self.ago(age)?),
            ("created", age) => connection.created = self.ago(age)?,
            _ => return Err(Wrong(format!("no setting {key} {value}"))),
        }
        self.world.save(&connection).await;
        Ok(())
    }

    /// A run, to its end. Answers with its id, or with the code of what hindered it.
    pub(super) async fn begin(&self, words: &[&str]) -> Result<Option<Result<String, String>>, Wrong> {
        let engine = &self.world.engine;
        let started = match words {
            ["poll"] => start_poll(engine, "C1").await,
            ["sync"] => start_sync(engine, "C1").await,
            ["retry"] => start_retry(engine, "C1", None).await,
            ["retry", id] => start_retry(engine, "C1", Some(id)).await,
            ["history", how @ ..] => start_backfill(engine, "C1", &self.request(how)?).await,
            _ => return Ok(None),
        };
        let started = match started {
            Ok(started) => started,
            Err(fault) => return Ok(Some(Err(fault.code.to_owned()))),
        };
        self.world.work().await;
        Ok(Some(Ok(started.run.id)))
    }

    fn request(&self, how: &[&str]) -> Result<BackfillRequest, Wrong> {
        let mut request = BackfillRequest::default();
        match how {
            [] => {}
            ["force"] => request.force = true,
            ["limit", n] => request.limit = Some(number(n)?),
            ["from", age] => request.from = Some(self.ago(age)?),
            _ => return Err(Wrong(format!("no history {how:?}"))),
        }
        Ok(request)
    }

    /// What a tick starts: a look, and a run only where something is to be done.
    pub(super) async fn tick(&self) {
        let work = Work::Poll { connection: "C1".into() };
        self.world.engine.send(Lane::Live, "C1", &[work]).await.unwrap();
        self.world.work().await;
    }
}

pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, Wrong> {
    text.parse().map_err(|_| Wrong(format!("no number: {text}")))
}

/// Calls are known by name, and only those.
fn known(operation: &str) -> Result<&'static str, Wrong> {
    const KNOWN: [&str; 5] =
        ["orders.push", "orders.queue", "products.push", "contacts.sync", "contacts.import"];
    KNOWN.into_iter().find(|one| *one == operation).ok_or_else(|| Wrong(format!("no call {operation}")))
}
