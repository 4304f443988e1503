//! What becomes of sales and people after they were made.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Shop;

impl Shop {
    /// Sells something to nobody in particular; with an address the buyer may have left.
    pub(crate) fn sell_to_nobody(&mut self, id: &str, address: Option<&str>, at: Timestamp) {
        self.sell_to(id, "P-nobody", at);
        self.people.retain(|person| person["id"] != "P-nobody");
        self.order(id, |order| drop(order.as_object_mut().unwrap().remove("customer_id")));
        self.payment(id, |payment| {
            payment.as_object_mut().unwrap().remove("customer_id");
            if let Some(address) = address {
                payment["buyer_email_address"] = address.into();
            }
        });
    }

    /// Says whose a sale is.
    pub(crate) fn attach(&mut self, id: &str, person: &str, at: Timestamp) {
        self.meet(person, at);
        self.order(id, |order| {
            order["customer_id"] = person.into();
            order["updated_at"] = at.to_string().into();
        });
    }

    /// Gives the money back without a trace in any time of change.
    pub(crate) fn refund_unseen(&mut self, id: &str) {
        self.payment(id, |payment| payment["refunded_money"] = payment["total_money"].clone());
    }

    /// An order as if it had just been looked at: only its time of change moves.
    pub(crate) fn touch(&mut self, id: &str, at: Timestamp) {
        self.order(id, |order| order["updated_at"] = at.to_string().into());
    }

    /// Takes the money of an order back to where it came from: it is open, and not paid any more.
    pub(crate) fn reopen(&mut self, id: &str, at: Timestamp) {
        self.order(id, |order| {
            order["state"] = "OPEN".into();
            order["net_amount_due_money"] = order["total_money"].clone();
            order["tenders"] = json!([]);
            order["updated_at"] = at.to_string().into();
        });
        self.payment(id, |payment| payment["status"] = "FAILED".into());
    }

    /// An order that the store does not have any more.
    pub(crate) fn remove(&mut self, id: &str) {
        self.orders.retain(|order| order["id"] != id);
        self.payments.retain(|payment| payment["order_id"] != id);
    }

    /// Changes a profile.
    pub(crate) fn change(&mut self, person: &str, at: Timestamp, change: impl FnOnce(&mut Value)) {
        let person = self.people.iter_mut().find(|one| one["id"] == person).unwrap();
        change(person);
        person["updated_at"] = at.to_string().into();
    }

    /// A profile that is deleted.
    pub(crate) fn leave(&mut self, person: &str) {
        self.people.retain(|one| one["id"] != person);
    }

    /// Profiles that become one of a new id, with the address of the first; orders keep naming the old ones.
    pub(crate) fn merge(&mut self, old: &[&str], new: &str, at: Timestamp) {
        let first = self.people.iter().find(|one| one["id"] == old[0]).unwrap()["email_address"].clone();
        old.iter().for_each(|old| self.leave(old));
        self.meet(new, at);
        self.change(new, at, |person| person["email_address"] = first);
    }

    fn order(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        change(self.orders.iter_mut().find(|order| order["id"] == id).unwrap());
    }

    fn payment(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        change(self.payments.iter_mut().find(|payment| payment["order_id"] == id).unwrap());
    }
}
