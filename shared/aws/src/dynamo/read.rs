//! Reading several items.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use jiff::Timestamp;
use tillsync_engine::ports::{Item, Key, PortError};

use super::condition::ALIVE;
use super::row::{EXP, Row, TAG, alive, item_of, key_row, number};
use super::{DynamoStore, PORT};
use crate::service::{Patience, refused};

/// Pages of one question: 1 MB each, so 10 GB.
const MAX_PAGES: usize = 10_000;
/// Rows asked for at least, from the second page on: what comes may be expired, and a page is a call.
const MIN_PAGE: usize = 100;
/// Calls for one hundred keys: a call answers at least one row, unless the service is overloaded.
const MAX_CALLS: usize = 200;

/// Where a page begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start<'a> {
    /// With the first row of the prefix.
    First,
    /// After this one, which lies within the prefix.
    After(&'a str),
    /// Nothing comes after.
    Beyond,
}

/// The service refuses a start that the question itself would not find.
pub(super) fn start<'a>(prefix: &str, after: Option<&'a str>) -> Start<'a> {
    match after {
        // No sort key is empty.
        None | Some("") => Start::First,
        Some(after) if after.starts_with(prefix) => Start::After(after),
        Some(after) if after < prefix => Start::First,
        Some(_) => Start::Beyond,
    }
}

impl DynamoStore {
    /// At most a hundred rows by their keys, none of them twice; those that are there, in any order.
    pub(super) async fn batch(&self, keys: &[&Key]) -> Result<Vec<Item>, PortError> {
        let now = self.clock.now();
        let mut open: Vec<Row> = keys.iter().map(|key| key_row(&key.pk, &key.sk)).collect();
        let mut found = Vec::new();
        let mut patience = Patience::new();
        for _ in 0..MAX_CALLS {
            let asked = open.len();
            let keys = KeysAndAttributes::builder().set_keys(Some(open)).consistent_read(true).build();
            let keys = keys.map_err(|error| failed(format!("the request could not be made: {error}")))?;
            let call = self.client.batch_get_item().request_items(&self.table, keys);
            let call = call.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
            let mut answer = call.map_err(|error| refused(PORT, &error))?;
            self.used.read(answer.consumed_capacity());
            for row in answer.responses.iter().flat_map(HashMap::values).flatten() {
                found.extend(alive(row, now)?);
            }
            let left = answer.unprocessed_keys.take().and_then(|mut left| left.remove(&self.table));
            open = left.map(|left| left.keys).unwrap_or_default();
            if open.is_empty() {
                return Ok(found);
            }
            if open.len() < asked {
                patience.renew();
            }
            if !patience.wait().await {
                break;
            }
        }
        Err(failed("keys are left unprocessed again and again".to_owned()))
    }

    /// One page after another until `limit` rows are there, or the end.
    pub(super) async fn page(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Item>, PortError> {
        let mut from = match start(prefix, after) {
            Start::First => None,
            Start::After(sk) => Some(key_row(pk, sk)),
            Start::Beyond => return Ok(Vec::new()),
        };
        let now = self.clock.now();
        let mut found: Vec<Item> = Vec::new();
        for page in 0..MAX_PAGES {
            let rest = limit - found.len();
            let most = if page == 0 { rest } else { rest.max(MIN_PAGE) };
            let question = self.question(pk, prefix, now).filter_expression(ALIVE);
            let question = question.limit(i32::try_from(most).unwrap_or(i32::MAX));
            let answer = question.set_exclusive_start_key(from).send().await;
            let answer = answer.map_err(|error| refused(PORT, &error))?;
            self.used.read(answer.consumed_capacity());
            for row in answer.items().iter().take(rest) {
                found.push(item_of(row)?);
            }
            from = answer.last_evaluated_key;
            if found.len() >= limit || from.is_none() {
                return Ok(found);
            }
        }
        Err(failed("a question without an end".to_owned()))
    }

    /// Counts by tag. The whole range is read: that is what it costs.
    pub(super) async fn count(&self, pk: &str, prefix: &str) -> Result<BTreeMap<String, u64>, PortError> {
        let now = self.clock.now();
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let mut from = None;
        for _ in 0..MAX_PAGES {
            let question = self.question(pk, prefix, now).projection_expression("#tag");
            let question = question.expression_attribute_names("#tag", TAG);
            let question = question.filter_expression(format!("attribute_exists(#tag) AND {ALIVE}"));
            let answer = question.set_exclusive_start_key(from).send().await;
            let answer = answer.map_err(|error| refused(PORT, &error))?;
            self.used.read(answer.consumed_capacity());
            for row in answer.items() {
                if let Some(Ok(tag)) = row.get(TAG).map(AttributeValue::as_s) {
                    *counts.entry(tag.clone()).or_default() += 1;
                }
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(counts);
            }
        }
        Err(failed("a question without an end".to_owned()))
    }

    /// The rows of a prefix, without the filter; `#exp` and `:now` are there for it.
    fn question(&self, pk: &str, prefix: &str, now: Timestamp) -> QueryFluentBuilder {
        let question = self.client.query().table_name(&self.table).consistent_read(true);
        let question = question.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let question = question.expression_attribute_names("#exp", EXP);
        let question = question.expression_attribute_values(":now", number(now.as_microsecond()));
        let question = question.expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
        if prefix.is_empty() {
            return question.key_condition_expression("pk = :pk");
        }
        let question = question.expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()));
        question.key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
    }
}

/// Keys without those that come twice: the service refuses them.
pub(super) fn unique(keys: &[Key]) -> Vec<&Key> {
    keys.iter().collect::<BTreeSet<_>>().into_iter().collect()
}

fn failed(detail: String) -> PortError {
    PortError { what: PORT, detail }
}
