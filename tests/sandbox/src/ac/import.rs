//! Bulk import: queued, then completed; one bad address refuses the whole batch.

use serde_json::{Value, json};

use super::Context;
use super::contacts::LISTS;
use super::state::{Batch, State, valid_email};
use crate::http::Reply;
use crate::stats::Stats;

const CONTACTS: usize = 250;
const BYTES: usize = 400_000;
const MEMBERS: [&str; 10] = [
    "email",
    "first_name",
    "last_name",
    "phone",
    "customer_acct_name",
    "tags",
    "fields",
    "subscribe",
    "unsubscribe",
    "exclude_automations",
];

impl Context<'_> {
    pub(super) fn bulk_import(&mut self) -> Reply {
        let refuse = |message: &str, reasons: Value| {
            Reply::json(400, &json!({"success": 0, "message": message, "failureReasons": reasons}))
        };
        if self.call.body.len() > BYTES {
            return refuse(
                "The request is too large.",
                json!(["The request must not be over 400000 bytes."]),
            );
        }
        let body = self.call.json().unwrap_or_default();
        let Some(contacts) = body.get("contacts").and_then(Value::as_array).filter(|c| !c.is_empty()) else {
            return refuse("No contacts.", json!(["contacts is required."]));
        };
        if contacts.len() > CONTACTS {
            return refuse("Too many contacts.", json!(["At most 250 contacts in a request."]));
        }
        let reasons: Vec<Value> = contacts
            .iter()
            .enumerate()
            .filter_map(|(index, contact)| {
                fault_of(contact).map(|why| json!({"contact": index, "failureReason": why}))
            })
            .collect();
        if !reasons.is_empty() {
            return refuse("Validation failed for one or more contacts.", Value::Array(reasons));
        }
        // The guide and the sample disagree on where the switch belongs; only both places are safe.
        let quiet = |value: &Value| value.get("exclude_automations") == Some(&Value::Bool(true));
        let loud = contacts.iter().filter(|c| !quiet(&body) || !quiet(c)).count() as u64;
        self.state.imported_with_automations += loud;
        let id = self.state.rng.id("", 32).to_ascii_lowercase();
        self.state.batches.push(Batch {
            id: id.clone(),
            taken: self.now,
            due: self.now + self.settings.import_delay_ms,
            contacts: contacts.clone(),
            done: false,
            interrupted: self.call.interrupt_import,
            success: Vec::new(),
            failure: Vec::new(),
        });
        let message = "Contact import queued";
        let body =
            json!({"success": 1, "queued_contacts": contacts.len(), "batchId": id, "message": message});
        Reply::json(200, &body)
    }

    pub(super) fn import_info(&self) -> Reply {
        let id = self.call.param("batchId").unwrap_or_default();
        let Some(batch) = self.state.batches.iter().find(|b| b.id == id) else {
            return Reply::json(200, &json!({"status": "", "success": [], "failure": []}));
        };
        let quarter = self.settings.import_delay_ms / 4;
        match self.now {
            _ if batch.done => {
                let status = if batch.interrupted.is_some() { "interrupted" } else { "completed" };
                Reply::json(
                    200,
                    &json!({"status": status, "success": batch.success, "failure": batch.failure}),
                )
            }
            // Asked too soon, the account has been seen to answer with a bare `false`.
            now if now < batch.taken + quarter => Reply::json(200, &Value::Bool(false)),
            now if now < batch.taken + 2 * quarter => {
                Reply::json(200, &json!({"status": "waiting", "success": [], "failure": []}))
            }
            _ => Reply::json(200, &json!({"status": "active", "success": [], "failure": []})),
        }
    }

    pub(super) fn import_totals(&self) -> Reply {
        let open = self.state.batches.iter().filter(|b| !b.done);
        let done = self.state.batches.iter().filter(|b| b.done);
        let sum = |list: Vec<&Batch>| {
            let contacts: usize = list.iter().map(|b| b.contacts.len()).sum();
            json!([{"batches": list.len(), "contacts": contacts}])
        };
        Reply::json(
            200,
            &json!({"outstanding": sum(open.collect()), "recentlyCompleted": sum(done.collect())}),
        )
    }
}

fn fault_of(contact: &Value) -> Option<String> {
    let members = contact.as_object()?;
    if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Some(format!("Unknown field {name}."));
    }
    let email = contact.get("email").and_then(Value::as_str).unwrap_or_default();
    if !valid_email(email) {
        return Some(format!("Email address {email} is not valid."));
    }
    for list in subscriptions(contact, "subscribe").chain(subscriptions(contact, "unsubscribe")) {
        if !LISTS.iter().any(|(id, _)| *id == list) {
            return Some(format!("List {list} does not exist."));
        }
    }
    None
}

fn subscriptions<'a>(contact: &'a Value, name: &str) -> impl Iterator<Item = String> + 'a {
    let entries = contact.get(name).and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| match entry.get("listid")? {
        Value::String(id) => Some(id.clone()),
        other => Some(other.to_string()),
    })
}

impl State {
    pub(crate) fn finish_imports(&mut self, now: i64, stats: &mut Stats) {
        let mut batches = std::mem::take(&mut self.batches);
        for batch in batches.iter_mut().filter(|b| !b.done && b.due <= now) {
            batch.done = true;
            let most = batch.interrupted.unwrap_or(usize::MAX);
            for sent in std::mem::take(&mut batch.contacts).into_iter().take(most) {
                let email = sent.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
                match self.import_one(&sent, &email, stats) {
                    Some(id) => batch.success.push(id.to_string()),
                    None => batch.failure.push(email),
                }
            }
        }
        self.batches = batches;
    }

    /// Nobody is put back on a list they left: that address counts as failed.
    fn import_one(&mut self, sent: &Value, email: &str, stats: &mut Stats) -> Option<i64> {
        let (contact, _) = self.contact(email);
        if contact.lay(sent) {
            stats.warning("blanked_contact_field", email);
        }
        for tag in sent.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            contact.tags.insert(tag.to_owned());
        }
        for field in sent.get("fields").and_then(Value::as_array).into_iter().flatten() {
            let id = field.get("id").map(Value::to_string).unwrap_or_default();
            contact.fields.insert(id, field.get("value").map(Value::to_string).unwrap_or_default());
        }
        for list in subscriptions(sent, "unsubscribe") {
            contact.lists.insert(list, 2);
        }
        let mut refused = false;
        for list in subscriptions(sent, "subscribe") {
            if contact.lists.get(&list) == Some(&2) {
                refused = true;
            } else {
                contact.lists.insert(list, 1);
            }
        }
        if refused {
            stats.warning("not_resubscribed", email);
        }
        (!refused).then_some(contact.id)
    }
}
