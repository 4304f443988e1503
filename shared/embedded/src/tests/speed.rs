//! What keeps large histories fast: every statement finds its rows by index. Time itself is for a benchmark.

use rusqlite::Connection;

use super::{open, place};

/// How SQLite means to run a statement.
fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    // Parameters are left unbound: the plan does not depend on them.
    let mut rows = statement.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        lines.push(row.get::<_, String>(3).unwrap());
    }
    lines.join("\n")
}

#[test]
fn every_statement_searches_and_none_scans() {
    let place = place();
    drop(open(&place.dir));
    let connection = Connection::open(place.dir.database()).unwrap();
    for sql in crate::sqlite::statements() {
        let plan = plan(&connection, sql);
        assert!(!plan.contains("SCAN items") && !plan.contains("SCAN messages"), "{sql}\n{plan}");
        if sql.contains("ORDER BY sk") {
            assert!(
                plan.contains("(pk=? AND sk>? AND sk<?)") && !plan.contains("TEMP B-TREE"),
                "{sql}\n{plan}"
            );
        }
    }
}
