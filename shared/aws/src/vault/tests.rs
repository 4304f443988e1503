use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use tillsync_emulators::{Moto, create_secret, sdk};
use tillsync_engine::memory::{ManualClock, MemoryStore};
use tillsync_engine::ports::Vault;
use tillsync_mapping::model::Secret;

use super::{StackCredentials, StackVault};

const OLD: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const NEW: &str = "GFEDCBAzyxwvutsrqponmlkjihgfedcba9876543210";

async fn keys(client: &Client, id: &str, keys: &str) {
    let text = format!(r#"{{"TILLSYNC_DATA_KEY":"{keys}","TILLSYNC_SOURCE_TOKEN":"two words"}}"#);
    client.put_secret_value().secret_id(id).secret_string(text).send().await.unwrap();
}

async fn open(client: &Client, id: &str, store: &Arc<MemoryStore>) -> StackVault {
    let credentials = StackCredentials::new(client.clone(), id.to_owned());
    StackVault::open(credentials, store.clone(), "here".to_owned()).await.unwrap()
}

#[tokio::test]
async fn the_data_key_is_replaced_under_processes_that_live_on() {
    let moto = Moto::start().await;
    let client = Client::new(&sdk(moto.url()).await);
    let id = create_secret(&client, "stack", "{}").await;
    let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
    let store = Arc::new(MemoryStore::new(clock));
    keys(&client, &id, OLD).await;
    let warm = open(&client, &id, &store).await;
    warm.put("DEST#renewed", &Secret::new("canary-1")).await.unwrap();
    warm.put("DEST#left", &Secret::new("canary-2")).await.unwrap();
    // A new key before the old one; one owner is connected again, in the process that is there.
    keys(&client, &id, &format!("{NEW},{OLD}")).await;
    warm.put("DEST#renewed", &Secret::new("canary-3")).await.unwrap();
    // The old key goes.
    keys(&client, &id, NEW).await;
    let cold = open(&client, &id, &store).await;
    let renewed = cold.get("DEST#renewed").await.unwrap().expect("it was sealed with the new key");
    assert_eq!(renewed.expose(), "canary-3");
    let error = cold.get("DEST#left").await.expect_err("nobody can open it");
    assert!(error.is_key_other() && error.detail.contains("DEST#left"), "it is never gone: {error}");
    // A process that knows only the old key reads the new one.
    assert_eq!(warm.get("DEST#renewed").await.unwrap().unwrap().expose(), "canary-3");
}

#[tokio::test]
async fn a_token_that_cannot_be_sent_is_named() {
    use tillsync_engine::entry::Credentials;
    let moto = Moto::start().await;
    let client = Client::new(&sdk(moto.url()).await);
    let id = create_secret(&client, "stack", "{}").await;
    keys(&client, &id, OLD).await;
    let credentials = StackCredentials::new(client, id);
    let fault = credentials.source_token().await.unwrap_err();
    assert_eq!(fault.code, "config.invalid");
    assert!(fault.detail.contains("TILLSYNC_SOURCE_TOKEN") && !fault.detail.contains("two words"), "{fault}");
    let fault = credentials.destination_key().await.unwrap_err();
    assert!(
        fault.detail.contains("TILLSYNC_DESTINATION_KEY") && fault.detail.contains("infra/secret"),
        "{fault}"
    );
}
