//! What the template creates in the cloud, created at a stand-in.

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
    TimeToLiveSpecification,
};
use aws_sdk_sqs::types::QueueAttributeName;

/// The addresses of the two queues and their dead-letter queues.
#[derive(Clone, Debug)]
pub struct Queues {
    /// Live work.
    pub live: String,
    /// Its dead letters.
    pub live_dead: String,
    /// History.
    pub history: String,
    /// Its dead letters.
    pub history_dead: String,
}

/// Takings after which the service itself moves a message to the dead letters.
const MAX_RECEIVES: u32 = 5;

/// Creates the one table: `pk` and `sk`, paid by request, expiry by `ttl`.
///
/// # Panics
/// Where the stand-in refuses.
pub async fn create_table(client: &aws_sdk_dynamodb::Client, name: &str) {
    let key = |name: &str, kind: KeyType| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    let text = |name: &str| {
        let builder = AttributeDefinition::builder().attribute_name(name);
        builder.attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let table = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let table = table.key_schema(key("pk", KeyType::Hash)).key_schema(key("sk", KeyType::Range));
    table.attribute_definitions(text("pk")).attribute_definitions(text("sk")).send().await.unwrap();
    for _ in 0..100 {
        let found = client.describe_table().table_name(name).send().await.unwrap();
        if found.table.unwrap().table_status == Some(TableStatus::Active) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let expiry = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true).build().unwrap();
    client.update_time_to_live().table_name(name).time_to_live_specification(expiry).send().await.unwrap();
}

/// Creates the two queues, whose names begin with `prefix`, each with its dead letters. `visibility` holds for
/// those who receive without naming one.
///
/// # Panics
/// Where the stand-in refuses.
pub async fn create_queues(client: &aws_sdk_sqs::Client, prefix: &str, visibility: Duration) -> Queues {
    let (live, live_dead) = lane(client, &format!("{prefix}-live"), visibility).await;
    let (history, history_dead) = lane(client, &format!("{prefix}-history"), visibility).await;
    Queues { live, live_dead, history, history_dead }
}

async fn lane(client: &aws_sdk_sqs::Client, name: &str, visibility: Duration) -> (String, String) {
    let dead = client.create_queue().queue_name(format!("{name}-dead")).send().await.unwrap();
    let dead = dead.queue_url.unwrap();
    let arn = client.get_queue_attributes().queue_url(&dead).attribute_names(QueueAttributeName::QueueArn);
    let found = arn.send().await.unwrap().attributes.unwrap();
    let arn = &found[&QueueAttributeName::QueueArn];
    let redrive = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"{MAX_RECEIVES}"}}"#);
    let queue = client.create_queue().queue_name(name);
    let queue = queue.attributes(QueueAttributeName::VisibilityTimeout, visibility.as_secs().to_string());
    let queue = queue.attributes(QueueAttributeName::RedrivePolicy, redrive).send().await.unwrap();
    (queue.queue_url.unwrap(), dead)
}

/// Creates a secret with this text and tells its ARN.
///
/// # Panics
/// Where the stand-in refuses.
pub async fn create_secret(client: &aws_sdk_secretsmanager::Client, name: &str, text: &str) -> String {
    let made = client.create_secret().name(name).secret_string(text).send().await.unwrap();
    made.arn.unwrap()
}
