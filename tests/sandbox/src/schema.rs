//! Validation against the OpenAPI 3.0 file: the keywords that file uses, and no member it does not name.

use serde_json::Value;

use crate::clock;

/// Schemas refer to each other in circles (catalogue objects); data that deep is refused instead.
const DEPTH: usize = 64;

/// One thing wrong with a value, in Square's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) field: String,
    pub(crate) detail: String,
}

impl Problem {
    pub(crate) fn new(code: &'static str, field: &str, detail: impl Into<String>) -> Self {
        Self { code, field: field.to_owned(), detail: detail.into() }
    }
}

/// A validator over one document of schemas.
pub(crate) struct Validator<'a> {
    root: &'a Value,
    problems: Vec<Problem>,
}

impl<'a> Validator<'a> {
    /// Everything wrong with `value` as a `schema`.
    pub(crate) fn check(root: &'a Value, schema: &'a Value, value: &Value) -> Vec<Problem> {
        Self::check_at(root, schema, value, "")
    }

    pub(crate) fn check_at(root: &'a Value, schema: &'a Value, value: &Value, field: &str) -> Vec<Problem> {
        let mut validator = Self { root, problems: Vec::new() };
        validator.visit(schema, value, field, DEPTH);
        validator.problems
    }

    fn problem(&mut self, code: &'static str, field: &str, detail: impl Into<String>) {
        self.problems.push(Problem::new(code, field, detail));
    }

    fn visit(&mut self, schema: &'a Value, value: &Value, field: &str, depth: usize) {
        if depth == 0 {
            return self.problem("INVALID_VALUE", field, "nested too deeply");
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let Some(target) = self.root.pointer(reference.trim_start_matches('#')) else {
                return self.problem("INVALID_VALUE", field, "no such schema");
            };
            return self.visit(target, value, field, depth - 1);
        }
        if value.is_null() {
            if schema.get("nullable") != Some(&Value::Bool(true)) {
                self.problem("INVALID_VALUE", field, "null is not allowed here");
            }
            return;
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.visit(part, value, field, depth - 1);
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => self.object(schema, value, field, depth),
            Some("array") => self.array(schema, value, field, depth),
            Some("string") => self.string(schema, value, field),
            Some("integer") => self.integer(schema, value, field),
            Some("boolean") if !value.is_boolean() => {
                self.problem("EXPECTED_BOOLEAN", field, "expected a boolean")
            }
            Some("number") if !value.is_number() => {
                self.problem("EXPECTED_FLOAT", field, "expected a number")
            }
            _ => {}
        }
    }

    fn object(&mut self, schema: &'a Value, value: &Value, field: &str, depth: usize) {
        let Some(members) = value.as_object() else {
            return self.problem("EXPECTED_OBJECT", field, "expected an object");
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        let further = schema.get("additionalProperties");
        for (name, member) in members {
            let inner = join(field, name);
            match (properties.and_then(|p| p.get(name)), further) {
                (Some(known), _) => self.visit(known, member, &inner, depth - 1),
                (None, Some(further)) if further.is_object() => {
                    self.visit(further, member, &inner, depth - 1)
                }
                (None, Some(Value::Bool(true))) => {}
                // An object without any named member is a free form.
                (None, None) if properties.is_none() => {}
                _ => self.problem("UNKNOWN_BODY_PARAMETER", &inner, "not a member of this object"),
            }
        }
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            if !members.contains_key(name) {
                self.problem("MISSING_REQUIRED_PARAMETER", &join(field, name), "missing");
            }
        }
    }

    fn array(&mut self, schema: &'a Value, value: &Value, field: &str, depth: usize) {
        let Some(items) = value.as_array() else {
            return self.problem("EXPECTED_ARRAY", field, "expected an array");
        };
        if let Some(of) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.visit(of, item, &format!("{field}[{index}]"), depth - 1);
            }
        }
    }

    fn string(&mut self, schema: &'a Value, value: &Value, field: &str) {
        let Some(text) = value.as_str() else {
            return self.problem("EXPECTED_STRING", field, "expected a string");
        };
        let length = text.chars().count() as u64;
        if schema.get("maxLength").and_then(Value::as_u64).is_some_and(|max| length > max) {
            self.problem("VALUE_TOO_LONG", field, "too long");
        }
        if schema.get("minLength").and_then(Value::as_u64).is_some_and(|min| length < min) {
            self.problem("VALUE_TOO_SHORT", field, "too short");
        }
        if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
            && !allowed.iter().any(|a| a.as_str() == Some(text))
        {
            self.problem("INVALID_ENUM_VALUE", field, format!("`{text}` is not a valid enum value"));
        }
        if is_time(field) && clock::parse(text).is_none() {
            self.problem("INVALID_TIME", field, "not RFC 3339");
        }
    }

    fn integer(&mut self, schema: &'a Value, value: &Value, field: &str) {
        let Some(number) = value.as_i64() else {
            return self.problem("EXPECTED_INTEGER", field, "expected an integer");
        };
        if schema.get("minimum").and_then(Value::as_i64).is_some_and(|min| number < min) {
            self.problem("VALUE_TOO_LOW", field, "too low");
        }
        if schema.get("maximum").and_then(Value::as_i64).is_some_and(|max| number > max) {
            self.problem("VALUE_TOO_HIGH", field, "too high");
        }
    }
}

/// The file types times as strings; their names tell them apart.
pub(crate) fn is_time(field: &str) -> bool {
    let name = field.rsplit(['.', ']']).next().unwrap_or(field);
    name.ends_with("_at") || name.ends_with("_time")
}

fn join(field: &str, name: &str) -> String {
    if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") }
}
