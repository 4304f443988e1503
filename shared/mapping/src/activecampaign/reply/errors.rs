//! What the `errors` of GraphQL say (activecampaign.md section 4.7).

use serde_json::Value;

use super::Refusal;
use super::refuse::one;
use super::text::{clean, member, of_value};

/// The status GraphQL failures come with.
const OK: u16 = 200;

/// The refusal that `errors` tell: records by name first, as they can be dropped and the rest sent again.
pub(super) fn refusal(errors: &[Value], sent: &[&str]) -> Refusal {
    let records = named_records(errors, sent);
    if !records.is_empty() {
        return Refusal::Records(records);
    }
    if errors.iter().filter_map(|error| member(error, "message")).any(is_too_large) {
        return Refusal::TooLarge;
    }
    let said = errors.iter().map(one).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
    let text = clean(if said.is_empty() { "no reason given" } else { &said });
    if errors.iter().any(is_of_the_schema) {
        Refusal::Schema(text)
    } else if errors.iter().filter_map(|error| member(error, "message")).any(is_their_fault) {
        Refusal::Unavailable(OK)
    } else {
        Refusal::Batch(text)
    }
}

/// `More than 15,000 'grammar' tokens have been presented`, in older words without comma and quotes.
fn is_too_large(message: &str) -> bool {
    message.starts_with("More than 15") && message.contains("grammar")
}

/// A failure of the other side, which says nothing about the records: taking it for a refusal of one of them
/// would park good orders one after the other.
fn is_their_fault(message: &str) -> bool {
    let message = message.to_lowercase();
    ["internal", "timeout", "timed out", "unavailable", "try again"].iter().any(|word| message.contains(word))
}

/// Places in our document, said before anything ran. An error of a field that did run carries its `path` too:
/// that one is about the data.
fn is_of_the_schema(error: &Value) -> bool {
    let filled = |name| error.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    filled("locations") && !filled("path")
}

/// The records of `sent` that the errors name, in the order of the answer, each once.
fn named_records(errors: &[Value], sent: &[&str]) -> Vec<(String, String)> {
    let mut longest_first = sent.to_vec();
    longest_first.sort_by_key(|id| std::cmp::Reverse(id.len()));
    let mut named: Vec<(String, String)> = Vec::new();
    for (key, value) in errors.iter().filter_map(|error| error.get("extensions")?.as_object()).flatten() {
        let Some(id) = id_in(key, &longest_first) else {
            continue;
        };
        let text = clean(&of_value(value));
        match named.iter_mut().find(|(known, _)| known == id) {
            Some((_, said)) => *said = clean(&format!("{said}; {text}")),
            None => named.push((id.to_owned(), text)),
        }
    }
    named
}

/// Shortest id that is believed without a border around it.
const MIN_UNBORDERED: usize = 8;

/// The id a key such as `{n}-storeOrderId-{id}...` names. Ids may hold hyphens, so it is looked up among those
/// sent, longest first, and must end where a word ends: `10` is not named by `100`. Nothing named is better
/// than the wrong one: the batch is then halved until the record is alone.
fn id_in<'a>(key: &str, longest_first: &[&'a str]) -> Option<&'a str> {
    let rest = ["storeOrderId-", "storePrimaryId-"]
        .iter()
        .find_map(|marker| key.split_once(marker))
        .map_or(key, |(_, rest)| rest);
    let first =
        |fits: &dyn Fn(&str) -> bool| longest_first.iter().copied().find(|id| !id.is_empty() && fits(id));
    first(&|id| rest.strip_prefix(id).is_some_and(ends_a_word))
        .or_else(|| first(&|id| rest.match_indices(id).any(|(at, _)| stands_alone(rest, at, id.len()))))
        .or_else(|| first(&|id| id.len() >= MIN_UNBORDERED && rest.contains(id)))
}

fn stands_alone(text: &str, at: usize, length: usize) -> bool {
    !text[..at].chars().next_back().is_some_and(char::is_alphanumeric) && ends_a_word(&text[at + length..])
}

fn ends_a_word(rest: &str) -> bool {
    !rest.chars().next().is_some_and(char::is_alphanumeric)
}
