//! Starts that cannot succeed, each with the name of what is missing.

use std::time::Duration;

use serde_json::json;

use crate::runtime::Answer;
use crate::stack::{FUNCTIONS, Setup};

const PLENTY: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn every_function_starts_with_the_variables_of_the_template() {
    let stack = Setup { mapped: false, ..Setup::of(20) }.start().await;
    for name in FUNCTIONS {
        let answer = stack.function(name).invoke(&json!({}), PLENTY).await;
        assert!(!matches!(answer, Answer::InitError { .. }), "{name}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_wrong_variable_stops_the_start_by_name() {
    let cases = [
        ("TILLSYNC_TABLE", None),
        ("TILLSYNC_HISTORY_QUEUE_URL", None),
        ("TILLSYNC_LIVE_QUEUE_URL", Some(" ")),
        ("TILLSYNC_SECRET", None),
        ("TILLSYNC_INSTALL", None),
        ("TILLSYNC_STAGE", None),
        ("TILLSYNC_CALLS_PER_SECOND", Some("9")),
        ("TILLSYNC_POLL_MINUTES", Some("2")),
        ("TILLSYNC_ALLOW_LOOPBACK", Some("perhaps")),
        ("TILLSYNC_SQUARE_API_URL", Some("ftp://example.com")),
    ];
    let stack = Setup { mapped: false, ..Setup::of(20) }.start().await;
    for (name, value) in cases {
        let function = stack.changed("backfill", name, value);
        let answer = function.invoke(&json!({}), PLENTY).await;
        assert!(
            matches!(&answer, Answer::InitError { message } if message.contains(name)),
            "{name}: {answer:?}"
        );
        assert_eq!(function.log.not_json(), Vec::<String>::new(), "{name}");
        assert!(function.log.text().contains(name), "{name}: {}", function.log.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_wrong_field_of_the_secret_stops_the_start_by_name() {
    for value in [None, Some("short".to_owned())] {
        let setup =
            Setup { mapped: false, secret: vec![("TILLSYNC_DATA_KEY", value.clone())], ..Setup::of(20) };
        let stack = setup.start().await;
        for name in ["backfill", "live_sync"] {
            let answer = stack.function(name).invoke(&json!({}), PLENTY).await;
            let named =
                matches!(&answer, Answer::InitError { message } if message.contains("TILLSYNC_DATA_KEY"));
            assert!(named, "{name} {value:?}: {answer:?}");
        }
        // It reads no secret.
        assert_eq!(stack.tick().await["ok"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_without_a_token_in_the_secret_names_the_field() {
    let fields = [("TILLSYNC_SOURCE_TOKEN", None), ("TILLSYNC_DESTINATION_KEY", Some(String::new()))];
    for (field, value) in fields {
        let stack = Setup { mapped: false, secret: vec![(field, value)], ..Setup::of(20) }.start().await;
        let event = json!({
            "action": "connect", "source": "square", "name": "Shop", "location": stack.location(),
            "destination_url": stack.running.activecampaign_url, "history": "all",
        });
        let (kind, message) = stack.operator(event).await.error();
        assert!(kind.starts_with("config.") && message.contains(field), "{kind} {message}");
    }
}
