//! Conditions as expressions of the service.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use tillsync_engine::ports::Condition;

use super::row::{EXP, REV, number};

/// That a row has not expired. `ttl` would be a reserved word; a placeholder serves all names alike.
pub(super) const ALIVE: &str = "(attribute_not_exists(#exp) OR #exp > :now)";

/// An expression with what its placeholders stand for. The service refuses a placeholder that is not used.
pub(super) struct Expression {
    pub(super) text: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

/// What must hold of the row. An expired one that is still there counts as gone.
pub(super) fn condition(when: Condition, now: Timestamp) -> Expression {
    let mut names = HashMap::from([("#exp".to_owned(), EXP.to_owned())]);
    let mut values = HashMap::from([(":now".to_owned(), number(now.as_microsecond()))]);
    let text = match when {
        Condition::Absent => "attribute_not_exists(pk) OR #exp <= :now".to_owned(),
        Condition::Rev(rev) => {
            names.insert("#rev".to_owned(), REV.to_owned());
            values.insert(":rev".to_owned(), number(rev));
            format!("#rev = :rev AND {ALIVE}")
        }
    };
    Expression { text, names, values }
}

/// The revision a row has after a write under this condition.
pub(super) fn next_rev(when: Condition) -> u64 {
    match when {
        Condition::Absent => 1,
        // The largest revision is none that a row has, so its condition fails anyway.
        Condition::Rev(rev) => rev.saturating_add(1),
    }
}

/// Whether the condition holds for what was read.
pub(super) fn holds(when: Condition, found: Option<u64>) -> bool {
    match when {
        Condition::Absent => found.is_none(),
        Condition::Rev(rev) => found == Some(rev),
    }
}
