//! Starts of the functions, next to a function that does nothing, in one run: time from the start of the process to
//! its first question for work, memory by then, size of the package.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::start::{Start, started};
use crate::table::{Row, print};

/// What is measured; the first is the measure.
const BINARIES: [&str; 7] =
    ["empty", "scheduled_poll", "live_sync", "backfill", "console", "oauth_callback", "webhook_intake"];
/// Starts of each, taken in turns so that what else the machine does meets all alike.
const ROUNDS: usize = 21;

/// Measures the binaries of a folder and prints them.
pub(crate) fn run(folder: &Path) -> Result<(), String> {
    print(&measure(folder)?);
    Ok(())
}

fn measure(folder: &Path) -> Result<Vec<Row>, String> {
    let mut starts: Vec<Vec<Start>> = BINARIES.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (binary, starts) in BINARIES.iter().zip(&mut starts) {
            starts.push(started(&folder.join(binary))?);
        }
    }
    let mut rows = Vec::new();
    for (binary, starts) in BINARIES.iter().zip(starts) {
        let zip = packed(&folder.join(binary))?;
        let micros = median(starts.iter().map(|start| start.micros).collect());
        let kib = median(starts.iter().map(|start| start.kib).collect());
        rows.push(Row { name: binary, micros, kib, zip });
    }
    let firsts: Result<Vec<u64>, String> = (0..ROUNDS).map(|_| first_random(folder)).collect();
    println!("first random number: {} us (goal: below 10000)\n", median(firsts?));
    Ok(rows)
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// Bytes of the binary in a zip file: deflated.
fn packed(binary: &Path) -> Result<u64, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", binary.display());
    let bytes = std::fs::read(binary).map_err(failed)?;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(&bytes).map_err(failed)?;
    Ok(encoder.finish().map_err(failed)?.len() as u64)
}

fn first_random(folder: &Path) -> Result<u64, String> {
    let output = Command::new(folder.join("random")).output().map_err(|error| format!("random: {error}"))?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|error| format!("random: {error}"))
}
