//! The rows the program left behind, written as often as it wrote them.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use tillsync_engine::ports::{Condition, Item, Key, Store, Write};

/// Rows of the ledger in one commit, as the program writes them.
const BATCH: usize = 100;

/// A row, and how often it was written.
struct Written {
    item: Item,
    times: u64,
}

/// Everything to be written, in commits.
pub(super) struct Commits {
    commits: Vec<Vec<Write>>,
    /// Rows written in all.
    pub(super) rows: u64,
}

impl Commits {
    /// Of the database a run of the program left behind. What it removed again is not there, so it costs the floor
    /// nothing.
    pub(super) fn of(database: &Path) -> Result<Self, String> {
        let failed = |error: rusqlite::Error| format!("{}: {error}", database.display());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(database, flags).map_err(failed)?;
        let sql = "SELECT pk, sk, tag, body, rev FROM items ORDER BY rowid";
        let mut statement = connection.prepare(sql).map_err(failed)?;
        let rows = statement.query_map([], |row| {
            let key = Key::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?);
            let item = Item { key, rev: 0, tag: row.get(2)?, body: row.get(3)?, expires: None };
            Ok(Written { item, times: row.get(4)? })
        });
        let rows: Vec<Written> = rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
        let (ledger, others): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.item.key.sk.starts_with("REC#"));
        let mut commits = Vec::new();
        for batch in ledger.chunks(BATCH) {
            let most = batch.iter().map(|row| row.times).max().unwrap_or(0);
            for time in 0..most {
                let due = batch.iter().filter(|row| row.times > time);
                commits.push(due.map(|row| put(&row.item, time)).collect());
            }
        }
        // Runs, windows and flights change one at a time.
        commits.extend(others.iter().flat_map(|row| (0..row.times).map(|time| vec![put(&row.item, time)])));
        let rows = commits.iter().map(|commit: &Vec<Write>| commit.len() as u64).sum();
        Ok(Self { commits, rows })
    }

    /// Makes the commits up to this share of all, of `whole` shares.
    pub(super) async fn make(
        &mut self,
        store: &dyn Store,
        done: &mut usize,
        share: usize,
        whole: usize,
    ) -> Result<(), String> {
        let end = (self.commits.len() * share).checked_div(whole).unwrap_or(self.commits.len());
        while *done < end {
            let writes = self.commits.get_mut(*done).map(std::mem::take).unwrap_or_default();
            store.write_each(writes).await.map_err(|error| error.to_string())?;
            *done += 1;
        }
        Ok(())
    }
}

fn put(item: &Item, time: u64) -> Write {
    let when = if time == 0 { Condition::Absent } else { Condition::Rev(time) };
    Write::Put { item: item.clone(), when }
}
