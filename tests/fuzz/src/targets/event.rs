//! Operators' events.

use serde_json::Value;
use tillsync_engine::entry::{Asked, Known};

use crate::quiet::TOKEN;
use crate::{Target, corpus};

pub(super) const TARGET: Target = Target { name: "event", run, fixtures, weight: 30 };

fn run(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(data) else { return };
    match Known::read(&event) {
        Ok(Known::Asked(asked)) => {
            assert!(asked.is_help() == (asked == Asked::Help));
            // What is asked for is logged; what is looked for is somebody's name, maybe.
            let shown = format!("{asked:?}");
            assert!(!matches!(asked, Asked::Find(_)) || shown == "Find(Find([personal]))", "{shown}");
        }
        Ok(Known::NotOurs) => assert!(event.get("action").is_none()),
        Err(fault) => {
            assert!(tillsync_engine::explained(fault.code).is_some(), "{}", fault.code);
            assert!(fault.code.starts_with("event."), "{}", fault.code);
            assert!(fault.detail.len() <= 2_500, "a message of {} bytes", fault.detail.len());
            assert!(!fault.detail.contains(|c: char| c.is_control()), "a break in: {:?}", fault.detail);
            // A secret that stands where none belongs is refused by the member's name alone.
            let named =
                event.as_object().is_some_and(|members| members.keys().any(|name| name.contains(TOKEN)));
            assert!(
                fault.code != "event.secret" || named || !fault.detail.contains(TOKEN),
                "{}",
                fault.detail
            );
        }
    }
}

fn fixtures() -> Vec<Vec<u8>> {
    let events = corpus::files_in("infra/events").into_iter().chain(corpus::files_in("infra/test-events"));
    events.map(|path| corpus::bytes(&corpus::json(&path))).collect()
}
