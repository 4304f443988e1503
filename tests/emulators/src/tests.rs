use std::time::Duration;

use tokio::net::TcpStream;

use crate::{Moto, create_queues, create_secret, create_table, dynoxide, sdk};

#[tokio::test]
async fn a_table_is_made_at_the_stand_in_of_the_test() {
    let place = dynoxide().await;
    let client = aws_sdk_dynamodb::Client::new(&sdk(place.url()).await);
    create_table(&client, "items").await;
    let found = client.list_tables().send().await.unwrap();
    assert_eq!(found.table_names(), ["items"]);
}

#[tokio::test]
async fn a_tool_answers_and_ends_with_its_value() {
    let moto = Moto::start().await;
    let sdk = sdk(moto.url()).await;
    let queues = create_queues(&aws_sdk_sqs::Client::new(&sdk), "test", Duration::from_secs(30)).await;
    assert!(queues.live.ends_with("/test-live") && queues.history_dead.ends_with("/test-history-dead"));
    let arn = create_secret(&aws_sdk_secretsmanager::Client::new(&sdk), "test", "{}").await;
    assert!(arn.contains(":secret:test-"), "{arn}");
    let address = moto.url().trim_start_matches("http://").to_owned();
    TcpStream::connect(&address).await.unwrap();
    drop(moto);
    TcpStream::connect(&address).await.expect_err("the tool is left behind");
}
