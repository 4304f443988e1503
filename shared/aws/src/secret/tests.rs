use std::sync::Arc;

use tillsync_emulators::{Dynoxide, Ministack, Moto, create_secret, create_table, dynoxide, sdk};
use tillsync_engine::contract::{self, Subject};
use tillsync_engine::memory::ManualClock;
use tillsync_engine::ports::Vault;
use tillsync_host::{DataKey, SealedVault};

use super::*;
use crate::DynamoStore;

const KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

#[test]
fn fields_are_there_or_named() {
    let text = r#"{"TILLSYNC_DATA_KEY":" canary-1 ","TILLSYNC_SOURCE_TOKEN":"","OTHER":"canary-2"}"#;
    let secret = StackSecret::parse("tillsync/prod", text).unwrap();
    assert_eq!(secret.get("TILLSYNC_DATA_KEY").unwrap().expose(), "canary-1");
    assert_eq!(secret.required("OTHER").unwrap().expose(), "canary-2");
    assert!(secret.get("TILLSYNC_SOURCE_TOKEN").is_none(), "an empty text is none");
    let printed = format!("{secret:?}");
    assert!(printed.contains("TILLSYNC_DATA_KEY") && !printed.contains("canary"), "{printed}");
    let fault = Fault::from(secret.required("TILLSYNC_SOURCE_TOKEN").unwrap_err());
    assert_eq!(
        (fault.code, fault.detail.as_str()),
        (
            "config.missing",
            "TILLSYNC_SOURCE_TOKEN is missing or empty in the secret tillsync/prod: put it there with infra/secret; \
             never make up a new TILLSYNC_DATA_KEY, but take the old one from the secret's version AWSPREVIOUS"
        )
    );
}

#[test]
fn a_malformed_secret_is_not_quoted() {
    for text in
        ["", "canary", r#"{"a":"canary""#, r#"["canary"]"#, r#"{"a":{"b":"canary"}}"#, r#"{"canary":1}"#]
    {
        let fault = Fault::from(StackSecret::parse("tillsync/prod", text).unwrap_err());
        assert_eq!(fault.code, "config.invalid");
        assert!(fault.detail.contains("tillsync/prod") && !fault.detail.contains("canary"), "{fault}");
    }
}

/// The vault as functions have it: rows in the table, the key in the secret.
async fn vault_keeps_the_contract(url: &str) {
    let client = Client::new(&sdk(url).await);
    let arn = create_secret(&client, "tillsync-prod", &format!(r#"{{"TILLSYNC_DATA_KEY":"{KEY}"}}"#)).await;
    let rows: Dynoxide = dynoxide().await;
    let tables = aws_sdk_dynamodb::Client::new(&sdk(rows.url()).await);
    let made = std::cell::Cell::new(0);
    contract::vault(async || {
        let table = format!("items-{}", made.replace(made.get() + 1));
        create_table(&tables, &table).await;
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::now()));
        let store = Arc::new(DynamoStore::new(tables.clone(), table, clock.clone()));
        let secret = StackSecret::read(&client, &arn).await.unwrap();
        let key = DataKey::parse(&secret.required("TILLSYNC_DATA_KEY").unwrap()).unwrap();
        Subject { port: Arc::new(SealedVault::new(store, key, "here")) as Arc<dyn Vault>, time: clock }
    })
    .await;
    let missing = StackSecret::read(&client, "nobody").await.unwrap_err();
    assert!(
        matches!(&missing, SecretError::Refused { code, .. } if code == "ResourceNotFoundException"),
        "{missing}"
    );
    assert_eq!(Fault::from(missing).code, "config.missing");
    let by_name = StackSecret::read(&client, "tillsync-prod").await.unwrap();
    assert!(by_name.get("TILLSYNC_DATA_KEY").is_some());
}

#[tokio::test]
async fn vault_keeps_the_contract_with_its_key_on_moto() {
    vault_keeps_the_contract(Moto::start().await.url()).await;
}

#[tokio::test]
async fn vault_keeps_the_contract_with_its_key_on_ministack() {
    vault_keeps_the_contract(Ministack::start().await.url()).await;
}
