//! The settings of a connection, by the words an operator uses for them.

use jiff::Timestamp;

use super::change;
use crate::context::Engine;
use crate::fault::Fault;
use crate::nearest::hint;
use crate::plan::history_from;
use crate::state::{Connection, Link, Unnamed, WhichCustomers};

/// Every setting, with the values it takes.
const SETTINGS: [(&str, &str); 6] = [
    ("history", "all, this-year or a date as 2026-01-31"),
    ("live_hours", "24 or 0"),
    ("customers", "all or with_orders"),
    ("order_link", "dashboard or receipt"),
    ("orders_without_customer", "skip or by_email"),
    ("active_sync", "on or off"),
];

/// A setting after it was set.
#[derive(Clone, Debug)]
pub struct Set {
    /// As it is now.
    pub connection: Connection,
    /// Which setting.
    pub name: &'static str,
    /// The value before.
    pub old: String,
    /// The value now.
    pub new: String,
    /// True when it was so already: nothing was changed.
    pub already: bool,
    /// One line: what that means, and from when on.
    pub effect: String,
}

/// The name and the value of `KEY=VALUE`.
///
/// # Errors
/// `config.invalid` shows the form and lists the settings.
pub fn pair(text: &str) -> Result<(&str, &str), Fault> {
    text.split_once('=').map(|(name, value)| (name.trim(), value.trim())).ok_or_else(|| {
        let detail = format!("{text:?}: give a setting and its value as KEY=VALUE; there is: {}", list());
        Fault::usage("config.invalid", detail)
    })
}

/// Every setting of a connection with its value, by the words [`set`] takes.
#[must_use]
pub fn words(connection: &Connection) -> [(&'static str, String); 6] {
    SETTINGS.map(|(name, _)| (name, word(connection, name)))
}

/// Sets one setting of a connection.
///
/// # Errors
/// `connection.unknown`, `setting.unknown` with the nearest name, `config.invalid` with the values there are.
pub async fn set(engine: &Engine, id: &str, name: &str, value: &str) -> Result<Set, Fault> {
    let (name, values) = SETTINGS.into_iter().find(|(known, _)| *known == name).ok_or_else(|| {
        let hint = hint(name, SETTINGS.map(|(known, _)| known));
        Fault::usage("setting.unknown", format!("no setting {name:?}; there is: {}{hint}", list()))
    })?;
    let now = engine.now();
    let (mut old, mut already) = (String::new(), false);
    let connection = change(engine, id, |connection| {
        let before = (connection.settings.clone(), connection.active_sync);
        old = word(connection, name);
        apply(connection, (name, value), now)?
            .ok_or_else(|| Fault::usage("config.invalid", format!("{name} {value:?}: give {values}")))?;
        already = before == (connection.settings.clone(), connection.active_sync);
        Ok(!already)
    })
    .await?;
    let (new, effect) = (word(&connection, name), effect(&connection, name));
    Ok(Set { connection, name, old, new, already, effect })
}

fn list() -> String {
    SETTINGS.map(|(name, values)| format!("{name} ({values})")).join(", ")
}

/// None for a value that is none of the setting's.
fn apply(
    connection: &mut Connection,
    (name, value): (&str, &str),
    now: Timestamp,
) -> Result<Option<()>, Fault> {
    let zone = connection.location.timezone.clone();
    let settings = &mut connection.settings;
    match (name, value) {
        ("history", _) => {
            let from = history_from(value, &zone, now)?;
            if settings.history_from != from {
                // It was counted for another time.
                connection.counted = None;
            }
            settings.history_from = from;
            value.clone_into(&mut settings.history);
        }
        ("live_hours", "24") => settings.live_hours = 24,
        ("live_hours", "0") => settings.live_hours = 0,
        ("customers", "all") => settings.customers = WhichCustomers::All,
        ("customers", "with_orders") => settings.customers = WhichCustomers::WithOrders,
        ("order_link", "dashboard") => settings.order_link = Link::Dashboard,
        ("order_link", "receipt") => settings.order_link = Link::Receipt,
        ("orders_without_customer", "skip") => settings.orders_without_customer = Unnamed::Skip,
        ("orders_without_customer", "by_email") => settings.orders_without_customer = Unnamed::ByEmail,
        ("active_sync", "on") => {
            if !connection.active_sync {
                connection.next_sync = Some(now);
            }
            connection.active_sync = true;
        }
        ("active_sync", "off") => connection.active_sync = false,
        _ => return Ok(None),
    }
    Ok(Some(()))
}

fn word(connection: &Connection, name: &str) -> String {
    let settings = &connection.settings;
    match name {
        "history" => settings.history.clone(),
        "live_hours" => settings.live_hours.to_string(),
        "customers" => match settings.customers {
            WhichCustomers::All => "all".into(),
            WhichCustomers::WithOrders => "with_orders".into(),
        },
        "order_link" => match settings.order_link {
            Link::Dashboard => "dashboard".into(),
            Link::Receipt => "receipt".into(),
        },
        "orders_without_customer" => match settings.orders_without_customer {
            Unnamed::Skip => "skip".into(),
            Unnamed::ByEmail => "by_email".into(),
        },
        _ if connection.active_sync => "on".into(),
        _ => "off".into(),
    }
}

fn effect(connection: &Connection, name: &str) -> String {
    let settings = &connection.settings;
    match name {
        "history" => {
            let from = settings.history_from.map_or("of any age".into(), |from| format!("made from {from} on"));
            format!(
                "Orders {from} are sent; what was sent before stays. Those no run has read yet are read when the \
                 history is started again."
            )
        }
        "live_hours" if settings.live_hours == 0 => {
            "From the next run that somebody starts on, no order of such a run starts an automation; polls of the \
             schedule are as before. What was decided for an order stays."
                .into()
        }
        "live_hours" => {
            "From the next run on, an order starts automations if it is at most 24 hours old when it is first sent. \
             What was decided for an order stays."
                .into()
        }
        "customers" => match settings.customers {
            WhichCustomers::All => {
                "From the next run on all the shop's customers become contacts; starting the history again reads them."
            }
            WhichCustomers::WithOrders => {
                "From the next run on only people with an order become contacts. Contacts that are there stay."
            }
        }
        .into(),
        "order_link" => {
            "With the next write of an order; starting the history again with force sends all again.".into()
        }
        "orders_without_customer" => {
            "From the next time an order is read; starting the history again reads all of them.".into()
        }
        _ if connection.active_sync => "It is polled by itself from now on.".into(),
        _ => "It is no longer polled by itself; `poll` still reads what changed.".into(),
    }
}
