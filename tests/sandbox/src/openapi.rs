//! The published description of the Square API, and the operation a request belongs to.

use std::sync::LazyLock;

use serde_json::Value;

use crate::schema::{Problem, Validator, is_time};

static FILE: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/square-openapi.json")).unwrap_or(Value::Null)
});

/// The whole document.
pub(crate) fn document() -> &'static Value {
    &FILE
}

/// An operation of the document, found by method and path.
pub(crate) struct Operation {
    pub(crate) id: &'static str,
    spec: &'static Value,
    /// Values of the path's parameters, in order.
    pub(crate) path: Vec<String>,
}

/// The operation of a request; a literal path goes before one with parameters.
pub(crate) fn find(method: &str, path: &str) -> Option<Operation> {
    let method = method.to_ascii_lowercase();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let mut best: Option<(usize, Operation)> = None;
    for (template, item) in FILE.get("paths").and_then(Value::as_object).into_iter().flatten() {
        let Some(spec) = item.get(&method) else { continue };
        let Some(parameters) = fit(template, &segments) else {
            continue;
        };
        let id = spec.get("operationId").and_then(Value::as_str).unwrap_or_default();
        if best.as_ref().is_none_or(|(least, _)| parameters.len() < *least) {
            best = Some((parameters.len(), Operation { id, spec, path: parameters }));
        }
    }
    best.map(|(_, operation)| operation)
}

/// Whether any method of the document has this path.
pub(crate) fn knows(path: &str) -> bool {
    ["GET", "POST", "PUT", "DELETE"].iter().any(|method| find(method, path).is_some())
}

fn fit(template: &str, segments: &[&str]) -> Option<Vec<String>> {
    let parts: Vec<&str> = template.trim_start_matches('/').split('/').collect();
    if parts.len() != segments.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (part, segment) in parts.iter().zip(segments) {
        if part.starts_with('{') && !segment.is_empty() {
            parameters.push((*segment).to_owned());
        } else if part != segment {
            return None;
        }
    }
    Some(parameters)
}

impl Operation {
    /// The scopes the document asks for.
    pub(crate) fn scopes(&self) -> Vec<&'static str> {
        let security = self.spec.get("security").and_then(Value::as_array).into_iter().flatten();
        security.filter_map(|s| s.get("oauth2")?.as_array()).flatten().filter_map(Value::as_str).collect()
    }

    /// Everything wrong with the query, by name and by type.
    pub(crate) fn check_query(&self, query: &[(String, String)]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let known: Vec<&Value> = self
            .spec
            .get("parameters")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|p| p.get("in").and_then(Value::as_str) == Some("query"))
            .collect();
        for (index, (name, text)) in query.iter().enumerate() {
            let Some(parameter) = known.iter().find(|p| p.get("name").and_then(Value::as_str) == Some(name))
            else {
                problems.push(Problem::new(
                    "UNKNOWN_QUERY_PARAMETER",
                    name,
                    "not a parameter of this operation",
                ));
                continue;
            };
            if query.iter().take(index).any(|(n, _)| n == name) {
                problems.push(Problem::new("CONFLICTING_PARAMETERS", name, "given twice"));
            }
            problems.extend(check_parameter(parameter.get("schema").unwrap_or(&Value::Null), name, text));
        }
        problems
    }

    /// The body's schema, if the operation takes a body.
    pub(crate) fn body(&self) -> Option<&'static Value> {
        self.spec.pointer("/requestBody/content/application~1json/schema")
    }

    /// The schema of a successful answer.
    #[cfg(test)]
    pub(crate) fn answer(&self) -> Option<&'static Value> {
        self.spec.pointer("/responses/200/content/application~1json/schema")
    }
}

fn check_parameter(schema: &'static Value, name: &str, text: &str) -> Vec<Problem> {
    let value = match schema.get("type").and_then(Value::as_str) {
        Some("integer") => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        Some("boolean") => text.parse::<bool>().map_or_else(|_| Value::from(text), Value::from),
        _ => Value::from(text),
    };
    if is_time(name) && text.is_empty() {
        return vec![Problem::new("INVALID_TIME", name, "empty")];
    }
    Validator::check_at(document(), schema, &value, name)
}
