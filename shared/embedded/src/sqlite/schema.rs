//! The tables, by version. A released step is never changed; a change is a new step.

/// Marks the file as ours ("tlsy"), so that somebody else's database is refused.
pub(super) const APPLICATION_ID: i64 = 0x746c_7379;

/// Step n brings version n to n + 1. `PRAGMA user_version` holds the number of steps taken.
pub(super) const STEPS: &[&str] = &[FIRST, NOTHING_LEFT];

/// The step before which the file is written anew, since the versions before it left what they deleted in its free pages.
/// A program older than this step would leave more, and refuses the file.
pub(super) const SCRUBBED: usize = 1;
const NOTHING_LEFT: &str = "";

/// Times are microseconds since 1970. `body` stands last in its row, so that scans by tag or time stop before it.
///
/// - `items`: text compares by its UTF-8 bytes, the order the store promises. A table with rowids and an index, not
///   `WITHOUT ROWID`: there whole bodies would fill the inner pages of the tree. Measured with 100,000 items of 500
///   bytes in batches of 1,000, keys in no order: three to six times the time for writing, though a tally takes a third.
/// - `messages`: ids are never used twice, or an old receipt could fit a new message. `takes` counts every taking
///   and handing back and is the receipt's second half; `attempts` is what the engine is told and may go back.
///   `taken` is 1 from a taking until it is handed back.
/// - `turns`: when each group was last served, see `deal`.
const FIRST: &str = "
CREATE TABLE items (
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    rev INTEGER NOT NULL,
    expires INTEGER,
    tag TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (pk, sk)
) STRICT;
CREATE INDEX items_by_expiry ON items (expires) WHERE expires IS NOT NULL;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane INTEGER NOT NULL,
    grp TEXT NOT NULL,
    visible_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    takes INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX messages_due ON messages (lane, grp, visible_at);

CREATE TABLE turns (
    lane INTEGER NOT NULL,
    grp TEXT NOT NULL,
    served INTEGER NOT NULL,
    PRIMARY KEY (lane, grp)
) WITHOUT ROWID, STRICT;

CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane INTEGER NOT NULL,
    grp TEXT NOT NULL,
    died_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX dead_letters_by_lane ON dead_letters (lane, id);
";
