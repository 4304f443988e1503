//! By which ids both sides know the same thing (R1.4): a step of a draft. The source's table says what goes where
//! (`Source::fields`), so what is shown is what is sent.

use serde::{Deserialize, Serialize};
use tillsync_mapping::source::{CUSTOMER, FieldLine, Source};

use super::steps::change;
use super::{Draft, going_on};
use crate::context::Engine;
use crate::fault::Fault;

/// An id of the source and what it is at the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedId {
    /// The source's object and field, as `customer.id`.
    pub from: String,
    /// The destination's, as `order.storeCustomerId`.
    pub to: String,
    /// What that is, in words.
    pub what: String,
}

impl MatchedId {
    fn of(line: &FieldLine) -> Option<Self> {
        let what = line.matches?.to_owned();
        Some(Self { from: line.from.to_owned(), to: line.to.to_owned(), what })
    }
}

/// The ids of a source that are matched, customers' first.
#[must_use]
pub fn matched_ids(source: &dyn Source) -> Vec<MatchedId> {
    let mut all: Vec<MatchedId> = source.fields().iter().filter_map(MatchedId::of).collect();
    all.sort_by_key(|one| one.to != CUSTOMER);
    all
}

/// The whole table of the source of a draft, ids first.
///
/// # Errors
/// `source.unknown`.
pub fn fields_of(engine: &Engine, draft: &Draft) -> Result<&'static [FieldLine], Fault> {
    Ok(engine.source(&draft.request.source)?.fields())
}

/// Chooses which field of a customer is the external id at the destination; nothing is the one there is.
///
/// # Errors
/// `draft.unknown`, `draft.finished`; `draft.ids` for another field than the one there is.
pub async fn match_ids(engine: &Engine, id: &str, customer: Option<&str>) -> Result<Vec<MatchedId>, Fault> {
    let draft = going_on(engine, id).await?;
    let all = matched_ids(engine.source(&draft.request.source)?);
    let there = all.first().map(|one| one.from.clone()).unwrap_or_default();
    if let Some(asked) = customer.filter(|asked| asked.trim() != there) {
        let detail = format!("customers are matched by {there}, and not by {asked:?}");
        return Err(Fault::usage("draft.ids", detail));
    }
    change(engine, id, |_, steps| steps.ids = Some(there.clone())).await?;
    Ok(all)
}
