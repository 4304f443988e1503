//! What a function asked of AWS, as the permissions it needed.

use std::collections::BTreeSet;

use serde_json::Value;

/// One call of a function.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// As `dynamodb`.
    pub(crate) service: &'static str,
    /// As `TransactWriteItems`.
    pub(crate) api: String,
    /// Permissions it needs, with the names of what they are about.
    pub(crate) grants: BTreeSet<(String, String)>,
    /// What was answered.
    pub(crate) status: u16,
    /// Halves of write units taken.
    pub(crate) write_halves: u64,
    /// Halves of read units taken.
    pub(crate) read_halves: u64,
}

/// Service and call of a target header.
pub(crate) fn target(header: &str) -> Option<(&'static str, &str)> {
    let (service, api) = header.split_once('.')?;
    let service = match service {
        "AmazonSQS" => "sqs",
        "DynamoDB_20120810" => "dynamodb",
        "secretsmanager" => "secretsmanager",
        _ => return None,
    };
    Some((service, api))
}

/// The permissions a call needs. Transactions are permitted by their parts, batches of SQS by the single call.
pub(crate) fn grants(service: &str, api: &str, body: &Value) -> BTreeSet<(String, String)> {
    let grant = |action: &str, resource: &str| (format!("{service}:{action}"), resource.to_owned());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match (service, api) {
        ("dynamodb", "TransactWriteItems" | "TransactGetItems") => {
            let parts = body["TransactItems"].as_array().into_iter().flatten();
            let parts = parts.filter_map(|part| part.as_object()?.iter().next());
            let action = |word: &str| match word {
                "ConditionCheck" => "ConditionCheckItem".to_owned(),
                word => format!("{word}Item"),
            };
            parts.map(|(word, part)| grant(&action(word), &text(&part["TableName"]))).collect()
        }
        ("dynamodb", "BatchGetItem" | "BatchWriteItem") => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            tables.map(|(table, _)| grant(api, table)).collect()
        }
        ("dynamodb", _) => BTreeSet::from([grant(api, &text(&body["TableName"]))]),
        ("sqs", _) => {
            let queue = text(&body["QueueUrl"]);
            let name = queue.rsplit('/').next().unwrap_or_default();
            let name = if name.is_empty() { text(&body["QueueName"]) } else { name.to_owned() };
            BTreeSet::from([grant(api.trim_end_matches("Batch"), &name)])
        }
        _ => BTreeSet::from([grant(api, &text(&body["SecretId"]))]),
    }
}

/// Halves of (write, read) units that an answer of DynamoDB tells.
pub(crate) fn capacity(api: &str, answer: &Value) -> (u64, u64) {
    let consumed = &answer["ConsumedCapacity"];
    let many = consumed.as_array().map_or_else(|| vec![consumed], |all| all.iter().collect());
    let halves = many.into_iter().map(|one| halves(&one["CapacityUnits"])).sum();
    let reads = matches!(api, "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems");
    if reads { (0, halves) } else { (halves, 0) }
}

/// Twice a number that ends in .0 or .5.
fn halves(units: &Value) -> u64 {
    if !units.is_number() {
        return 0;
    }
    let text = units.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    whole.parse::<u64>().unwrap() * 2 + u64::from(part.starts_with('5'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{capacity, grants, target};

    #[test]
    fn permissions_are_those_of_the_parts() {
        let put = json!({"Put": {"TableName": "t"}});
        let check = json!({"ConditionCheck": {"TableName": "t"}});
        let found = grants("dynamodb", "TransactWriteItems", &json!({"TransactItems": [put, check, put]}));
        let found: Vec<_> = found.iter().map(|(action, table)| format!("{action} {table}")).collect();
        assert_eq!(found, ["dynamodb:ConditionCheckItem t", "dynamodb:PutItem t"]);
        let found = grants("sqs", "SendMessageBatch", &json!({"QueueUrl": "http://127.0.0.1:1/1/live"}));
        assert!(found.contains(&("sqs:SendMessage".into(), "live".into())), "{found:?}");
        let found = grants("dynamodb", "BatchGetItem", &json!({"RequestItems": {"t": {}}}));
        assert!(found.contains(&("dynamodb:BatchGetItem".into(), "t".into())), "{found:?}");
        assert_eq!(target("DynamoDB_20120810.GetItem"), Some(("dynamodb", "GetItem")));
    }

    #[test]
    fn units_are_counted_in_halves() {
        assert_eq!(capacity("Query", &json!({"ConsumedCapacity": {"CapacityUnits": 1.5}})), (0, 3));
        let two = json!({"ConsumedCapacity": [{"CapacityUnits": 4.0}, {"CapacityUnits": 2}]});
        assert_eq!(capacity("TransactWriteItems", &two), (12, 0));
        assert_eq!(capacity("PutItem", &json!({})), (0, 0));
    }
}
