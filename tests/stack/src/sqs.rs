//! The few calls of SQS the harness makes itself, in the protocol of the service.

use serde_json::{Value, json};

use crate::function::{ACCOUNT, REGION};

/// A client of the emulator.
#[derive(Clone)]
pub(crate) struct Sqs {
    url: String,
    client: reqwest::Client,
}

impl Sqs {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// One call; the error is what the service says.
    pub(crate) async fn call(&self, action: &str, body: &Value) -> Result<Value, String> {
        let scope = format!("Credential=ASIAEXAMPLE/20261122/{REGION}/sqs/aws4_request");
        let request = self
            .client
            .post(format!("{}/", self.url))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"))
            .body(body.to_string());
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(text);
        }
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Messages in a queue: waiting, in work and delayed.
    pub(crate) async fn depth(&self, queue: &str) -> u64 {
        let answer =
            self.call("GetQueueAttributes", &json!({"QueueUrl": queue, "AttributeNames": ["All"]})).await;
        let attributes = answer.unwrap()["Attributes"].clone();
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ];
        names.iter().map(|name| attributes[*name].as_str().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// Puts a body into a queue, and gives the id of the message.
    pub(crate) async fn send(&self, queue: &str, body: &str) -> String {
        let answer =
            self.call("SendMessage", &json!({"QueueUrl": queue, "MessageBody": body})).await.unwrap();
        answer["MessageId"].as_str().unwrap().to_owned()
    }

    /// Takes messages.
    pub(crate) async fn receive(&self, queue: &str, most: usize, wait: u64) -> Result<Vec<Value>, String> {
        let request = json!({
            "QueueUrl": queue, "MaxNumberOfMessages": most, "WaitTimeSeconds": wait,
            "MessageSystemAttributeNames": ["All"], "AttributeNames": ["All"], "MessageAttributeNames": ["All"],
        });
        let answer = self.call("ReceiveMessage", &request).await?;
        Ok(answer["Messages"].as_array().cloned().unwrap_or_default())
    }

    /// Removes a message.
    pub(crate) async fn delete(&self, queue: &str, message: &Value) {
        let request = json!({"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]});
        // A receipt that is used up removes nothing, and says so or not.
        let _ = self.call("DeleteMessage", &request).await;
    }

    /// Moves what lies in one queue to another, as the redrive of the service does.
    pub(crate) async fn redrive(&self, from: &str, to: &str) -> usize {
        let mut moved = 0;
        loop {
            let taken = self.receive(from, 10, 0).await.unwrap();
            if taken.is_empty() {
                return moved;
            }
            for message in taken {
                self.send(to, message["Body"].as_str().unwrap()).await;
                self.delete(from, &message).await;
                moved += 1;
            }
        }
    }
}

/// The ARN of a queue by its address.
pub(crate) fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", queue.rsplit('/').next().unwrap_or_default())
}
