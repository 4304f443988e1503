//! Addresses and secrets.

use tillsync_mapping::model::{Email, Personal, Secret};

use super::text;
use crate::Target;

pub(super) const TARGET: Target = Target { name: "person", run, fixtures, weight: 60 };

fn run(data: &[u8]) {
    let given = text(data);
    let secret = Secret::new(&given);
    assert_eq!(format!("{secret:?}"), "[secret]");
    assert_eq!(secret.expose(), given.trim());
    if let Some(personal) = Personal::new(&given) {
        assert!(!personal.expose().is_empty() && format!("{personal:?}") == "[personal]");
    }
    let Ok(email) = Email::parse(&given) else { return };
    let plain = email.expose();
    assert_eq!(format!("{email:?}"), "Email([redacted])");
    assert!(plain.len() <= 254 && plain.matches('@').count() == 1, "{plain:?}");
    assert!(
        !plain.contains(|c: char| c.is_control() || c.is_whitespace() || "\"<>,;()[]\\".contains(c)),
        "{plain:?}"
    );
    assert_eq!(Email::parse(plain).as_ref(), Ok(&email), "not the same read again");
    assert!(Email::parse(&email.canonical()).is_ok_and(|small| small == email), "{plain:?}");
}

fn fixtures() -> Vec<Vec<u8>> {
    [
        "ann@example.org",
        "o'hara+shop@caf\u{e9}.example",
        "x@y.z",
        "\"a b\"@example.org",
        "a@b@c.org",
        "a@1.2.3.4",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
