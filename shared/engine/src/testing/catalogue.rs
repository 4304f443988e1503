//! The shop's catalogue: every variation asked for is there, of one item, but those taken off sale.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The answer to a look-up by id.
pub(super) fn of(query: &Map<String, Value>, off_sale: &BTreeSet<String>) -> Value {
    let ids = query["object_ids"].as_array().unwrap();
    let variation = |id: &Value| json!({"id": id, "item_variation_data": {"item_id": "I1", "name": "Bag"}});
    let on_sale = |id: &&Value| id.as_str().is_some_and(|id| !off_sale.contains(id));
    let objects: Vec<_> = ids.iter().filter(on_sale).map(variation).collect();
    json!({"objects": objects, "related_objects": [{"id": "I1", "item_data": {"name": "Beans"}}]})
}
