//! The engine's ports over DynamoDB, SQS and Secrets Manager, and what the functions on Lambda have in common.

mod app;
mod current;
mod dynamo;
pub mod functions;
mod lambda;
mod secret;
mod service;
mod settings;
mod sqs;
mod vault;

pub use app::{App, Calls};
pub use dynamo::{DynamoStore, Used};
pub(crate) use lambda::work_off;
pub use lambda::{refuse_to_start, serve};
pub use secret::{SecretError, StackSecret};
pub use sqs::{Arrival, BatchQueue, LaneUrls, Lanes, MAX_MESSAGE_BODY, SqsQueue};
