//! Finding one order or person.

use serde_json::json;
use tillsync_engine::find::{Hit, find as search};
use tillsync_engine::shapes;

use crate::answer::{Answer, Trouble};
use crate::host::Host;

pub(super) async fn find(host: &Host, text: &str) -> Result<Answer, Trouble> {
    let found = search(&host.engine, text).await?;
    let mut said = String::new();
    for hit in &found.hits {
        let number = hit.number.as_ref().map_or(String::new(), |number| format!(" (number {number})"));
        let reason = hit.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
        let state = json!(hit.state);
        let state = state.as_str().unwrap_or_default();
        let sent = hit.sent_at.map_or("never sent".to_owned(), |at| format!("sent {at}"));
        said.push_str(&format!(
            "{}  {} {}{number}  {state}{reason}, {sent}; found by its {}\n  {}\n",
            hit.name,
            hit.stream,
            hit.id,
            hit.matched,
            next(hit)
        ));
    }
    if found.hits.is_empty() {
        said.push_str("Nothing answers to that. Ids and numbers have to be whole, of an address or a name three letters are enough.\n");
    }
    if !found.complete {
        said.push_str(&format!(
            "There may be more: the search ended after {} records and {} hits.\n",
            found.looked_at,
            found.hits.len()
        ));
    }
    Ok(Answer::complete(said, shapes::finds(&found, |hit| json!(next(hit)))))
}

fn next(hit: &Hit) -> String {
    format!("tillsync record {} {} {}", hit.connection, hit.stream, hit.id)
}
