//! What happens in the shop while it is open: sales, corrections, refunds, profiles.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Shop;
use super::kind::{Back, Kind, Swap};
use super::line::money;
use super::oracle::{Facts, Paid};
use super::sale::{Known, OFFLINE, Outcome, Plan};
use super::table::Row;
use crate::clock;

/// How much of each to do at once, as of now.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    /// Sales to customers with an e-mail.
    pub new_sales: usize,
    /// Sales whose customer nobody wrote down.
    pub anonymous_sales: usize,
    /// Sales of up to 71 hours ago whose till was offline: their orders appear now, with their old date.
    pub offline_sales: usize,
    /// Sales that no client can read: an amount is a text.
    pub unreadable_sales: usize,
    /// Anonymous sales that get their customer now, on the payment.
    pub attached_customers: usize,
    /// Anonymous sales of the last 48 hours that get their customer now: on the order and on the payment by turns.
    pub late_customers: usize,
    /// Eligible sales whose first line is renamed.
    pub changed_sales: usize,
    /// Open invoices that are paid now.
    pub paid_invoices: usize,
    /// Profiles that get another family name and phone.
    pub changed_customers: usize,
    /// Profiles that get another address.
    pub changed_emails: usize,
    /// Profiles that opt out of e-mail.
    pub opted_out_customers: usize,
    /// Pairs of profiles that become one, with a new id; of one address where there are such.
    pub merged_customers: usize,
    /// Profiles that are deleted.
    pub deleted_customers: usize,
    /// Eligible sales that are refunded, in full and in part by turns.
    pub refunds: usize,
    /// Eligible sales of which a part is given back at another location.
    pub refunds_elsewhere: usize,
    /// Refunds that are asked for and not gone through yet.
    pub pending_refunds: usize,
    /// Pending refunds that go through now.
    pub completed_refunds: usize,
    /// Paid sales that are called off.
    pub cancelled_sales: usize,
    /// Exchanges for something dearer, as dear and cheaper by turns.
    pub exchanges: usize,
    /// Only at this location; anywhere when absent. Profiles have none.
    pub location: Option<String>,
    /// How long ago it happened: the index may be behind, and readers know it.
    pub age_seconds: u32,
}

/// Tries at drawing a record that fits, before all are looked at.
const TRIES: usize = 400;

impl Shop {
    pub(crate) fn change(&mut self, changes: &Changes) -> Value {
        let now = clock::now() - i64::from(changes.age_seconds) * clock::SECOND;
        let place = changes.location.as_deref().and_then(|id| self.place(id));
        let mut out = json!({});
        let mut done = |name: &str, touched: Vec<String>| out[name] = json!(touched);
        let all = self.several(changes.new_sales, |s| s.sell_now(place, now, Kind::Usual));
        done("new_sales", all);
        let all = self.several(changes.anonymous_sales, |s| s.sell_now(place, now, Kind::NoCustomer));
        done("anonymous_sales", all);
        let all = self.several(changes.offline_sales, |s| s.sell_now(place, now, Kind::OfflineLate));
        done("offline_sales", all);
        let all = self.several(changes.unreadable_sales, |s| s.sell_unreadable(place, now));
        done("unreadable_sales", all);
        done("attached_customers", self.several(changes.attached_customers, |s| s.attach(place, now)));
        done("late_customers", self.several(changes.late_customers, |s| s.attach_late(place, now)));
        done("changed_sales", self.several(changes.changed_sales, |s| s.rename(place, now)));
        done("paid_invoices", self.several(changes.paid_invoices, |s| s.pay_invoice(place, now)));
        done("changed_customers", self.several(changes.changed_customers, |s| s.edit_customer(now)));
        done("changed_emails", self.several(changes.changed_emails, |s| s.change_email(now)));
        done("opted_out_customers", self.several(changes.opted_out_customers, |s| s.opt_out(now)));
        done("merged_customers", self.several(changes.merged_customers, |s| s.merge(now)));
        done("deleted_customers", self.several(changes.deleted_customers, |s| s.delete_customer(now)));
        let by_turns = |s: &mut Self| {
            let how = [Back::Full, Back::Part][s.next_turn() % 2];
            s.back_now(how, place, now)
        };
        done("refunds", self.several(changes.refunds, by_turns));
        let back = |how: Back| move |s: &mut Self| s.back_now(how, place, now);
        done("refunds_elsewhere", self.several(changes.refunds_elsewhere, back(Back::Elsewhere)));
        done("pending_refunds", self.several(changes.pending_refunds, back(Back::Pending)));
        done("completed_refunds", self.several(changes.completed_refunds, |s| s.complete_refund(now)));
        done("cancelled_sales", self.several(changes.cancelled_sales, back(Back::Cancelled)));
        let swap = |s: &mut Self| {
            let how = [Swap::Dearer, Swap::Even, Swap::Cheaper][s.next_turn() % 3];
            s.exchange_now(how, place, now)
        };
        done("exchanges", self.several(changes.exchanges, swap));
        out
    }

    fn several(&mut self, count: usize, mut one: impl FnMut(&mut Self) -> Option<String>) -> Vec<String> {
        (0..count).filter_map(|_| one(self)).collect()
    }

    fn next_turn(&mut self) -> usize {
        self.turn += 1;
        self.turn - 1
    }

    /// An order that `fits`: a random one, and where those are rare the youngest.
    pub(super) fn some_order(
        &mut self,
        place: Option<usize>,
        fits: impl Fn(&Self, &Facts) -> bool,
    ) -> Option<usize> {
        for _ in 0..TRIES {
            let index = self.rng.index(self.facts.len());
            let fact = self.facts.get(index)?;
            if place.is_none_or(|p| p == fact.place) && fits(self, fact) {
                return Some(index);
            }
        }
        self.youngest(place, fits)
    }

    fn youngest(&self, place: Option<usize>, fits: impl Fn(&Self, &Facts) -> bool) -> Option<usize> {
        (0..self.facts.len()).rev().find(|index| {
            self.facts.get(*index).is_some_and(|f| place.is_none_or(|p| p == f.place) && fits(self, f))
        })
    }

    fn sell_now(&mut self, place: Option<usize>, now: i64, kind: Kind) -> Option<String> {
        let customer =
            if kind == Kind::NoCustomer { None } else { Some(self.rng.pick(&self.good).cloned()?) };
        let active = self.places.len().saturating_sub(1).max(1);
        let place = place.unwrap_or_else(|| self.rng.index(active));
        let known = if customer.is_some() { Known::Order } else { Known::Nowhere };
        let created = match kind {
            // What was paid long before reaches Square at this very moment.
            Kind::OfflineLate => now - self.rng.between(2 * clock::HOUR, OFFLINE),
            _ => now,
        };
        let outcome = Outcome::Paid;
        let id = self.sell(Plan { place, created, not_after: now, outcome, known, customer, kind });
        if kind == Kind::OfflineLate {
            let fact = self.facts.last_mut()?;
            fact.arrived = now;
            for paid in fact.payments.clone() {
                self.payments.redate(&paid.id, now);
            }
            let tender = json!(clock::rfc3339(now));
            self.orders.change(&id, now, |json| {
                if let Some(at) = json.pointer_mut("/tenders/0/created_at") {
                    *at = tender;
                }
                json["closed_at"] = Value::from(clock::rfc3339(now));
            });
        }
        Some(id)
    }

    fn sell_unreadable(&mut self, place: Option<usize>, now: i64) -> Option<String> {
        let id = self.sell_now(place, now, Kind::Usual)?;
        self.orders
            .change(&id, now, |json| json["total_money"] = json!({"amount": "12,50", "currency": 978}));
        let fact = self.facts.last_mut()?;
        fact.broken = true;
        Some(id)
    }

    fn attach(&mut self, place: Option<usize>, now: i64) -> Option<String> {
        // The youngest first: those are the ones that are still waited for.
        let fits = |_: &Self, f: &Facts| f.settled && f.customer.is_none() && !f.payments.is_empty();
        let index = self.youngest(place, fits)?;
        self.name_buyer(index, false, now)
    }

    fn attach_late(&mut self, place: Option<usize>, now: i64) -> Option<String> {
        let fits =
            |shop: &Self, f: &Facts| f.waits(f.verdict(&shop.people).reason, now) && !f.payments.is_empty();
        let index = self.youngest(place, fits)?;
        let on_order = self.next_turn().is_multiple_of(2);
        self.name_buyer(index, on_order, now)
    }

    fn name_buyer(&mut self, index: usize, on_order: bool, now: i64) -> Option<String> {
        let customer = self.rng.pick(&self.good).cloned()?;
        let fact = self.facts.get_mut(index)?;
        fact.customer = Some(customer.clone());
        let (id, payment) = (fact.id.clone(), fact.payments.last()?.id.clone());
        let (table, key) = if on_order { (&mut self.orders, &id) } else { (&mut self.payments, &payment) };
        table.change(key, now, |json| json["customer_id"] = Value::from(customer));
        Some(id)
    }

    fn rename(&mut self, place: Option<usize>, now: i64) -> Option<String> {
        let index = self.some_order(place, |shop, f| {
            let fine = f.verdict(&shop.people).reason.is_none() && !f.lines.is_empty();
            fine && f.held.is_none() && now - f.created > clock::MINUTE
        })?;
        let fact = self.facts.get_mut(index)?;
        "Article corrigé".clone_into(&mut fact.lines.first_mut()?.name);
        let id = fact.id.clone();
        self.orders.change(&id, now, |json| {
            if let Some(version) = json.get("version").and_then(Value::as_i64) {
                json["version"] = Value::from(version + 1);
            }
            if let Some(line) = json.pointer_mut("/line_items/0") {
                line["name"] = Value::from("Article corrigé");
            }
        });
        Some(id)
    }

    /// A bill of days ago is settled by card, from the link in the mail.
    fn pay_invoice(&mut self, place: Option<usize>, now: i64) -> Option<String> {
        let index = self.youngest(place, |_, f| !f.settled && f.kinds.contains(&"invoice_open"))?;
        let payment = self.rng.id("", 28);
        let fact = self.facts.get_mut(index)?;
        let (id, total, currency, home) = (fact.id.clone(), fact.total, fact.currency, fact.place);
        (fact.settled, fact.date, fact.arrived) = (true, now, now);
        fact.payments = vec![Paid { id: payment.clone(), total, refunded: 0 }];
        fact.kinds.retain(|kind| *kind != "invoice_open");
        fact.mark("invoice");
        let (at, sum) = (clock::rfc3339(now), money(total, currency));
        self.orders.change(&id, now, |json| {
            json["state"] = Value::from("COMPLETED");
            json["closed_at"] = Value::from(at.as_str());
            json["net_amount_due_money"] = money(0, currency);
            json["tenders"] = json!([{"id": payment, "payment_id": payment, "type": "CARD", "created_at": at,
                "amount_money": sum}]);
        });
        let json = json!({
            "id": payment, "order_id": id, "location_id": self.places.get(home)?.id, "created_at": at,
            "updated_at": at, "status": "COMPLETED", "amount_money": sum, "total_money": sum, "approved_money": sum,
            "source_type": "CARD", "application_details": {"square_product": "INVOICES"},
            "receipt_number": &payment[..4], "version_token": "o3Gk8yQb",
        });
        let state = "COMPLETED".to_owned();
        let bytes = json.to_string().into_bytes();
        let row = Row {
            id: payment,
            place: home,
            created: now,
            updated: now,
            state,
            listed: true,
            bytes,
            ..Row::default()
        };
        self.payments.insert(row);
        Some(id)
    }
}
