//! The table, past the functions: put back to an earlier moment, or changed as tests need it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Stack, TABLE};
use crate::rows;

/// An item of the table.
type Attributes = HashMap<String, AttributeValue>;

impl Stack {
    /// The table as it is.
    pub(crate) async fn snapshot(&self) -> Vec<Attributes> {
        self.dynamodb
            .scan()
            .table_name(TABLE)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .unwrap()
    }

    /// Puts the table back to what it was: what came since is gone.
    pub(crate) async fn restore(&self, snapshot: Vec<Attributes>) {
        for item in self.snapshot().await {
            let key = |name: &str| item[name].clone();
            let delete = self.dynamodb.delete_item().table_name(TABLE);
            delete.key("pk", key("pk")).key("sk", key("sk")).send().await.unwrap();
        }
        for item in snapshot {
            self.dynamodb.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
        }
    }

    /// Lets the time of the next poll have come.
    pub(crate) async fn make_due(&self, connection: &str) {
        self.alter((connection, "META"), "next_sync", "2026-01-01T00:00:00Z").await;
    }

    /// Changes a member of a row of a connection. Where a function wrote meanwhile, it is done anew.
    pub(crate) async fn alter(&self, row: (&str, &str), member: &str, value: &str) {
        while !self.try_to_alter(row, member, value).await {}
    }

    async fn try_to_alter(&self, (connection, sk): (&str, &str), member: &str, value: &str) -> bool {
        let key = |text: String| AttributeValue::S(text);
        let get = self.dynamodb.get_item().table_name(TABLE).consistent_read(true);
        let get = get.key("pk", key(format!("CONN#{connection}"))).key("sk", key(sk.into()));
        let mut item = get.send().await.unwrap().item.unwrap();
        let mut body = rows::body(&item["body"]);
        assert!(body[member].is_string(), "{body:#}");
        body[member] = value.into();
        item.insert("body".into(), AttributeValue::S(body.to_string()));
        // Whoever is about to write it must see the change.
        let rev = item["rev"].clone();
        let next = rev.as_n().unwrap().parse::<u64>().unwrap() + 1;
        item.insert("rev".into(), AttributeValue::N(next.to_string()));
        let put = self.dynamodb.put_item().table_name(TABLE).set_item(Some(item));
        let put = put.condition_expression("rev = :rev").expression_attribute_values(":rev", rev);
        match put.send().await {
            Ok(_) => true,
            Err(error) => {
                assert!(
                    error.as_service_error().unwrap().is_conditional_check_failed_exception(),
                    "{error:?}"
                );
                false
            }
        }
    }
}
