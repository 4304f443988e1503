//! Places in a record, and what may stand there by mistake or malice.

use serde_json::{Value, json};

/// A word that must not be repeated to anybody.
pub(super) const MARK: &str = "Mallory@example.org";

/// A step into a value.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Member(String),
    Entry(usize),
}

/// Every place in a value, itself first.
pub(super) fn places(value: &Value) -> Vec<Vec<Step>> {
    let mut all = vec![Vec::new()];
    let mut inside = |step: Step, value: &Value| {
        for mut place in places(value) {
            place.insert(0, step.clone());
            all.push(place);
        }
    };
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| inside(Step::Member(name.clone()), value));
        }
        Value::Array(entries) => {
            entries.iter().enumerate().for_each(|(n, value)| inside(Step::Entry(n), value));
        }
        _ => {}
    }
    all
}

/// The value with something else at a place; none takes it away.
pub(super) fn changed(value: &Value, place: &[Step], other: Option<&Value>) -> Value {
    let mut whole = value.clone();
    let Some((last, way)) = place.split_last() else {
        return other.cloned().unwrap_or(Value::Null);
    };
    let holder = way.iter().fold(&mut whole, |value, step| match step {
        Step::Member(name) => &mut value[name.as_str()],
        Step::Entry(n) => &mut value[*n],
    });
    match (last, other) {
        (Step::Member(name), Some(other)) => holder[name.as_str()] = other.clone(),
        (Step::Entry(n), Some(other)) => holder[*n] = other.clone(),
        (Step::Member(name), None) => drop(holder.as_object_mut().unwrap().remove(name)),
        (Step::Entry(n), None) => drop(holder.as_array_mut().unwrap().remove(*n)),
    }
    whole
}

/// What may stand anywhere. `None` is nothing at all.
pub(super) fn oddities() -> Vec<Option<Value>> {
    let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
    let huge: Value = serde_json::from_str("1e300").unwrap();
    let odd = [
        Value::Null,
        json!(""),
        json!(" "),
        json!(MARK),
        json!("\u{0}\u{202e}\u{1f4a5}\"\\"),
        json!("x".repeat(5_000)),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        huge,
        json!("-0.00000000000000000001"),
        json!("99999999999999999999999999999999999999"),
        json!("9999-12-31T23:59:60Z"),
        json!("0000-00-00T00:00:00Z"),
        json!("2026-01-01"),
        json!(true),
        json!([]),
        json!({}),
        json!([null]),
        json!([MARK]),
        json!({MARK: MARK}),
        deep,
    ];
    std::iter::once(None).chain(odd.into_iter().map(Some)).collect()
}
