//! The targets of what only hosts parse: sealed secrets, the file of secrets, settings, events of a queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tillsync_aws::{Arrival, SqsQueue};
use tillsync_embedded::{CODES, DataDir, DirVault};
use tillsync_engine::memory::{ManualClock, MemoryStore};
use tillsync_engine::ports::Lane;
use tillsync_fuzz::mutate::{Seed, mutate};
use tillsync_fuzz::random::Random;
use tillsync_host::{DataKey, Settings};
use tillsync_mapping::model::Secret;

const KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const CANARY: &str = "EAAA-canary";

/// Gives a target its corpus, then new inputs. The one that fails is shown.
fn fuzz(corpus: &[&[u8]], weight: u64, target: impl Fn(&[u8])) {
    let inputs = std::env::var("FUZZ_INPUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(500_u64);
    let seeds: Vec<Seed> = corpus.iter().map(|bytes| Seed::new(bytes.to_vec())).collect();
    let mut random = Random::new(3);
    let made = (0..inputs * weight).map(|_| mutate(&mut random, &seeds));
    for input in corpus.iter().map(|bytes| bytes.to_vec()).chain(made) {
        let held = catch_unwind(AssertUnwindSafe(|| target(&input))).is_ok();
        assert!(held, "it fails on {:?}", String::from_utf8_lossy(&input));
    }
}

#[test]
fn a_sealed_row_opens_as_it_was_sealed_or_not_at_all() {
    let key = DataKey::parse(&Secret::new(KEY)).unwrap();
    let sealed = key.seal("here", &Secret::new(CANARY)).unwrap();
    let other = key.seal("there", &Secret::new("another")).unwrap();
    fuzz(&[sealed.as_bytes(), other.as_bytes(), b"1.00000000.AAAA", b"1..", b""], 20, |data| {
        let text = String::from_utf8_lossy(data);
        match key.open("here", &text) {
            Ok(secret) => assert!(text == sealed && secret.expose() == CANARY, "opened: {text}"),
            Err(error) => assert!(!error.to_string().contains(CANARY)),
        }
    });
}

#[test]
fn a_data_key_is_long_enough_or_refused() {
    let two = format!("{KEY},{}", KEY.chars().rev().collect::<String>());
    fuzz(&[KEY.as_bytes(), two.as_bytes(), b"short", b","], 4, |data| {
        let text = String::from_utf8_lossy(data);
        match DataKey::parse(&Secret::new(&text)) {
            Ok(key) => {
                assert!(text.trim().split(',').all(|part| part.trim().len() >= 43), "{text}");
                let sealed = key.seal("p", &Secret::new("x")).unwrap();
                assert_eq!(key.open("p", &sealed).unwrap().expose(), "x");
            }
            Err(error) => assert!(!error.to_string().contains(&KEY[..20])),
        }
    });
}

#[test]
fn a_file_of_secrets_is_read_or_refused_by_its_place_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::open(folder.path().join("data")).unwrap();
    let whole = format!(r#"{{"version":1,"secrets":{{"STORE#a":"{CANARY}","DEST#b":"key"}}}}"#);
    let newer = whole.replace(":1,", ":2,");
    std::fs::write(dir.secrets(), b"{}").unwrap();
    #[cfg(unix)]
    {
        // One that others may read is refused before it is looked into.
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(dir.secrets(), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    fuzz(&[whole.as_bytes(), newer.as_bytes(), b"{}", b""], 1, |data| {
        std::fs::write(dir.secrets(), data).unwrap();
        let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH))));
        if let Err(error) = DirVault::open(&dir, store, None) {
            let said = error.to_string();
            assert!(!said.contains(CANARY) && !said.contains("STORE#a"), "{said}");
            assert!(CODES.iter().any(|text| text.code == error.code()), "{}", error.code());
        }
    });
}

#[test]
fn settings_are_read_or_refused_by_name() {
    let names = [
        "TILLSYNC_ALLOW_LOOPBACK",
        "TILLSYNC_SQUARE_API_URL",
        "TILLSYNC_SQUARE_APPLICATION_ID",
        "TILLSYNC_SQUARE_APPLICATION_SECRET",
        "TILLSYNC_DATA_KEY",
        "TILLSYNC_PUBLIC_URL",
        "TILLSYNC_DESTINATION_HOSTS",
        "TILLSYNC_CALLS_PER_SECOND",
        "TILLSYNC_POLL_MINUTES",
        "TILLSYNC_QUEUE_SECONDS",
        "TILLSYNC_ALERT_URL",
        "TILLSYNC_ALERT_COMMAND",
    ];
    let corpus: [&[u8]; 8] = [
        b"true",
        b"https://connect.squareupsandbox.com/",
        b"http://127.0.0.1:9/",
        b"a.example, b.example",
        b"4",
        b"30",
        b"https://alerts.example.com/hooks/EAAA-canary?sig=EAAA-canary",
        b"/usr/local/bin/alert",
    ];
    fuzz(&corpus, 4, |data| {
        let text = String::from_utf8_lossy(data);
        for name in names {
            match Settings::read(|asked| (asked == name).then(|| text.clone().into_owned())) {
                Ok(settings) => {
                    let (shown, allow) = (format!("{settings:?}"), settings.allow());
                    assert!(name != "TILLSYNC_ALERT_URL" || !shown.contains(CANARY), "{shown}");
                    assert!(!allow.loopback || name == "TILLSYNC_ALLOW_LOOPBACK");
                    assert!(settings.alert_allow().suffixes.is_empty());
                }
                Err(fault) => {
                    // Of an application half is given: the other half is missing.
                    let half = name.contains("_APPLICATION_") && fault.code == "config.missing";
                    assert!(half || fault.code == "config.invalid", "{name}: {}", fault.code);
                    assert!(fault.detail.contains(name), "{}", fault.detail);
                    assert!(!fault.detail.contains(CANARY), "{}", fault.detail);
                }
            }
        }
    });
}

#[test]
fn an_event_of_a_queue_is_worked_on_or_buried() {
    let event = br#"{"Records":[{"messageId":"1","receiptHandle":"h","body":"{\"v\":1,\"kind\":\"poll\",
        \"connection\":\"C1\"}","attributes":{"ApproximateReceiveCount":"1","MessageGroupId":"C1"},
        "messageAttributes":{"tries":{"stringValue":"2","dataType":"Number"}},"md5OfBody":"x",
        "eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:1:live","awsRegion":"eu-west-1"}]}"#;
    fuzz(&[event, b"{}", br#"{"Records":[]}"#], 8, |data| {
        let Ok(event) = serde_json::from_slice::<aws_lambda_events::sqs::SqsEvent>(data) else { return };
        for message in &event.records {
            let whole =
                message.attributes.get("ApproximateReceiveCount").and_then(|text| text.parse::<u32>().ok());
            match SqsQueue::arrived(Lane::Live, message) {
                Arrival::Delivery(delivery) => {
                    assert!(whole.is_some() && delivery.attempts <= tillsync_engine::ports::MAX_ATTEMPTS);
                    assert!(delivery.body.len() <= tillsync_aws::MAX_MESSAGE_BODY);
                }
                Arrival::Spent(delivery) => assert!(delivery.attempts > tillsync_engine::ports::MAX_ATTEMPTS),
                Arrival::Unreadable(delivery) => {
                    assert!(
                        whole.is_none()
                            || delivery.body.len() > tillsync_aws::MAX_MESSAGE_BODY
                            || message.body.is_none()
                    );
                }
            }
        }
    });
}
