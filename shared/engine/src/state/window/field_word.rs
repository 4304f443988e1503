//! The time a window selects on, in a word.

use serde::{Deserialize, Deserializer, Serializer};
use tillsync_mapping::source::Field;

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
pub(super) fn serialize<S: Serializer>(field: &Field, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match field {
        Field::Created => "created",
        Field::Updated => "updated",
    })
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Field, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "created" => Ok(Field::Created),
        "updated" => Ok(Field::Updated),
        _ => Err(serde::de::Error::custom("created or updated")),
    }
}
