//! Words of the other side, made fit for an operator's eyes.

use serde_json::Value;

/// Longest text that is kept, in characters.
const MAX_TEXT: usize = 300;
/// Stands where an address stood.
const REMOVED: &str = "[address]";

/// One line without addresses: a refusal likes to repeat the value it refuses. Whatever holds an at sign,
/// written plainly, in its wide form or escaped for a web address, goes as a whole word.
pub(super) fn clean(text: &str) -> String {
    let mut words = Vec::new();
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        let personal = word.contains(['@', '\u{ff20}', '\u{fe6b}']) || word.contains("%40");
        let word = if personal { REMOVED } else { word };
        length += word.chars().count() + 1;
        words.push(word);
        if length > MAX_TEXT {
            break;
        }
    }
    words.join(" ").chars().take(MAX_TEXT).collect()
}

/// Text of a value that may be text, a list of texts, or something else.
pub(super) fn of_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(values) => values.iter().map(of_value).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

/// A text member, where there is one with something in it.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}
