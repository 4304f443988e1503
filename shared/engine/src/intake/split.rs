//! From an event to messages: each below two kilobytes, whatever the event names.

use jiff::Timestamp;
use tillsync_mapping::source::{Notice, What};

use crate::message::{Hint, Work};

/// Letters of references in one message; the rest of it takes a few hundred.
const MOST_LETTERS: usize = 1_400;

/// The messages of an event.
pub(super) fn hints(source: &str, notice: &Notice, received: Timestamp) -> Vec<Work> {
    let work = |hint| Work::Hints {
        source: source.to_owned(),
        store: notice.store.clone(),
        location: notice.location.clone(),
        received,
        hint,
    };
    match &notice.what {
        What::Orders(ids) => parts(ids).map(|ids| work(Hint::Orders(ids))).collect(),
        What::Returns(ids) => parts(ids).map(|ids| work(Hint::Returns(ids))).collect(),
        What::People(ids) => parts(ids).map(|ids| work(Hint::People(ids))).collect(),
        What::Merged { old, new } => {
            parts(old).map(|old| work(Hint::Merged { old, new: new.clone() })).collect()
        }
        What::Revoked => vec![work(Hint::Revoked { at: notice.at })],
        What::Nothing => Vec::new(),
    }
}

/// References in parts that fit.
fn parts(ids: &[String]) -> impl Iterator<Item = Vec<String>> {
    let mut parts: Vec<Vec<String>> = Vec::new();
    let mut letters = 0;
    for id in ids {
        letters += id.len() + 3;
        match parts.last_mut().filter(|_| letters <= MOST_LETTERS) {
            Some(part) => part.push(id.clone()),
            None => {
                letters = id.len() + 3;
                parts.push(vec![id.clone()]);
            }
        }
    }
    parts.into_iter()
}

#[cfg(test)]
mod tests {
    use tillsync_mapping::source::{Notice, What};

    use super::hints;
    use crate::message::Work;

    #[test]
    fn every_message_is_below_two_kilobytes_and_no_reference_is_lost() {
        for (count, length) in [(1, 100), (3, 26), (100, 30), (100, 100), (41, 34)] {
            let ids: Vec<String> = (0..count).map(|n| format!("{n:0length$}")).collect();
            let notice = Notice {
                store: "M".repeat(100),
                location: Some("L".repeat(100)),
                event: "e".into(),
                at: None,
                what: What::Merged { old: ids.clone(), new: "N".repeat(100) },
            };
            let mut found = Vec::new();
            for work in hints("acme", &notice, jiff::Timestamp::UNIX_EPOCH) {
                let body = work.encode().unwrap();
                assert!(body.len() < 2_000, "{} letters", body.len());
                let Work::Hints { hint: crate::message::Hint::Merged { old, .. }, .. } = work else {
                    panic!("{work:?}")
                };
                found.extend(old);
            }
            assert_eq!(found, ids);
        }
    }
}
