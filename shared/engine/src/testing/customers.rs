//! The account's e-commerce customers: made by orders, one per connection and address, changed by REST.

use serde_json::{Value, json};
use tillsync_mapping::http::{Method, Request};

use super::Account;

impl Account {
    /// What an order says of its customer. What it does not say stays as it was.
    pub(crate) fn buy(&mut self, order: &Value) {
        let remote = order["legacyConnectionId"].to_string();
        let email = order["email"].as_str().unwrap();
        let id = (31 + self.customers.len()).to_string();
        let is_it = |one: &&mut Value| one["connectionid"] == *remote && one["email"] == email;
        let customer = match self.customers.iter_mut().find(is_it) {
            Some(known) => known,
            None => {
                self.customers.push(json!({"id": id, "connectionid": remote, "email": email,
                    "externalid": order["storeCustomerId"], "acceptsMarketing": null}));
                self.customers.last_mut().unwrap()
            }
        };
        if let Some(accepts) = order["acceptsMarketing"].as_bool() {
            customer["acceptsMarketing"] = if accepts { "1" } else { "0" }.into();
        }
    }

    /// What customers of this address say, by connection.
    pub(crate) fn consents(&self, email: &str) -> Vec<(String, Value)> {
        let of = self.customers.iter().filter(|one| one["email"] == email);
        of.map(|one| (one["connectionid"].as_str().unwrap().to_owned(), one["acceptsMarketing"].clone()))
            .collect()
    }

    pub(super) fn customer(&mut self, request: &Request, body: &Value) -> (u16, Value) {
        let url = url::Url::parse(&request.url).unwrap();
        if request.method == Method::Get {
            let asked = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
            let (connection, email) = (asked("filters[connectionid]"), asked("filters[email]"));
            let fits = |one: &&Value| {
                let same = one["email"].as_str().unwrap().eq_ignore_ascii_case(&email);
                one["connectionid"] == *connection && same
            };
            return (200, json!({"ecomCustomers": self.customers.iter().filter(fits).collect::<Vec<_>>()}));
        }
        assert_eq!(*body, json!({"ecomCustomer": {"acceptsMarketing": "0"}}), "nothing else is ever changed");
        let id = url.path().rsplit('/').next().unwrap();
        match self.customers.iter_mut().find(|one| one["id"] == id) {
            Some(found) => {
                found["acceptsMarketing"] = "0".into();
                (200, json!({"ecomCustomer": found}))
            }
            None => (404, json!({"message": "No Result found for EcomCustomer"})),
        }
    }
}
