//! Input values: variables put in their places, and the scalars the parser cannot judge.

use apollo_compiler::Schema;
use apollo_compiler::ast::{Type, Value as Literal};
use apollo_compiler::schema::ExtendedType;
use serde_json::{Map, Value};

use crate::ac::validate::decimal;
use crate::clock;

/// The JSON of an argument. None for a variable that was not given.
pub(super) fn resolve(literal: &Literal, variables: &Value) -> Option<Value> {
    Some(match literal {
        Literal::Null => Value::Null,
        Literal::Enum(name) => Value::from(name.as_str()),
        Literal::Variable(name) => return variables.get(name.as_str()).cloned(),
        Literal::String(text) => Value::from(text.as_str()),
        Literal::Boolean(flag) => Value::from(*flag),
        Literal::Int(number) => serde_json::from_str(number.as_str()).unwrap_or_default(),
        Literal::Float(number) => serde_json::from_str(number.as_str()).unwrap_or_default(),
        Literal::List(items) => items.iter().filter_map(|item| resolve(item, variables)).collect(),
        Literal::Object(members) => {
            let mut out = Map::new();
            for (name, member) in members {
                if let Some(value) = resolve(member, variables) {
                    out.insert(name.to_string(), value);
                }
            }
            Value::Object(out)
        }
    })
}

/// Decimals must be numbers and times must be RFC 3339, wherever the schema has them.
pub(super) fn scalars(schema: &Schema, ty: &Type, value: &Value) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    if let (Type::List(inner) | Type::NonNullList(inner), Value::Array(items)) = (ty, value) {
        return items.iter().try_for_each(|item| scalars(schema, inner, item));
    }
    let name = ty.inner_named_type();
    match (name.as_str(), value) {
        ("BigDecimal", value) if decimal(value).is_none() => {
            return Err(format!(
                "Expected a value that can be converted to type 'BigDecimal' but it was {value}"
            ));
        }
        ("DateTime", value) if value.as_str().and_then(clock::parse).is_none() => {
            return Err(format!("Expected an RFC 3339 compliant 'DateTime' but it was {value}"));
        }
        _ => {}
    }
    let (Some(ExtendedType::InputObject(object)), Some(members)) =
        (schema.types.get(name), value.as_object())
    else {
        return Ok(());
    };
    for (member, value) in members {
        if let Some(field) = object.fields.get(member.as_str()) {
            scalars(schema, &field.ty, value)?;
        }
    }
    Ok(())
}
