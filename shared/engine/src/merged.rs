//! What became of profiles that were merged, as hints and polls noted it: read by their ids, for those alone that no
//! longer resolve.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use tillsync_mapping::source::{Next, SourceError, Successors};

use crate::fault::{Fault, Kind};
use crate::ports::{Key, MAX_BATCH, Store};
use crate::state::{Merged, Row};

/// Links that are followed from one profile; a circle ends here.
const MOST_LINKS: usize = 20;

/// The links of the people of a store at a destination.
pub(crate) struct Noted {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) people: String,
}

impl Noted {
    async fn next(&self, profiles: &BTreeSet<String>) -> Result<BTreeMap<String, String>, Fault> {
        let keys: Vec<Key> = profiles.iter().map(|old| Merged::key(&self.people, old)).collect();
        let mut links = BTreeMap::new();
        for keys in keys.chunks(MAX_BATCH) {
            for item in self.store.get_many(keys).await?.iter().flatten() {
                let link = Row::<Merged>::parse(item)?.value;
                links.insert(link.old, link.new);
            }
        }
        Ok(links)
    }

    async fn last(&self, gone: &BTreeSet<String>) -> Result<BTreeMap<String, String>, Fault> {
        let mut last = self.next(gone).await?;
        let mut open: BTreeSet<String> = last.values().cloned().collect();
        for _ in 0..MOST_LINKS {
            let further = self.next(&open).await?;
            if further.is_empty() {
                break;
            }
            // What was merged may be merged again.
            for new in last.values_mut() {
                if let Some(newer) = further.get(new) {
                    new.clone_from(newer);
                }
            }
            open = further.into_values().collect();
        }
        Ok(last)
    }
}

#[async_trait]
impl Successors for Noted {
    async fn of(&self, gone: &BTreeSet<String>) -> Result<BTreeMap<String, String>, SourceError> {
        let failed = |fault: Fault| {
            let next = if fault.kind == Kind::Retry { Next::Retry } else { Next::Reject };
            SourceError { next, code: fault.code, detail: fault.detail }
        };
        self.last(gone).await.map_err(failed)
    }
}
