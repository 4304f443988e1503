//! What a platform sends by itself, with a signature that holds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::{Received, What, is_reference};
use tillsync_mapping::sources;

use super::none;
use crate::Target;

pub(super) const TARGET: Target = Target { name: "webhook", run, fixtures: none, weight: 60 };

const URL: &str = "https://example.com/webhooks/square/0123";
const KEY: &str = "signature-key";

fn run(data: &[u8]) {
    let Some(hooks) = sources::named("square").and_then(|source| source.webhooks()) else { return };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()) else { return };
    mac.update(URL.as_bytes());
    mac.update(data);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let headers = [("x-square-hmacsha256-signature", signature.as_bytes())];
    let received = Received { url: URL, headers: &headers, raw: data };
    let proved = hooks.verify(&Secret::new(KEY), &received);
    assert_eq!(proved.is_ok(), !data.is_empty(), "a signature that holds");
    // The bytes themselves as a signature, and the same one for another body.
    let forged = [("x-square-hmacsha256-signature", data)];
    assert!(hooks.verify(&Secret::new(KEY), &Received { headers: &forged, ..received }).is_err());
    let other = [data, b" "].concat();
    assert!(hooks.verify(&Secret::new(KEY), &Received { raw: &other, ..received }).is_err());
    let Some(notice) = proved.ok().and_then(|body| hooks.read(&body)) else { return };
    let ids: Vec<&String> = match &notice.what {
        What::Orders(ids) | What::Returns(ids) | What::People(ids) => ids.iter().collect(),
        What::Merged { old, new } => {
            assert!(!old.contains(new) && !old.is_empty());
            old.iter().chain([new]).collect()
        }
        What::Revoked => Vec::new(),
        What::Nothing => return,
    };
    assert!(ids.len() <= 101 && ids.iter().all(|id| is_reference(id)), "{ids:?}");
    assert!(is_reference(&notice.store) && is_reference(&notice.event), "{notice:?}");
    assert!(notice.location.as_deref().is_none_or(is_reference), "{notice:?}");
}
