//! Writing one item, and several at once.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure as OnFailure,
    TransactWriteItem,
};
use jiff::Timestamp;
use tillsync_engine::ports::{Condition, Entropy, Item, Key, PortError, Store, Write, Written};
use tillsync_host::SystemEntropy;

use super::condition::{condition, holds, next_rev};
use super::row::{is_made_by, key_row, row_of};
use super::{DynamoStore, PORT};
use crate::service::{Patience, refused};

/// Reasons of a cancelled transaction that pass.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
const PASSING: [&str; 3] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
const FAILED_CONDITION: &str = "ConditionalCheckFailed";
/// What the service says of an item that needs no reason.
const NO_REASON: &str = "None";

/// What became of a try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Try {
    Settled(Written),
    Again,
    Failed(String),
}

impl DynamoStore {
    /// One write by itself.
    ///
    /// A delete goes as a transaction of one, at twice the price: it leaves nothing by which a repeated request
    /// could tell its own work from another's, and the token of a transaction does (for ten minutes).
    pub(super) async fn write_one(&self, write: Write) -> Result<Written, PortError> {
        match write {
            Write::Put { item, when } => self.put(item, when).await,
            Write::Delete { .. } => self.transact_all(vec![write]).await,
            Write::Check { key, when } => {
                let found = self.get(&key).await?;
                let held = holds(when, found.map(|item| item.rev));
                Ok(if held { Written::Done } else { Written::Conflict })
            }
        }
    }

    /// The SDK repeats a request whose reply was lost. If the first one was carried out, the condition of the
    /// second fails; the row then has the id of this very write. What is left: somebody changes the row between
    /// the two. Then the answer is a conflict although the write was there for a moment, which is what its caller
    /// would see on reading, too.
    async fn put(&self, item: Item, when: Condition) -> Result<Written, PortError> {
        let wid = word();
        let must = condition(when, self.clock.now());
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(row_of(item, next_rev(when), &wid)?))
            .condition_expression(must.text)
            .set_expression_attribute_names(Some(must.names))
            .set_expression_attribute_values(Some(must.values))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut patience = Patience::new();
        loop {
            let error = match put.clone().send().await {
                Ok(done) => {
                    self.used.wrote(done.consumed_capacity());
                    return Ok(Written::Done);
                }
                Err(error) => error,
            };
            match put_refused(error.as_service_error(), &wid) {
                Try::Settled(written) => {
                    self.used.refused(1);
                    return Ok(written);
                }
                Try::Again if patience.wait().await => {}
                _ => return Err(refused(PORT, &error)),
            }
        }
    }

    /// All or nothing. The token makes a repeated request answer as the first one did.
    pub(super) async fn transact_all(&self, writes: Vec<Write>) -> Result<Written, PortError> {
        let (count, now) = (writes.len(), self.clock.now());
        let items: Result<Vec<_>, _> =
            writes.into_iter().map(|write| self.transact_item(write, now)).collect();
        let transaction = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items?))
            .client_request_token(format!("{}{}", word(), word()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut patience = Patience::new();
        loop {
            let error = match transaction.clone().send().await {
                Ok(done) => {
                    self.used.wrote(done.consumed_capacity());
                    return Ok(Written::Done);
                }
                Err(error) => error,
            };
            match transaction_refused(&error) {
                Try::Settled(written) => {
                    self.used.refused(count.saturating_mul(2));
                    return Ok(written);
                }
                Try::Again if patience.wait().await => {}
                Try::Again => return Err(refused(PORT, &error)),
                Try::Failed(detail) => return Err(PortError { what: PORT, detail }),
            }
        }
    }

    fn transact_item(&self, write: Write, now: Timestamp) -> Result<TransactWriteItem, PortError> {
        let item = TransactWriteItem::builder();
        let item = match write {
            Write::Put { item: new, when } => {
                let must = condition(when, now);
                let row = row_of(new, next_rev(when), &word())?;
                let put = Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(row))
                    .condition_expression(must.text);
                let put = put.set_expression_attribute_names(Some(must.names));
                item.put(put.set_expression_attribute_values(Some(must.values)).build().map_err(unmade)?)
            }
            Write::Delete { key, when } => {
                let (must, Key { pk, sk }) = (condition(when, now), key);
                let delete = Delete::builder().table_name(&self.table).set_key(Some(key_row(&pk, &sk)));
                let delete = delete.condition_expression(must.text);
                let delete = delete.set_expression_attribute_names(Some(must.names));
                item.delete(
                    delete.set_expression_attribute_values(Some(must.values)).build().map_err(unmade)?,
                )
            }
            Write::Check { key, when } => {
                let (must, Key { pk, sk }) = (condition(when, now), key);
                let check =
                    ConditionCheck::builder().table_name(&self.table).set_key(Some(key_row(&pk, &sk)));
                let check = check.condition_expression(must.text);
                let check = check.set_expression_attribute_names(Some(must.names));
                let check = check.set_expression_attribute_values(Some(must.values));
                item.condition_check(check.build().map_err(unmade)?)
            }
        };
        Ok(item.build())
    }
}

fn unmade(error: impl std::fmt::Display) -> PortError {
    PortError { what: PORT, detail: format!("the request could not be made: {error}") }
}

/// Sixty-four random bits: a word no other write has.
fn word() -> String {
    format!("{:016x}", SystemEntropy.bits())
}

/// What a refused put means for the write `wid`.
pub(super) fn put_refused(error: Option<&PutItemError>, wid: &str) -> Try {
    match error {
        Some(PutItemError::ConditionalCheckFailedException(failed)) => {
            let own = is_made_by(failed.item(), wid);
            Try::Settled(if own { Written::Done } else { Written::Conflict })
        }
        Some(PutItemError::TransactionConflictException(_)) => Try::Again,
        _ => Try::Failed(String::new()),
    }
}

/// What a refused transaction means.
pub(super) fn transaction_refused<R>(error: &SdkError<TransactWriteItemsError, R>) -> Try
where
    R: std::fmt::Debug,
{
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled_for(cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()))
        }
        // The SDK has repeated it for a second or so already.
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => Try::Again,
        _ => Try::Failed(refused(PORT, error).detail),
    }
}

/// A condition that failed is an answer, whatever else was in the way.
pub(super) fn cancelled_for<'a>(reasons: impl Iterator<Item = &'a str>) -> Try {
    let mut reasons: Vec<&str> = reasons.filter(|reason| *reason != NO_REASON).collect();
    if reasons.contains(&FAILED_CONDITION) {
        return Try::Settled(Written::Conflict);
    }
    if !reasons.is_empty() && reasons.iter().all(|reason| PASSING.contains(reason)) {
        return Try::Again;
    }
    reasons.sort_unstable();
    reasons.dedup();
    Try::Failed(format!("TransactionCanceledException: {}", reasons.join(", ")))
}
