//! Calls that SQS answers in ways of its own.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use tillsync_emulators::{Fate, Ministack, Moto, Proxy, sdk};
use tillsync_engine::ports::{Lane, MAX_ATTEMPTS, Queue};

use super::{lanes, queues_at};
use crate::{BatchQueue, MAX_MESSAGE_BODY, SqsQueue};

const LONG: Duration = Duration::from_secs(600);

/// All there is of a message, taken past the port.
async fn raw(client: &Client, url: &str) -> Vec<Message> {
    let call = client.receive_message().queue_url(url).max_number_of_messages(10);
    let call =
        call.message_system_attribute_names(MessageSystemAttributeName::All).message_attribute_names("All");
    call.send().await.unwrap().messages.unwrap_or_default()
}

fn said<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.message_attributes()?.get(name)?.string_value()
}

async fn a_copy_keeps_its_group_and_its_tries(url: &str) {
    let (queue, client, queues) = queues_at(url).await;
    let queue = Arc::new(queue);
    let send =
        async |body: &str| queue.send(Lane::Live, "CONN#1", vec![body.to_owned()], Duration::ZERO).await;
    send("m").await.unwrap();
    for _ in 0..2 {
        let taken = queue.receive(Lane::Live, 1, LONG).await.unwrap().remove(0);
        queue.release(&taken, Duration::ZERO).await.unwrap();
    }
    let taken = queue.receive(Lane::Live, 1, LONG).await.unwrap().remove(0);
    assert_eq!(taken.attempts, 3);
    queue.defer(&taken, Duration::ZERO).await.unwrap();
    let copies = raw(&client, &queues.live).await;
    assert_eq!(copies.len(), 1, "the original is gone");
    assert_eq!((said(&copies[0], "tries"), copies[0].body()), (Some("2"), Some("m")));
    let of_service = copies[0].attributes().unwrap();
    assert_eq!(of_service[&MessageSystemAttributeName::MessageGroupId], "CONN#1");
    // Within a function the original is left to the service.
    send("n").await.unwrap();
    let taken = queue.receive(Lane::Live, 1, LONG).await.unwrap().remove(0);
    let batch = BatchQueue::new(Arc::clone(&queue));
    batch.ack(&taken).await.unwrap();
    batch.extend(&taken, Duration::ZERO).await.unwrap();
    batch.defer(&taken, Duration::ZERO).await.unwrap();
    assert_eq!(batch.depth(Lane::Live).await.unwrap(), 3, "the copy of before, the original, its copy");
    let copy = batch.receive(Lane::Live, 10, LONG).await.unwrap();
    assert_eq!((copy.len(), copy[0].attempts, copy[0].body.as_str()), (1, 1, "n"));
}

async fn what_is_spent_or_not_ours_is_buried(url: &str) {
    let (queue, client, queues) = queues_at(url).await;
    client
        .send_message()
        .queue_url(&queues.live)
        .message_body("x".repeat(MAX_MESSAGE_BODY + 1))
        .send()
        .await
        .unwrap();
    queue.send(Lane::Live, "CONN#1", vec!["spent".to_owned()], Duration::ZERO).await.unwrap();
    // Copies start the service's own count anew: what it would never bury is buried by ours.
    for attempt in 1..=MAX_ATTEMPTS {
        let taken = queue.receive(Lane::Live, 10, LONG).await.unwrap();
        assert_eq!((taken.len(), taken[0].attempts), (1, attempt));
        let counted = tillsync_engine::ports::Delivery { attempts: attempt + 1, ..taken[0].clone() };
        queue.defer(&counted, Duration::ZERO).await.unwrap();
    }
    assert!(queue.receive(Lane::Live, 10, LONG).await.unwrap().is_empty());
    assert_eq!(queue.depth(Lane::Live).await.unwrap(), 0);
    assert_eq!(queue.dead(Lane::Live, 1).await.unwrap().len(), 1, "no more than asked for");
    let seen = queue.dead(Lane::Live, 10).await.unwrap();
    assert_eq!((seen.len(), seen[1].body.as_str(), seen[1].attempts), (2, "spent", MAX_ATTEMPTS));
    let letters = raw(&client, &queues.live_dead).await;
    let foreign = letters.iter().find(|letter| letter.body() != Some("spent")).unwrap();
    let spent = letters.iter().find(|letter| letter.body() == Some("spent")).unwrap();
    assert_eq!(said(foreign, "reason"), Some("data.corrupt"));
    assert_eq!((said(spent, "reason"), said(spent, "tries")), (None, None));
    assert_eq!(spent.attributes().unwrap()[&MessageSystemAttributeName::MessageGroupId], "CONN#1");
}

async fn what_a_batch_leaves_is_sent_again(url: &str) {
    let (_, client, queues) = queues_at(url).await;
    // The first call takes the first of its messages and fails the others, as an overloaded service does.
    let failed = r#"{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"x"}],"Failed":[
        {"Id":"1","Code":"InternalError","SenderFault":false},{"Id":"2","Code":"InternalError","SenderFault":false}]}"#;
    let wrong =
        r#"{"Successful":[],"Failed":[{"Id":"0","Code":"InvalidMessageContents","SenderFault":true}]}"#;
    let proxy = Proxy::start(url, move |asked| match (asked.operation.as_str(), asked.earlier) {
        ("SendMessageBatch", 0) => Fate::Answer(200, failed.to_owned()),
        ("SendMessageBatch", 2) => Fate::Answer(200, wrong.to_owned()),
        _ => Fate::Pass,
    });
    let proxy = proxy.await;
    let queue = SqsQueue::new(Client::new(&sdk(proxy.url()).await), lanes(&queues));
    let bodies = ["a", "b", "c"].map(str::to_owned).to_vec();
    queue.send(Lane::Live, "g", bodies.clone(), Duration::ZERO).await.unwrap();
    assert_eq!(proxy.count("SendMessageBatch"), 2);
    let mut arrived: Vec<String> =
        raw(&client, &queues.live).await.into_iter().filter_map(|message| message.body).collect();
    arrived.sort();
    assert_eq!(arrived, ["b", "c"], "only what was left went out again");
    let error = queue.send(Lane::Live, "g", bodies, Duration::ZERO).await.unwrap_err();
    assert_eq!(error.detail, "InvalidMessageContents: a message was not taken");
    let long = vec!["x".repeat(MAX_MESSAGE_BODY + 1)];
    queue.send(Lane::Live, "g", long, Duration::ZERO).await.expect_err("messages are references");
    assert_eq!(proxy.count("SendMessageBatch"), 3);
}

async fn a_function_releases_as_far_as_it_can(url: &str) {
    let (_, _, queues) = queues_at(url).await;
    let proxy = Proxy::start(url, |asked| match (asked.operation.as_str(), asked.earlier) {
        ("ChangeMessageVisibility", 0) => Fate::Answer(400, r#"{"__type":"x#InvalidSecurity"}"#.to_owned()),
        _ => Fate::Pass,
    });
    let proxy = proxy.await;
    let queue = Arc::new(SqsQueue::new(Client::new(&sdk(proxy.url()).await), lanes(&queues)));
    queue.send(Lane::Live, "g", vec!["m".to_owned()], Duration::ZERO).await.unwrap();
    let taken = queue.receive(Lane::Live, 1, LONG).await.unwrap().remove(0);
    let batch = BatchQueue::new(Arc::clone(&queue));
    batch.release(&taken, Duration::ZERO).await.expect("the service brings it back anyway");
    assert!(batch.receive(Lane::Live, 1, LONG).await.unwrap().is_empty());
    batch.release(&taken, Duration::ZERO).await.unwrap();
    assert_eq!(batch.receive(Lane::Live, 1, LONG).await.unwrap()[0].attempts, 2);
    assert_eq!(proxy.count("ChangeMessageVisibility"), 2);
}

async fn all(url: &str) {
    a_function_releases_as_far_as_it_can(url).await;
    a_copy_keeps_its_group_and_its_tries(url).await;
    what_is_spent_or_not_ours_is_buried(url).await;
    what_a_batch_leaves_is_sent_again(url).await;
}

#[tokio::test]
async fn copies_burials_and_batches_on_moto() {
    all(Moto::start().await.url()).await;
}

#[tokio::test]
async fn copies_burials_and_batches_on_ministack() {
    all(Ministack::start().await.url()).await;
}
