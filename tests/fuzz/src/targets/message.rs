//! Messages of queues.

use tillsync_engine::message::Work;

use super::text;
use crate::{Target, corpus, quiet};

pub(super) const TARGET: Target = Target { name: "message", run, fixtures, weight: 60 };

fn run(data: &[u8]) {
    match Work::decode(&text(data)) {
        Ok(work) => {
            let again = work.encode().and_then(|text| Work::decode(&text));
            assert_eq!(again.as_ref(), Ok(&work), "not the same read again");
            let _ = work.about();
        }
        Err(fault) => {
            assert_eq!(fault.code, "data.corrupt");
            quiet::fault(&fault);
        }
    }
}

/// Every message of this version and of those before.
fn fixtures() -> Vec<Vec<u8>> {
    let messages = corpus::files_in("tests/stack/messages").into_iter();
    messages.map(|path| corpus::bytes(&corpus::json(&path))).collect()
}
