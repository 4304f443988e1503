//! Going through ledgers, row by row, for questions that no key answers.

use jiff::SignedDuration;

use crate::context::Engine;
use crate::fault::Fault;
use crate::state::{LedgerRow, Row, Stream};

/// Rows of one look.
const PAGE: usize = 500;
/// A look takes so long at the most.
const ONE_PAGE: SignedDuration = SignedDuration::from_secs(5);

/// A walk through ledgers that ends after so many rows, or when its process is about to be stopped.
pub(crate) struct Walk<'a> {
    engine: &'a Engine,
    left: usize,
    /// Rows looked at so far.
    pub(crate) looked_at: u64,
    /// True when rows were left out.
    pub(crate) cut: bool,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(engine: &'a Engine, most: usize) -> Self {
        Self { engine, left: most, looked_at: 0, cut: false }
    }

    /// Shows every row of a stream with its id, until `see` says that it has seen enough (false).
    pub(crate) async fn rows(
        &mut self,
        partition: &str,
        stream: Stream,
        mut see: impl FnMut(String, LedgerRow) -> bool,
    ) -> Result<(), Fault> {
        let prefix = format!("REC#{}#", stream.word());
        let mut after: Option<String> = None;
        loop {
            if self.left == 0 || self.engine.is_short_of(ONE_PAGE) {
                // Whether there is more is not known then, and so not denied.
                self.cut = true;
                return Ok(());
            }
            let asked = PAGE.min(self.left);
            let items = self.engine.store.query(partition, &prefix, after.as_deref(), asked).await?;
            self.left -= items.len().min(self.left);
            let ended = items.len() < asked;
            for item in &items {
                self.looked_at += 1;
                let row: Row<LedgerRow> = Row::parse(item)?;
                let id = row.key.sk.strip_prefix(&prefix).unwrap_or_default();
                if !see(id.to_owned(), row.value) {
                    self.cut = true;
                    return Ok(());
                }
            }
            after = items.last().map(|item| item.key.sk.clone());
            if ended {
                return Ok(());
            }
        }
    }
}
