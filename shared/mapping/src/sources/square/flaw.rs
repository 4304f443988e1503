//! A record that does not have the promised form: where it went wrong, and what can still be said of it.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::wire::Text;

/// Where in a record reading stopped: field names and positions, never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw(String);

impl Flaw {
    pub(crate) fn at(place: impl Into<String>) -> Self {
        Self(place.into())
    }

    /// The same place, seen from one level up.
    pub(crate) fn within(self, outer: &str) -> Self {
        Self(if self.0.is_empty() { outer.to_owned() } else { format!("{outer}.{}", self.0) })
    }

    pub(crate) fn place(self) -> String {
        if self.0.is_empty() { "record".to_owned() } else { self.0 }
    }
}

/// Reads one record by itself.
pub(crate) fn parse<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<T, Flaw> {
    serde_json::from_str(raw).map_err(|error| Flaw(path_to(raw, offset(raw, error.line(), error.column()))))
}

/// What every record has, read so leniently that one odd field does not hide the others.
#[derive(Deserialize)]
struct Glimpse<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    location_id: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    updated_at: Option<&'a RawValue>,
}

/// What can be told of a record that could not be read.
pub(crate) struct Remains {
    pub(crate) id: String,
    pub(crate) location: Option<String>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) updated: Option<Timestamp>,
}

/// Looks for an id and the times. Without an id the record is named after its own bytes, so that the same
/// unreadable record has the same name each time it is seen.
pub(crate) fn remains(raw: &str) -> Remains {
    let text = |field: Option<&RawValue>| {
        field
            .and_then(|field| serde_json::from_str::<Text<'_>>(field.get()).ok())
            .map(|text| text.to_string())
    };
    let time = |field: Option<&RawValue>| field.and_then(|field| serde_json::from_str(field.get()).ok());
    let glimpse: Option<Glimpse<'_>> = serde_json::from_str(raw).ok();
    let id = glimpse.as_ref().and_then(|seen| text(seen.id)).filter(|id| !id.is_empty());
    Remains {
        id: id.unwrap_or_else(|| format!("unreadable-{}", fingerprint(raw))),
        location: glimpse.as_ref().and_then(|seen| text(seen.location_id)),
        created: glimpse.as_ref().and_then(|seen| time(seen.created_at)),
        updated: glimpse.as_ref().and_then(|seen| time(seen.updated_at)),
    }
}

fn fingerprint(raw: &str) -> String {
    let digest = Sha256::digest(raw.as_bytes());
    hex::encode(digest.get(..6).unwrap_or_default())
}

/// serde_json counts lines and columns; columns are bytes.
fn offset(raw: &str, line: usize, column: usize) -> usize {
    let before: usize = raw.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before.saturating_add(column).min(raw.len())
}

/// A container the walk is inside of.
enum Level<'a> {
    Object { key: &'a str, awaits_key: bool },
    Array { index: usize },
}

/// The path to a byte, as `line_items[3].quantity`. Walks the text once, as only failures need it.
fn path_to(raw: &str, end: usize) -> String {
    let bytes = raw.as_bytes();
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut at = 0;
    while at < end {
        match bytes.get(at) {
            Some(b'{') => levels.push(Level::Object { key: "", awaits_key: true }),
            Some(b'[') => levels.push(Level::Array { index: 0 }),
            Some(b'}' | b']') => drop(levels.pop()),
            Some(b':') => {
                if let Some(Level::Object { awaits_key, .. }) = levels.last_mut() {
                    *awaits_key = false;
                }
            }
            Some(b',') => match levels.last_mut() {
                Some(Level::Object { awaits_key, .. }) => *awaits_key = true,
                Some(Level::Array { index }) => *index += 1,
                None => {}
            },
            Some(b'"') => {
                let close = string_end(bytes, at);
                if let Some(Level::Object { key, awaits_key: true }) = levels.last_mut() {
                    *key = raw.get(at + 1..close).unwrap_or("?");
                }
                at = close;
            }
            _ => {}
        }
        at += 1;
    }
    spell(&levels)
}

/// The position of the closing quote.
fn string_end(bytes: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn spell(levels: &[Level<'_>]) -> String {
    let mut path = String::new();
    for level in levels {
        match level {
            Level::Array { index } => path.push_str(&format!("[{index}]")),
            Level::Object { key: "", .. } => {}
            Level::Object { key, .. } => {
                if !path.is_empty() {
                    path.push('.');
                }
                // A key that is no field name could be a value of somebody's making.
                let plain = key.len() <= 40
                    && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
                path.push_str(if plain { key } else { "?" });
            }
        }
    }
    path
}
