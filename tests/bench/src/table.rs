//! The figures as a table, each beside the measure.

/// What was measured of one binary.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) micros: u64,
    pub(crate) kib: u64,
    pub(crate) zip: u64,
}

/// Prints the rows; the first is what the others are held against.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "| function | start to first `next` | of the empty one | peak memory | more than the empty one | zip |"
    );
    println!("|---|---|---|---|---|---|");
    let Some(empty) = rows.first() else { return };
    for row in rows {
        println!(
            "| {} | {:.1} ms | x {:.1} | {:.1} MiB | {:.1} MiB | {:.2} MB |",
            row.name,
            row.micros as f64 / 1e3,
            row.micros as f64 / empty.micros as f64,
            row.kib as f64 / 1024.0,
            (row.kib.saturating_sub(empty.kib)) as f64 / 1024.0,
            row.zip as f64 / 1e6,
        );
    }
}
