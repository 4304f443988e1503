//! What happens in the shop while it is open: sales, corrections, refunds.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Shop;
use super::line::money;
use super::oracle::Facts;
use super::payment::Refund;
use super::sale::{Known, Outcome, Plan};
use crate::clock;

/// How much of each to do at once, as of now.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    /// Sales to customers with an e-mail.
    pub new_sales: usize,
    /// Sales whose customer nobody wrote down.
    pub anonymous_sales: usize,
    /// Anonymous sales that get their customer now, on the payment.
    pub attached_customers: usize,
    /// Eligible sales whose first line is renamed.
    pub changed_sales: usize,
    /// Profiles that get another family name and phone.
    pub changed_customers: usize,
    /// Eligible sales that are refunded, in full and in part by turns.
    pub refunds: usize,
    /// Only at this location; anywhere when absent.
    pub location: Option<String>,
    /// How long ago it happened: the index may be behind, and readers know it.
    pub age_seconds: u32,
}

/// Tries at drawing a record that fits, before giving up.
const TRIES: usize = 400;

impl Shop {
    pub(crate) fn change(&mut self, changes: &Changes) -> Value {
        let now = clock::now() - i64::from(changes.age_seconds) * clock::SECOND;
        let place = changes.location.as_deref().and_then(|id| self.place(id));
        let mut sales = Vec::new();
        let mut anonymous = Vec::new();
        for number in 0..changes.new_sales + changes.anonymous_sales {
            let named = number < changes.new_sales;
            let customer = if named { self.rng.pick(&self.good).cloned() } else { None };
            let active = self.places.len().saturating_sub(1).max(1);
            let place = place.unwrap_or_else(|| self.rng.index(active));
            let known = if customer.is_some() { Known::Order } else { Known::Nowhere };
            let plan = Plan { place, created: now, not_after: now, outcome: Outcome::Paid, known, customer };
            let id = self.sell(plan);
            if named { sales.push(id) } else { anonymous.push(id) }
        }
        let attached = self.several(changes.attached_customers, |shop| shop.attach(place, now));
        let changed = self.several(changes.changed_sales, |shop| shop.rename(place, now));
        let people = self.several(changes.changed_customers, |shop| shop.edit_customer(now));
        let refunded = self.several(changes.refunds, |shop| shop.refund_now(place, now));
        json!({"new_sales": sales, "anonymous_sales": anonymous, "attached_customers": attached,
            "changed_sales": changed, "changed_customers": people, "refunds": refunded})
    }

    fn several(&mut self, count: usize, mut one: impl FnMut(&mut Self) -> Option<String>) -> Vec<String> {
        (0..count).filter_map(|_| one(self)).collect()
    }

    /// A random order that `fits`.
    fn some_order(&mut self, place: Option<usize>, fits: impl Fn(&Self, &Facts) -> bool) -> Option<usize> {
        for _ in 0..TRIES {
            let index = self.rng.index(self.facts.len());
            let fact = self.facts.get(index)?;
            if place.is_none_or(|p| p == fact.place) && fits(self, fact) {
                return Some(index);
            }
        }
        None
    }

    fn attach(&mut self, place: Option<usize>, now: i64) -> Option<String> {
        let fits = |_: &Self, f: &Facts| f.settled && f.customer.is_none() && f.payment.is_some();
        // The youngest first: those are the ones that are still waited for.
        let index = (0..self.facts.len()).rev().find(|i| {
            self.facts.get(*i).is_some_and(|f| place.is_none_or(|p| p == f.place) && fits(self, f))
        })?;
        let customer = self.rng.pick(&self.good).cloned()?;
        let fact = self.facts.get_mut(index)?;
        fact.customer = Some(customer.clone());
        let payment = fact.payment.clone()?;
        let id = fact.id.clone();
        self.payments.change(&payment, now, |json| json["customer_id"] = Value::from(customer));
        Some(id)
    }

    fn rename(&mut self, place: Option<usize>, now: i64) -> Option<String> {
        let index = self.some_order(place, |shop, f| {
            !f.return_only && f.verdict(&shop.people).reason.is_none() && now - f.created > clock::MINUTE
        })?;
        let id = self.facts.get(index)?.id.clone();
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

    fn edit_customer(&mut self, now: i64) -> Option<String> {
        let id = self.rng.pick(&self.good).cloned()?;
        let family = format!("Nouveau-{}", self.rng.below(10_000));
        let phone = format!("+337{:08}", self.rng.below(100_000_000));
        let person = self.people.get_mut(&id)?;
        person.family.clone_from(&family);
        person.updated = now;
        self.customers.change(&id, now, |json| {
            json["version"] = Value::from(json.get("version").and_then(Value::as_i64).unwrap_or(0) + 1);
            json["family_name"] = Value::from(family);
            json["phone_number"] = Value::from(phone);
        });
        Some(id)
    }

    fn refundable(&self, fact: &Facts) -> bool {
        let fine = fact.verdict(&self.people).reason.is_none();
        fine && fact.refunded == 0 && fact.payment.is_some() && fact.total > 100
    }

    /// While the history is drawn: refunds a sale at least an hour old, where there is one.
    pub(super) fn refund_earlier(&mut self, at: i64, not_after: i64) -> bool {
        let found = self.some_order(None, |shop, f| f.created < at - clock::HOUR && shop.refundable(f));
        found.is_some_and(|index| self.refund(index, at, (at + 1_200).min(not_after)).is_some())
    }

    fn refund_now(&mut self, place: Option<usize>, now: i64) -> Option<String> {
        let index = self.some_order(place, Self::refundable)?;
        self.refund(index, now, now)
    }

    /// The sale keeps its lines; its payment says how much went back, and a return order appears.
    fn refund(&mut self, index: usize, at: i64, updated: i64) -> Option<String> {
        let returns = self.facts.iter().filter(|f| f.return_only).count();
        let fact = self.facts.get(index)?.clone();
        let payment = fact.payment.clone()?;
        let full = returns.is_multiple_of(2);
        // Every eleventh is still pending: nothing has gone back yet.
        let status = if returns % 11 == 10 { "PENDING" } else { "COMPLETED" };
        let amount = if full { fact.total } else { fact.total / 3 };
        let refund = Refund {
            id: format!("{payment}_{}", self.rng.id("", 20)),
            return_order: self.rng.id("", 27),
            payment: &payment,
            amount,
            status,
            at,
            updated,
        };
        let place = self.places.get(fact.place)?;
        let source = self.orders.get(&fact.id)?.json();
        let lines = return_lines(&source, full, amount, place.currency);
        self.refunds.insert(refund.row(fact.place, &place.id, place.currency));
        self.orders.insert(refund.order(&source, lines, fact.place));
        let currency = place.currency;
        self.payments.change(&payment, updated, |json| {
            json["refund_ids"] = json!([refund.id]);
            if status == "COMPLETED" {
                json["refunded_money"] = money(amount, currency);
            }
        });
        let mut shadow =
            Facts { id: refund.return_order.clone(), return_only: true, created: at, ..fact.clone() };
        shadow.date = at;
        shadow.payment = None;
        self.facts.push(shadow);
        if status == "COMPLETED" {
            self.facts.get_mut(index)?.refunded = amount;
        }
        Some(fact.id)
    }
}

/// A return of everything names the lines sold; one by amount is a single custom amount.
fn return_lines(source: &Value, full: bool, amount: i64, currency: &str) -> Vec<Value> {
    if !full {
        return vec![json!({"uid": "return-1", "quantity": "1", "item_type": "CUSTOM_AMOUNT",
            "gross_return_money": money(amount, currency), "total_money": money(amount, currency)})];
    }
    let lines = source.get("line_items").and_then(Value::as_array).cloned().unwrap_or_default();
    let back = lines.iter().enumerate().map(|(index, line)| {
        let mut out = json!({"uid": format!("return-{}", index + 1), "source_line_item_uid": line["uid"],
            "quantity": line["quantity"], "item_type": line["item_type"],
            "gross_return_money": line["gross_sales_money"], "total_money": line["total_money"]});
        if line.get("name").is_some() {
            out["name"] = line["name"].clone();
        }
        out
    });
    back.collect()
}
