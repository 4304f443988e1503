//! The token and the key of a draft that nobody went on with. Its row is gone after a day; by a line in a list, which has
//! no end of its own, they go too.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DRAFTS_ARE_KEPT, Draft};
use crate::context::Engine;
use crate::fault::Fault;
use crate::message::Work;
use crate::ports::{Key, Lane};
use crate::state::{Row, Tagged, list, load};

/// A draft that there was.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    draft: String,
    /// When the last step was taken that is known of.
    seen: Timestamp,
}

impl Tagged for Line {}

impl Line {
    const PARTITION: &'static str = "INDEX#DRAFT";

    fn row(draft: &str, seen: Timestamp) -> Row<Self> {
        Row::new(Key::new(Self::PARTITION, draft), Self { draft: draft.to_owned(), seen })
    }
}

/// Writes a new draft, with its line.
pub(super) async fn new_draft(engine: &Engine, id: &str, draft: Draft) -> Result<(), Fault> {
    let writes = vec![Row::new(Draft::key(id), draft).put()?, Line::row(id, engine.now()).put()?];
    engine.store.transact(writes).await?;
    Ok(())
}

/// Queues the drafts that may be gone by now: where this runs, no secret is read.
///
/// # Errors
/// Of the store and the queue.
pub(crate) async fn queue_leftovers(engine: &Engine) -> Result<(), Fault> {
    let now = engine.now();
    let lines: Vec<Row<Line>> = list(&*engine.store, Line::PARTITION, "").await?;
    for line in lines.into_iter().filter(|line| now.duration_since(line.value.seen) >= DRAFTS_ARE_KEPT) {
        let draft = line.value.draft;
        engine.send(Lane::Live, &draft, &[Work::Leftover { draft: draft.clone() }]).await?;
    }
    Ok(())
}

/// Forgets the secrets of a draft, unless somebody can still go on with it.
///
/// # Errors
/// Of the store and the vault.
pub(crate) async fn forget_leftover(engine: &Engine, id: &str) -> Result<(), Fault> {
    let line: Option<Row<Line>> = load(&*engine.store, Line::row(id, engine.now()).key).await?;
    let Some(mut line) = line else { return Ok(()) };
    let draft: Option<Row<Draft>> = load(&*engine.store, Draft::key(id)).await?;
    let open = draft.filter(|draft| draft.value.outcome.is_none());
    let write = if let Some(open) = open {
        line.value.seen = open.value.asked.unwrap_or_else(|| engine.now());
        line.put()?
    } else {
        let (token, key) = Draft::owners(id);
        engine.vault.forget(&token).await?;
        engine.vault.forget(&key).await?;
        line.delete()
    };
    // Where somebody else was faster, it is done.
    engine.store.transact(vec![write]).await?;
    Ok(())
}
