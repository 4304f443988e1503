//! What happens to customer profiles while the shop is open.

use std::collections::HashMap;

use serde_json::Value;

use super::Shop;
use super::people::Reach;

impl Shop {
    pub(super) fn edit_customer(&mut self, now: i64) -> Option<String> {
        let id = self.rng.pick(&self.good).cloned()?;
        let family = format!("Nouveau-{}", self.rng.below(10_000));
        let phone = format!("+337{:08}", self.rng.below(100_000_000));
        self.people.get_mut(&id)?.family.clone_from(&family);
        self.rewrite(&id, now, |json| {
            json["family_name"] = Value::from(family);
            json["phone_number"] = Value::from(phone);
        })
    }

    pub(super) fn change_email(&mut self, now: i64) -> Option<String> {
        let id = self.rng.pick(&self.good).cloned()?;
        let email = format!("moved{}@example.org", self.rng.below(1_000_000_000));
        self.people.get_mut(&id)?.email = Some(email.clone());
        self.rewrite(&id, now, |json| json["email_address"] = Value::from(email))
    }

    pub(super) fn opt_out(&mut self, now: i64) -> Option<String> {
        let index = (0..self.good.len()).find(|index| {
            let person = self.good.get(*index).and_then(|id| self.people.get(id));
            person.is_some_and(|p| !p.unsubscribed)
        })?;
        let id = self.good.get(index)?.clone();
        self.people.get_mut(&id)?.unsubscribed = true;
        self.rewrite(&id, now, |json| json["preferences"]["email_unsubscribed"] = Value::Bool(true))
    }

    fn rewrite(&mut self, id: &str, now: i64, change: impl FnOnce(&mut Value)) -> Option<String> {
        self.people.get_mut(id)?.updated = now;
        self.customers.change(id, now, |json| {
            json["version"] = Value::from(json.get("version").and_then(Value::as_i64).unwrap_or(0) + 1);
            change(json);
        });
        Some(id.to_owned())
    }

    /// Two profiles become one under a new id; the old ids no longer resolve (square.md section 5.3). The new id is
    /// the answer.
    pub(super) fn merge(&mut self, now: i64) -> Option<String> {
        let (first, second) = self.pair()?;
        let (one, two) = (self.people.get(&first)?.clone(), self.people.get(&second)?.clone());
        self.forget(&first, now);
        self.forget(&second, now);
        let mut whole = one;
        whole.id = self.rng.id("", 26).to_ascii_uppercase();
        whole.origin = "MERGE";
        whole.sources = vec![first, second];
        self.merges.push((whole.id.clone(), whole.sources.clone()));
        whole.unsubscribed |= two.unsubscribed;
        (whole.created, whole.updated) = (now, now);
        let id = whole.id.clone();
        self.customers.insert(whole.row());
        self.people.insert(id.clone(), whole);
        self.good.push(id.clone());
        Some(id)
    }

    /// Two profiles of one address, else any two.
    fn pair(&mut self) -> Option<(String, String)> {
        let mut seen: HashMap<String, &String> = HashMap::new();
        for id in &self.good {
            let Some(email) = self.people.get(id).and_then(|p| p.email.as_ref()) else { continue };
            if let Some(twin) = seen.insert(email.to_lowercase(), id) {
                return Some((twin.clone(), id.clone()));
            }
        }
        let first = self.rng.index(self.good.len());
        let second = (first + 1) % self.good.len().max(1);
        (first != second).then_some(())?;
        Some((self.good.get(first)?.clone(), self.good.get(second)?.clone()))
    }

    pub(super) fn delete_customer(&mut self, now: i64) -> Option<String> {
        let id = self.rng.pick(&self.good).cloned()?;
        self.forget(&id, now);
        Some(id)
    }

    /// The id stops resolving. What was eligible keeps the address it was sent with; what came at the same moment was
    /// not sent yet.
    fn forget(&mut self, id: &str, now: i64) {
        let Some(person) = self.people.get(id) else { return };
        let email = person.email.clone().filter(|_| person.reach == Reach::Good);
        for fact in self.facts.iter_mut().filter(|f| f.customer.as_deref() == Some(id)) {
            if fact.arrived < now && fact.verdict(&self.people).reason.is_none() {
                fact.held.clone_from(&email);
            }
        }
        self.people.remove(id);
        self.customers.remove(id);
        self.good.retain(|other| other != id);
    }
}
