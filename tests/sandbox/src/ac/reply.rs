//! The error shapes of the REST side; both published ones are used.

use serde_json::{Value, json};

use crate::http::Reply;

pub(crate) fn forbidden() -> Reply {
    Reply::json(403, &json!({"message": "Forbidden"}))
}

pub(crate) fn errors(status: u16, title: &str, detail: &str) -> Reply {
    Reply::json(status, &json!({"errors": [{"status": status, "title": title, "detail": detail}]}))
}

pub(crate) fn bad_request() -> Reply {
    Reply::json(400, &json!({"errors": [{"status": 400, "title": "Bad Request"}]}))
}

pub(crate) fn not_found(message: &str) -> Reply {
    Reply::json(404, &json!({"message": message}))
}

pub(crate) fn no_result(model: &str, id: &str) -> Reply {
    not_found(&format!("No Result found for {model} with id {id}"))
}

pub(crate) fn unprocessable(title: &str, code: &str, field: &str) -> Reply {
    let mut error = json!({"title": title, "detail": "", "code": code,
        "source": {"pointer": format!("/data/attributes/{field}")}});
    if code == "email_invalid" {
        error["error"] = Value::from("must_be_valid_email_address");
    }
    Reply::json(422, &json!({"errors": [error]}))
}

/// A string member that is really there.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
