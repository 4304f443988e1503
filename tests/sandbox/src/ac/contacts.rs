//! Contacts, one at a time, and the lists they are on.

use serde_json::{Value, json};

use super::Context;
use super::reply::{bad_request, no_result, text, unprocessable};
use super::state::{Contact, valid_email};
use crate::http::Reply;

/// The lists of the account: id and name.
pub(super) const LISTS: [(&str, &str); 2] = [("1", "Master Contact List"), ("2", "Newsletter")];

impl Context<'_> {
    pub(super) fn lists(&self) -> Reply {
        let wanted = self.call.param("filters[name]");
        let lists: Vec<Value> = LISTS
            .iter()
            .filter(|(_, name)| wanted.is_none_or(|w| w == *name))
            .map(|(id, name)| json!({"id": id, "name": name, "stringid": name.to_lowercase().replace(' ', "-")}))
            .collect();
        Reply::json(200, &json!({"lists": lists, "meta": {"total": lists.len()}}))
    }

    pub(super) fn contacts(&mut self, rest: &[&str]) -> Reply {
        let id = rest.first().and_then(|id| id.parse::<i64>().ok());
        match (self.call.method.as_str(), rest, id) {
            ("GET", [], _) => self.list_contacts(),
            ("POST", [], _) => self.save_contact(true),
            ("GET", [_], Some(id)) => match self.state.contacts.values().find(|c| c.id == id) {
                Some(contact) => Reply::json(200, &json!({"contact": contact.json()})),
                None => no_result("Subscriber", &id.to_string()),
            },
            ("PUT", [_], Some(id)) => self.update_contact(id),
            ("GET", [_, "contactLists"], Some(id)) => self.lists_of(id),
            _ => bad_request(),
        }
    }

    fn list_contacts(&self) -> Reply {
        let email = self.call.param("email").or(self.call.param("filters[email]")).map(str::to_lowercase);
        let after = self.call.param("id_greater").and_then(|v| v.parse::<i64>().ok()).unwrap_or(0);
        let mut all: Vec<&Contact> = match &email {
            Some(email) => self.state.contacts.get(email).into_iter().collect(),
            None => self.state.contacts.values().collect(),
        };
        all.retain(|c| c.id > after);
        all.sort_by_key(|c| c.id);
        let (offset, limit) = self.paging();
        let page: Vec<Value> = all.iter().skip(offset).take(limit).map(|c| c.json()).collect();
        Reply::json(200, &json!({"contacts": page, "meta": {"total": all.len().to_string()}}))
    }

    pub(super) fn contact_sync(&mut self) -> Reply {
        self.save_contact(false)
    }

    /// `POST /contacts` refuses a known address; sync updates it.
    fn save_contact(&mut self, only_new: bool) -> Reply {
        let body = self.call.json().unwrap_or_default();
        let Some(sent) = body.get("contact") else {
            return bad_request();
        };
        let Some(email) = text(sent, "email") else {
            return bad_request();
        };
        if !valid_email(&email) {
            return unprocessable("Email address is not valid.", "email_invalid", "email");
        }
        let known = self.state.contacts.contains_key(&email.to_lowercase());
        if known && only_new {
            return unprocessable("Email address already exists in the system.", "duplicate", "email");
        }
        let blanked = {
            let (contact, _) = self.state.contact(&email);
            contact.lay(sent)
        };
        if blanked {
            self.stats.warning("blanked_contact_field", &email);
        }
        let json = self.state.contacts.get(&email.to_lowercase()).map(Contact::json);
        Reply::json(if known { 200 } else { 201 }, &json!({"contact": json, "fieldValues": []}))
    }

    fn update_contact(&mut self, id: i64) -> Reply {
        let body = self.call.json().unwrap_or_default();
        let Some(sent) = body.get("contact") else {
            return bad_request();
        };
        match self.state.contacts.values_mut().find(|c| c.id == id) {
            None => no_result("Subscriber", &id.to_string()),
            Some(contact) => {
                contact.lay(sent);
                Reply::json(200, &json!({"contact": contact.json()}))
            }
        }
    }

    fn lists_of(&self, id: i64) -> Reply {
        let Some(contact) = self.state.contacts.values().find(|c| c.id == id) else {
            return no_result("Subscriber", &id.to_string());
        };
        let lists: Vec<Value> = contact
            .lists
            .iter()
            .map(|(list, status)| json!({"list": list, "contact": id.to_string(), "status": status.to_string()}))
            .collect();
        Reply::json(200, &json!({"contactLists": lists}))
    }

    /// Status 1 revives even those who unsubscribed, which is why it must not be used for that.
    pub(super) fn contact_lists(&mut self) -> Reply {
        let body = self.call.json().unwrap_or_default();
        let Some(sent) = body.get("contactList") else {
            return bad_request();
        };
        let (list, contact) =
            (text(sent, "list").unwrap_or_default(), text(sent, "contact").unwrap_or_default());
        let status = text(sent, "status").and_then(|s| s.parse::<i64>().ok()).unwrap_or(-1);
        if !(0..=3).contains(&status) || !LISTS.iter().any(|(id, _)| *id == list) {
            return unprocessable("Invalid contact list.", "field_invalid", "status");
        }
        let Some(found) = self.state.contacts.values_mut().find(|c| c.id.to_string() == contact) else {
            return no_result("Subscriber", &contact);
        };
        if found.lists.insert(list.clone(), status) == Some(2) && status == 1 {
            self.stats.violation("resubscribed", &found.email);
        }
        Reply::json(
            201,
            &json!({"contactList": {"list": list, "contact": contact, "status": status.to_string()}}),
        )
    }
}

impl Contact {
    pub(crate) fn json(&self) -> Value {
        json!({"id": self.id.to_string(), "email": self.email, "firstName": self.first, "lastName": self.last,
            "phone": self.phone, "orgname": self.organisation, "links": {}})
    }

    /// Members that are there overwrite, blank ones too; true when a good value was blanked.
    pub(crate) fn lay(&mut self, sent: &Value) -> bool {
        let mut blanked = false;
        let names = [
            (&mut self.first, ["firstName", "first_name"]),
            (&mut self.last, ["lastName", "last_name"]),
            (&mut self.phone, ["phone", "phone"]),
            (&mut self.organisation, ["company", "customer_acct_name"]),
        ];
        for (field, names) in names {
            if let Some(value) = names.iter().find_map(|n| sent.get(*n)).and_then(Value::as_str) {
                blanked |= value.trim().is_empty();
                value.clone_into(field);
            }
        }
        blanked
    }
}
