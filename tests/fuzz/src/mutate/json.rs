//! Changes of a JSON value, at one place of it.

use serde_json::{Value, json};

use crate::random::Random;

/// Members that mean something to the parsers: one takes another's place.
const NAMES: &[&str] = &[
    "id",
    "amount",
    "currency",
    "quantity",
    "created_at",
    "updated_at",
    "closed_at",
    "state",
    "status",
    "total_money",
    "refunded_money",
    "gross_sales_money",
    "net_amounts",
    "return_amounts",
    "net_amount_due_money",
    "tenders",
    "returns",
    "refunds",
    "cursor",
    "errors",
    "data",
    "email_address",
    "customer_id",
    "location_id",
    "action",
    "connection",
    "token",
    "message",
    "extensions",
];

const WORDS: &[&str] = &[
    "",
    " ",
    "0",
    "-1",
    "1.5",
    "0.350",
    "999999999999",
    "9999999999999",
    "EUR",
    "JPY",
    "KWD",
    "CLF",
    "XXX",
    "eur",
    "COMPLETED",
    "OPEN",
    "CANCELED",
    "DRAFT",
    "FAILED",
    "C1",
    "P1",
    "V1",
    "L1",
    "L2",
    "M1",
    "ann@example.org",
    "a\r\nb@example.org",
    "x@y",
    "2026-02-29T12:00:00Z",
    "2016-12-31T23:59:60Z",
    "9999-12-31T23:59:59.999999999Z",
    "1970-01-01T00:00:00+14:00",
    "\u{0}",
    "\u{202e}",
    "\u{1f4a5}",
    "kg",
    "https://example.org/",
    "javascript:0",
    "all",
    "this-year",
    "2026-01-31",
    "orders",
    "Shipping",
    "PERMANENT",
    "true",
];

const NUMBERS: &[i64] = &[
    0,
    1,
    -1,
    2,
    3,
    7,
    100,
    999,
    1_000,
    i64::MAX,
    i64::MIN,
    i64::MAX - 1,
    4_611_686_018_427_387_904,
    2_147_483_647,
    2_147_483_648,
    4_294_967_296,
    -100,
    9_007_199_254_740_993,
];

/// Changes one place. `other` is another input's value, of which a part may be taken.
pub(super) fn change(random: &mut Random, whole: &mut Value, other: Option<&Value>) {
    let nodes = count(whole);
    let source = random.below(nodes);
    let part = match other {
        Some(other) if random.once_in(2) => nth(other, random.below(count(other))),
        _ => nth(whole, source),
    };
    let part = part.cloned().unwrap_or(Value::Null);
    let mut place = random.below(nodes);
    let Some(node) = nth_mut(whole, &mut place) else { return };
    match node {
        Value::Array(list) if !random.once_in(3) => entry(random, list, part),
        Value::Object(members) if !random.once_in(3) => member(random, members, part),
        Value::Number(number) if !random.once_in(3) => {
            let near = number.as_i64().unwrap_or(0);
            *node = match random.below(6) {
                0 => json!(near.wrapping_add(1)),
                1 => json!(near.wrapping_sub(1)),
                2 => json!(near.wrapping_neg()),
                3 => json!(1.5),
                4 => json!(u64::MAX),
                _ => json!(random.pick(NUMBERS)),
            };
        }
        Value::String(text) if !random.once_in(3) => *text = spoiled(random, text),
        _ => *node = anything(random, part),
    }
}

fn anything(random: &mut Random, part: Value) -> Value {
    match random.below(9) {
        0 => Value::Null,
        1 => json!(random.once_in(2)),
        2 => json!(random.pick(NUMBERS)),
        3 | 4 => json!(random.pick(WORDS)),
        5 => json!([]),
        6 => json!({}),
        7 => (0..random.below(140)).fold(part, |inner, _| json!([inner])),
        _ => part,
    }
}

fn entry(random: &mut Random, list: &mut Vec<Value>, part: Value) {
    let at = random.below(list.len() + 1);
    match random.below(5) {
        0 if at < list.len() => drop(list.remove(at)),
        1 => list.insert(at, part),
        2 => {
            // The same again, and a good many of them now and then.
            let copies = if random.once_in(20) { 300 } else { 1 };
            let again = list.get(at).cloned().unwrap_or(part);
            list.extend(std::iter::repeat_n(again, copies));
        }
        3 => list.reverse(),
        _ => list.clear(),
    }
}

fn member(random: &mut Random, members: &mut serde_json::Map<String, Value>, part: Value) {
    let names: Vec<String> = members.keys().cloned().collect();
    let name = random.pick(&names).cloned().unwrap_or_default();
    match random.below(4) {
        0 => drop(members.remove(&name)),
        1 => drop(members.insert(name, part)),
        2 => {
            let taken = members.remove(&name).unwrap_or(part);
            let new = random.pick(NAMES).copied().unwrap_or_default();
            members.insert(new.to_owned(), taken);
        }
        _ => {
            let new = random.pick(NAMES).copied().unwrap_or_default();
            let value = anything(random, part);
            members.insert(new.to_owned(), value);
        }
    }
}

fn spoiled(random: &mut Random, text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let at = random.below(letters.len() + 1);
    let (before, after) = letters.split_at(at);
    let word = random.pick(WORDS).copied().unwrap_or_default();
    match random.below(5) {
        0 => word.to_owned(),
        1 => before.iter().collect(),
        2 => before.iter().copied().chain(word.chars()).chain(after.iter().copied()).collect(),
        3 => before.iter().chain(after.iter().skip(1)).collect(),
        _ => {
            let most = if random.once_in(30) { 400 } else { 3 };
            text.repeat(1 + random.below(most))
        }
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

fn nth(value: &Value, mut place: usize) -> Option<&Value> {
    fn walk<'a>(value: &'a Value, place: &mut usize) -> Option<&'a Value> {
        if *place == 0 {
            return Some(value);
        }
        *place -= 1;
        match value {
            Value::Array(list) => list.iter().find_map(|inner| walk(inner, place)),
            Value::Object(members) => members.values().find_map(|inner| walk(inner, place)),
            _ => None,
        }
    }
    walk(value, &mut place)
}

fn nth_mut<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(list) => list.iter_mut().find_map(|inner| nth_mut(inner, place)),
        Value::Object(members) => members.values_mut().find_map(|inner| nth_mut(inner, place)),
        _ => None,
    }
}
