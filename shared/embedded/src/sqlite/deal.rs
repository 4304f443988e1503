//! Which messages are taken next. Groups take turns: the one served longest ago comes first, each gets one message
//! in a round, and rounds go on until the hand is full. So a backlog of a hundred thousand of one connection holds
//! up another's message by one turn, and a receive costs one look per group, whatever the backlog.

use std::collections::VecDeque;

use rusqlite::{Transaction, params};

/// A message that is due.
pub(super) struct Due {
    pub(super) id: i64,
    pub(super) attempts: u32,
}

/// Groups that have something due, the longest unserved first; ties by their oldest message.
const GROUPS: &str = "SELECT grp FROM (
        SELECT grp, served, (SELECT MIN(visible_at) FROM messages
            WHERE messages.lane = turns.lane AND messages.grp = turns.grp AND visible_at <= ?2) AS oldest
        FROM turns WHERE lane = ?1)
    WHERE oldest IS NOT NULL ORDER BY served, oldest, grp LIMIT ?3";
const OLDEST: &str = "SELECT id, attempts FROM messages WHERE lane = ?1 AND grp = ?2 AND visible_at <= ?3
    ORDER BY visible_at, id LIMIT ?4";
const SERVED: &str = "UPDATE turns SET served = ?3 WHERE lane = ?1 AND grp = ?2";

const LAST: &str = "SELECT COALESCE(MAX(served), 0) FROM turns WHERE lane = ?1";

/// Deals at most `max` messages of a lane and notes whose turn it was.
pub(super) fn deal(tx: &Transaction<'_>, lane: i64, max: usize, now: i64) -> rusqlite::Result<Vec<Due>> {
    let groups: Vec<String> = tx
        .prepare_cached(GROUPS)?
        .query_map(params![lane, now, max], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    // Of more groups than places, each chosen one gets one.
    let each = if groups.len() >= max { 1 } else { max };
    let mut hands = VecDeque::new();
    for group in &groups {
        let due = tx
            .prepare_cached(OLDEST)?
            .query_map(params![lane, group, now, each], |row| {
                Ok(Due { id: row.get(0)?, attempts: row.get(1)? })
            })?
            .collect::<rusqlite::Result<VecDeque<Due>>>()?;
        hands.push_back(due);
    }
    let last: i64 = tx.prepare_cached(LAST)?.query_row([lane], |row| row.get(0))?;
    for group in &groups {
        tx.prepare_cached(SERVED)?.execute(params![lane, group, last.saturating_add(1)])?;
    }
    let mut dealt = Vec::new();
    while dealt.len() < max {
        let Some(mut hand) = hands.pop_front() else { break };
        if let Some(due) = hand.pop_front() {
            dealt.push(due);
            hands.push_back(hand);
        }
    }
    Ok(dealt)
}

/// Every statement, for the test that reads their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[GROUPS, OLDEST, SERVED, LAST];
