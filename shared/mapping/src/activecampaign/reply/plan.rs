//! What the account's plan includes. The call is undocumented and so is the shape of its answer; known are
//! codes in it (activecampaign.md section 1.1), so they are looked for wherever they may stand.

use serde_json::Value;

use super::Refusal;
use super::refuse::rest;
use crate::http::Response;

/// Codes of a plan that takes orders.
const ECOMMERCE: [&str; 2] = ["ecommerce", "ecom-core"];
/// Members by which a feature may be switched off.
const SWITCHES: [&str; 5] = ["enabled", "active", "available", "allowed", "value"];
/// How deep the answer is looked into.
const MAX_DEPTH: u32 = 6;

/// Whether the plan has e-commerce; none when the account does not say. An account that does not know the
/// call, or does not let this user see it, says nothing: the key is proved elsewhere.
///
/// # Errors
/// The refusal.
pub fn has_ecommerce(response: &Response) -> Result<Option<bool>, Refusal> {
    match rest(response) {
        Ok(body) => {
            let mut features = Vec::new();
            collect(&body, true, MAX_DEPTH, &mut features);
            let granted = features.iter().any(|(name, on)| *on && ECOMMERCE.contains(name));
            Ok((!features.is_empty()).then_some(granted))
        }
        Err(Refusal::Key | Refusal::NotFound | Refusal::Rejected(_)) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// Collects features and whether they are on: texts of a list, members of its objects, and members that are
/// switches. A text that stands alone is no feature.
fn collect<'a>(value: &'a Value, on: bool, depth: u32, features: &mut Vec<(&'a str, bool)>) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Array(entries) => {
            for entry in entries {
                match entry {
                    Value::String(name) => features.push((name, on)),
                    Value::Object(members) => {
                        let names = members.values().filter_map(Value::as_str);
                        features.extend(names.map(|name| (name, on && !is_off(entry))));
                    }
                    _ => {}
                }
                collect(entry, on && !is_off(entry), depth - 1, features);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let known = ECOMMERCE.contains(&name.as_str());
                if known || member.is_boolean() {
                    features.push((name, on && !is_off(member)));
                }
                collect(member, on && !is_off(member), depth - 1, features);
            }
        }
        _ => {}
    }
}

/// A switch that is off, or an object that holds one.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => matches!(text.as_str(), "" | "0" | "false"),
        Value::Object(members) => {
            SWITCHES.iter().any(|name| members.get(*name).is_some_and(|member| member == &Value::Bool(false)))
        }
        _ => false,
    }
}
