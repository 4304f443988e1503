//! Rows of the table, as far as tests look into them: bodies are JSON, deflated where they are long.

use std::io::Read;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use serde_json::Value;

/// The JSON of a body.
pub(crate) fn body(value: &AttributeValue) -> Value {
    let text = match value {
        AttributeValue::S(text) => text.clone(),
        AttributeValue::B(packed) => inflated(packed.as_ref()).unwrap(),
        other => panic!("no body: {other:?}"),
    };
    serde_json::from_str(&text).unwrap()
}

/// Adds to `text` what stands deflated in a request.
pub(crate) fn unpacked(request: &Value, text: &mut String) {
    match request {
        Value::Object(members) => {
            for (name, value) in members {
                let packed =
                    value.as_str().filter(|_| name == "B").and_then(|packed| STANDARD.decode(packed).ok());
                match packed.and_then(|packed| inflated(&packed)) {
                    Some(found) => text.push_str(&found),
                    None => unpacked(value, text),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| unpacked(value, text)),
        _ => {}
    }
}

fn inflated(packed: &[u8]) -> Option<String> {
    let mut text = String::new();
    DeflateDecoder::new(packed).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use serde_json::json;

    #[test]
    fn what_is_deflated_is_looked_at() {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"a hidden word").unwrap();
        let packed = STANDARD.encode(encoder.finish().unwrap());
        let mut text = String::new();
        super::unpacked(&json!({"TransactItems": [{"Put": {"Item": {"body": {"B": packed}}}}]}), &mut text);
        assert_eq!(text, "a hidden word");
    }
}
