//! An operator's event: told apart by its action, refused by name where it cannot be understood.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fault::Fault;
use crate::nearest::{hint, nearest};

pub(super) use super::connecting::{Connect, ConnectSigned, SignIn};

/// The longest text in an event: names, ids, reasons. Nothing an operator types is longer.
const MAX_TEXT: usize = 500;

/// Every action, with the members it takes.
const ACTIONS: &[(&str, &[&str])] = &[
    ("help", &[]),
    ("locations", &["source"]),
    ("connect", &["source", "name", "location", "destination_url", "history", "connection_type", "start"]),
    ("sign_in", &["source", "connection", "draft"]),
    (
        "connect_oauth",
        &[
            "draft",
            "name",
            "location",
            "destination_url",
            "history",
            "connection_type",
            "customer_id",
            "active_sync",
            "start",
        ],
    ),
    ("list", &[]),
    ("start", &["connection", "streams", "from", "to", "limit", "force", "dry_run"]),
    ("status", &["connection"]),
    ("cancel", &["connection"]),
    ("resume", &["connection"]),
    ("poll", &["connection"]),
    ("reconcile", &["connection", "from", "to", "repair"]),
    ("comparison", &["connection"]),
    ("sync", &["connection"]),
    ("retry", &["connection", "id"]),
    // The name it had in the first plans of events.
    ("retry_failed", &["connection", "id"]),
    ("runs", &["connection"]),
    ("record", &["connection", "stream", "id"]),
    ("pause", &["connection"]),
    ("unpause", &["connection"]),
    ("rename", &["connection", "name"]),
    ("set", &["connection", "setting", "value"]),
    ("disconnect", &["connection"]),
    ("reconnect", &["connection"]),
    ("delete_import", &["connection"]),
    ("erase", &["connection", "store", "address"]),
    ("set_destination", &["connection", "destination_url"]),
    ("find", &["text"]),
    ("preview", &["connection", "order"]),
    ("doctor", &["offline"]),
    ("rotate_key", &[]),
    ("explain", &["code"]),
];
/// For the operator's own record; every action takes it.
const REASON: &str = "reason";
/// Parts of names people give to secrets, which have no place in an event: services keep events.
const SECRETS: &[&str] = &["token", "key", "secret", "password", "credential", "tillsync_"];

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// What there is to ask for.
    Help,
    /// The locations a token shows.
    Locations(OfSource),
    /// A connection.
    Connect(Connect),
    /// A link for a browser that is to sign in at a source.
    SignIn(SignIn),
    /// A connection of a draft that somebody signed in for.
    ConnectSigned(ConnectSigned),
    /// All connections.
    List,
    /// A history.
    Start(Start),
    /// How far it is.
    Status(Of),
    /// No further.
    Cancel(Of),
    /// Further.
    Resume(Of),
    /// What changed.
    Poll(Of),
    /// A comparison of both sides.
    Reconcile(Compare),
    /// What the newest comparison found.
    Comparison(Of),
    /// What changed, the last days once more, and what is parked.
    Sync(Of),
    /// What is parked, or one record.
    Retry(Again),
    /// The runs of a connection.
    Runs(Of),
    /// One record.
    Record(OneRecord),
    /// Nothing is read or sent any more.
    Pause(Of),
    /// It is again.
    Unpause(Of),
    /// Another name.
    Rename(Rename),
    /// A setting.
    Set(SetOne),
    /// The end of a connection.
    Disconnect(Of),
    /// Its beginning again.
    Reconnect(Of),
    /// Its end, and out of every list.
    DeleteImport(Of),
    /// Another key or address of the account.
    SetDestination(Moving),
    /// A person is to be forgotten.
    Erase(Erase),
    /// Records by what is known of them.
    Find(Find),
    /// What a history would send.
    Preview(Preview),
    /// What is well and what is not.
    Doctor(Doctor),
    /// Everything sealed anew with the newest data key.
    RotateKey,
    /// What a code means.
    Explain(OfCode),
}

/// Whether an event is one of an operator's at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is, and can be understood.
    Asked(Asked),
    /// It is none: it has no action.
    NotOurs,
}

/// Names a source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OfSource {
    pub(super) source: String,
}

/// Names a connection, by id or name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Of {
    pub(super) connection: String,
}

/// Names a code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OfCode {
    pub(super) code: String,
}

/// Names a record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OneRecord {
    pub(super) connection: String,
    pub(super) stream: String,
    pub(super) id: String,
}

/// Names what is to be tried again: all that is parked, or one record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Again {
    pub(super) connection: String,
    pub(super) id: Option<String>,
}

/// Names a connection anew.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Rename {
    pub(super) connection: String,
    pub(super) name: String,
}

/// Sets one setting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SetOne {
    pub(super) connection: String,
    pub(super) setting: String,
    pub(super) value: Value,
}

/// Gives the account of a connection another key, from the secret, or another address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Moving {
    pub(super) connection: String,
    pub(super) destination_url: Option<String>,
}

/// Looks for records. What is looked for names a person, maybe: it is not printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Find {
    pub(super) text: String,
}

impl std::fmt::Debug for Find {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Find([personal])")
    }
}

/// Forgets a person of a store. Who it is, is not printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Erase {
    pub(super) connection: Option<String>,
    pub(super) store: Option<String>,
    pub(super) address: String,
}

impl std::fmt::Debug for Erase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Erase({:?}, {:?}, [personal])", self.connection, self.store)
    }
}

/// Looks at what would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Preview {
    pub(super) connection: String,
    pub(super) order: Option<String>,
}

/// Looks whether all is well.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Doctor {
    #[serde(default)]
    pub(super) offline: bool,
}

/// A comparison to be made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Compare {
    pub(super) connection: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    #[serde(default)]
    pub(super) repair: bool,
}

/// A history to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Start {
    pub(super) connection: String,
    pub(super) streams: Option<Vec<String>>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) limit: Option<std::num::NonZeroU64>,
    #[serde(default)]
    pub(super) force: bool,
    #[serde(default)]
    pub(super) dry_run: bool,
}

impl Asked {
    /// Whether it asks only what there is to ask.
    #[must_use]
    pub fn is_help(&self) -> bool {
        *self == Self::Help
    }
}

impl Known {
    /// Understands an event. Nothing, `{}` and the service console's own sample (`key1` ...) ask for help.
    ///
    /// # Errors
    /// `event.invalid` names what is wrong, with the nearest valid name.
    pub fn read(event: &Value) -> Result<Self, Fault> {
        let Some(members) = event.as_object() else {
            return if event.is_null() { Ok(Self::Asked(Asked::Help)) } else { Ok(Self::NotOurs) };
        };
        if members.is_empty() || members.keys().all(|name| matches!(name.as_str(), "key1" | "key2" | "key3"))
        {
            return Ok(Self::Asked(Asked::Help));
        }
        let Some(action) = members.get("action") else {
            let near = members.keys().find(|name| nearest(name, ["action"]).is_some());
            return match near {
                Some(name) => Err(invalid(format!("no member {name:?}; did you mean \"action\"?"))),
                None => Ok(Self::NotOurs),
            };
        };
        let named = || ACTIONS.iter().map(|(action, _)| *action);
        let Some(action) = action.as_str() else {
            return Err(invalid(format!("action: give one of {}", named().collect::<Vec<_>>().join(", "))));
        };
        let Some((action, takes)) = ACTIONS.iter().find(|(known, _)| *known == action) else {
            let all = named().collect::<Vec<_>>().join(", ");
            let shown: String = action.chars().take(60).collect();
            return Err(invalid(format!("no action {shown:?}; there is: {all}{}", hint(action, named()))));
        };
        for (name, value) in members {
            check(action, takes, name, value)?;
        }
        let asked = match *action {
            "locations" => Asked::Locations(members_of(action, event)?),
            "connect" => Asked::Connect(members_of(action, event)?),
            "sign_in" => Asked::SignIn(members_of(action, event)?),
            "connect_oauth" => Asked::ConnectSigned(members_of(action, event)?),
            "list" => Asked::List,
            "start" => Asked::Start(members_of(action, event)?),
            "status" => Asked::Status(members_of(action, event)?),
            "cancel" => Asked::Cancel(members_of(action, event)?),
            "resume" => Asked::Resume(members_of(action, event)?),
            "poll" => Asked::Poll(members_of(action, event)?),
            "reconcile" => Asked::Reconcile(members_of(action, event)?),
            "comparison" => Asked::Comparison(members_of(action, event)?),
            "sync" => Asked::Sync(members_of(action, event)?),
            "retry" | "retry_failed" => Asked::Retry(members_of(action, event)?),
            "runs" => Asked::Runs(members_of(action, event)?),
            "record" => Asked::Record(members_of(action, event)?),
            "pause" => Asked::Pause(members_of(action, event)?),
            "unpause" => Asked::Unpause(members_of(action, event)?),
            "rename" => Asked::Rename(members_of(action, event)?),
            "set" => Asked::Set(members_of(action, event)?),
            "disconnect" => Asked::Disconnect(members_of(action, event)?),
            "reconnect" => Asked::Reconnect(members_of(action, event)?),
            "delete_import" => Asked::DeleteImport(members_of(action, event)?),
            "set_destination" => Asked::SetDestination(members_of(action, event)?),
            "erase" => Asked::Erase(members_of(action, event)?),
            "find" => Asked::Find(members_of(action, event)?),
            "preview" => Asked::Preview(members_of(action, event)?),
            "doctor" => Asked::Doctor(members_of(action, event)?),
            "rotate_key" => Asked::RotateKey,
            "explain" => Asked::Explain(members_of(action, event)?),
            _ => Asked::Help,
        };
        Ok(Self::Asked(asked))
    }
}

fn invalid(detail: String) -> Fault {
    Fault::usage("event.invalid", detail)
}

fn check(action: &str, takes: &[&str], name: &str, value: &Value) -> Result<(), Fault> {
    let small = name.to_lowercase();
    let is_known = name == "action" || name == REASON || takes.contains(&name);
    let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    if !is_known && SECRETS.iter().any(|part| small.contains(part)) {
        return Err(Fault::usage(
            "event.secret",
            format!("{shown}: a secret has no place in an event; put it into the stack's secret"),
        ));
    }
    if !is_known {
        let all = if takes.is_empty() { "none".to_owned() } else { takes.join(", ") };
        let hint = hint(name, takes.iter().copied());
        return Err(invalid(format!("{action} takes no member {shown:?}; it takes: {all}{hint}")));
    }
    if value.as_str().is_some_and(|text| text.chars().count() > MAX_TEXT) {
        return Err(invalid(format!("{name}: longer than {MAX_TEXT} letters")));
    }
    Ok(())
}

fn members_of<T: DeserializeOwned>(action: &str, event: &Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(event).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { action.to_owned() } else { format!("{action}: {path}") };
        invalid(format!("{place}: {}", error.inner()))
    })
}
