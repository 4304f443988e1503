//! `POST /ecom/graphql`: checked against the schema file before anything is done.

mod fields;
mod input;
mod search;
mod tokens;

use std::sync::LazyLock;

use apollo_compiler::executable::{Operation, Selection, SelectionSet};
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema, request};
use serde_json::{Map, Value, json};

use super::Context;
use super::reply::bad_request;
use crate::http::{Call, Reply};

/// None only if the schema file itself were broken, which a test would see.
static SCHEMA: LazyLock<Option<Valid<Schema>>> = LazyLock::new(|| {
    Schema::parse_and_validate(include_str!("../../../data/activecampaign-ecom.graphql"), "ecom.graphql").ok()
});

/// The field a request is about, without parsing it properly.
pub(crate) fn root_field(call: &Call) -> Option<String> {
    /// The variables may be large, and are of no interest here.
    #[derive(serde::Deserialize)]
    struct Document {
        query: String,
    }
    let document: Document = serde_json::from_slice(&call.body).ok()?;
    tokens::scan(&document.query).root_field
}

/// An error of GraphQL itself: it has places in the document, and no data beside it.
fn misfit(message: impl Into<String>, locations: Vec<Value>) -> Value {
    let locations = if locations.is_empty() { vec![json!({"line": 1, "column": 1})] } else { locations };
    json!({"message": message.into(), "locations": locations,
        "extensions": {"classification": "ValidationError"}})
}

/// A refusal by a field: the data is null.
pub(super) struct FieldError {
    message: String,
    extensions: Map<String, Value>,
}

impl FieldError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), extensions: Map::new() }
    }

    pub(super) fn validation(named: Vec<(String, String)>) -> Self {
        let extensions = named.into_iter().map(|(key, text)| (key, Value::from(text))).collect();
        Self { message: "Validation errors".to_owned(), extensions }
    }
}

impl Context<'_> {
    pub(super) fn graphql(&mut self) -> Reply {
        if self.call.body.len() > self.settings.graphql_body_bytes {
            return Reply::json(413, &json!({"message": "Request Entity Too Large"}));
        }
        let body = self.call.json().unwrap_or_default();
        let Some(query) = body.get("query").and_then(Value::as_str) else {
            return bad_request();
        };
        if tokens::scan(query).tokens > self.settings.grammar_tokens {
            let message = "More than 15,000 'grammar' tokens have been presented. \
                 To prevent Denial Of Service attacks, parsing has been cancelled.";
            return Reply::json(200, &json!({"errors": [{"message": message}]}));
        }
        match self.execute(query, &body) {
            Ok(data) => Reply::json(200, &json!({"data": data})),
            Err(errors) => Reply::json(200, &errors),
        }
    }

    fn execute(&mut self, query: &str, body: &Value) -> Result<Value, Value> {
        let Some(schema) = SCHEMA.as_ref() else {
            return Err(json!({"errors": [{"message": "no schema"}]}));
        };
        let whole = |error: Value| json!({"errors": [error]});
        let document = ExecutableDocument::parse_and_validate(schema, query, "query.graphql").map_err(
            |broken| json!({"errors": broken.errors.iter().map(|d| told(&d.to_json())).collect::<Vec<_>>()}),
        )?;
        let name = body.get("operationName").and_then(Value::as_str);
        let operation =
            document.operations.get(name).map_err(|e| whole(misfit(e.message().to_string(), Vec::new())))?;
        let variables = match body.get("variables") {
            None | Some(Value::Null) => JsonMap::default(),
            Some(sent) => serde_json::from_value(sent.clone())
                .map_err(|_| whole(misfit("variables must be an object", Vec::new())))?,
        };
        let variables = request::coerce_variable_values(schema, operation, &variables)
            .map_err(|e| whole(told(&e.to_graphql_error(&document.sources))))?;
        let variables = serde_json::to_value(variables.into_inner()).unwrap_or_default();
        self.fields(schema, &document, operation, &variables)
    }

    fn fields(
        &mut self,
        schema: &Valid<Schema>,
        document: &ExecutableDocument,
        operation: &Operation,
        variables: &Value,
    ) -> Result<Value, Value> {
        let mut data = Map::new();
        for field in operation.root_fields(document) {
            let key = field.response_key().to_string();
            let mut arguments = Map::new();
            for definition in &field.definition.arguments {
                let Some(given) = field.argument_by_name(&definition.name).ok() else {
                    continue;
                };
                let Some(value) = input::resolve(given, variables) else {
                    continue;
                };
                input::scalars(schema, &definition.ty, &value)
                    .map_err(|message| json!({"errors": [misfit(message, Vec::new())]}))?;
                arguments.insert(definition.name.to_string(), value);
            }
            let answer = self.field(field.name.as_str(), &arguments).map_err(|error| {
                let mut told = json!({"message": error.message, "path": [key]});
                if !error.extensions.is_empty() {
                    told["extensions"] = Value::Object(error.extensions);
                }
                json!({"errors": [told], "data": Value::Null})
            })?;
            data.insert(key, project(document, &field.selection_set, &answer));
        }
        Ok(Value::Object(data))
    }
}

fn told(error: &apollo_compiler::response::GraphQLError) -> Value {
    let json = serde_json::to_value(error).unwrap_or_default();
    let locations = json.get("locations").and_then(Value::as_array).cloned().unwrap_or_default();
    misfit(error.message.clone(), locations)
}

/// What of a full answer was asked for.
fn project(document: &ExecutableDocument, set: &SelectionSet, value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| project(document, set, item)).collect(),
        Value::Object(members) if !set.selections.is_empty() => {
            let mut out = Map::new();
            select(document, set, members, &mut out);
            Value::Object(out)
        }
        other => other.clone(),
    }
}

fn select(
    document: &ExecutableDocument,
    set: &SelectionSet,
    members: &Map<String, Value>,
    out: &mut Map<String, Value>,
) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) if field.name == "__typename" => {
                out.insert(field.response_key().to_string(), Value::from(set.ty.as_str()));
            }
            Selection::Field(field) => {
                let value = members.get(field.name.as_str()).unwrap_or(&Value::Null);
                out.insert(field.response_key().to_string(), project(document, &field.selection_set, value));
            }
            Selection::InlineFragment(fragment) => select(document, &fragment.selection_set, members, out),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.fragment_name) {
                    select(document, &fragment.selection_set, members, out);
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) fn scan(document: &str) -> (usize, Option<String>) {
    let scan = tokens::scan(document);
    (scan.tokens, scan.root_field)
}
