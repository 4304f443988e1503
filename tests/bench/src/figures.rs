//! The figures, beside what they are to reach (design.md section 9): one JSON document, one table.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::floor::Floor;
use crate::wire_between::Phase;

/// Calls a second the program makes at most, when nothing else is set: to the source, to the destination.
const SOURCE_A_SECOND: f64 = 8.0;
const DESTINATION_A_SECOND: f64 = 4.0;
/// Bulk imports a second.
const IMPORTS_A_SECOND: f64 = 1.5;
/// Where the table stands in the README.
const MARKS: (&str, &str) = ("<!-- figures -->", "<!-- /figures -->");

/// Calls that were made.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Calls {
    /// To the source, connecting included.
    pub(crate) source: u64,
    /// Orders and products written.
    pub(crate) writes: u64,
    /// Read back.
    pub(crate) read_back: u64,
    /// People imported: a budget of their own.
    pub(crate) imports: u64,
}

/// One import.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Import {
    /// Orders in the shop.
    pub(crate) orders: u64,
    /// Those the account holds in the end.
    pub(crate) sent_orders: u64,
    /// Calls to both.
    pub(crate) calls: Calls,
    /// Of the program.
    pub(crate) cpu_seconds: f64,
    /// Of the program.
    pub(crate) peak_kib: u64,
    /// Of the program.
    pub(crate) wall_seconds: f64,
    /// Bytes of answers.
    pub(crate) received: u64,
    /// Bytes of questions.
    pub(crate) sent: u64,
    /// When what was called.
    pub(crate) phases: Vec<Phase>,
    /// The same without logic.
    pub(crate) floor: Floor,
}

/// Everything that was measured of imports.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// One for each size, the smallest first.
    pub(crate) imports: Vec<Import>,
    /// CPU seconds in a minute of a `serve` that has nothing to do.
    pub(crate) idle_cpu_a_minute: f64,
}

impl Import {
    fn thousand(&self, calls: u64) -> f64 {
        calls as f64 * 1e3 / self.sent_orders.max(1) as f64
    }

    fn cpu(&self) -> f64 {
        self.cpu_seconds * 1e4 / self.orders.max(1) as f64
    }

    fn floor(&self) -> f64 {
        self.floor.cpu_seconds * 1e4 / self.orders.max(1) as f64
    }

    /// The least time its calls need at the allowed rates.
    fn bound(&self) -> f64 {
        let destination = (self.calls.writes + self.calls.read_back) as f64 / DESTINATION_A_SECOND;
        let imports = self.calls.imports as f64 / IMPORTS_A_SECOND;
        (self.calls.source as f64 / SOURCE_A_SECOND).max(destination).max(imports)
    }
}

impl Figures {
    /// Writes them down.
    pub(crate) fn save(&self, to: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::write(to, text + "\n").map_err(|error| format!("{}: {error}", to.display()))
    }

    fn read(from: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(from).map_err(|error| format!("{}: {error}", from.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", from.display()))
    }

    fn table(&self) -> String {
        type Cell = (&'static str, &'static str, fn(&Import) -> String);
        let rows: [Cell; 10] = [
            ("calls to ActiveCampaign per 1,000 orders sent: orders and products written", "12", |one| {
                format!("{:.1}", one.thousand(one.calls.writes))
            }),
            ("the same with read-back", "24", |one| {
                format!("{:.1}", one.thousand(one.calls.writes + one.calls.read_back))
            }),
            ("calls to Square per 1,000 orders sent, everything included, connecting too", "30", |one| {
                format!("{:.1}", one.thousand(one.calls.source))
            }),
            ("CPU seconds per 10,000 orders", "0.5", |one| format!("{:.2}", one.cpu())),
            ("the floor: the same bytes and rows, no logic", "", |one| format!("{:.2}", one.floor())),
            ("CPU beside the floor", "2.0", |one| format!("{:.1}", one.cpu() / one.floor().max(0.01))),
            ("peak memory", "40 MiB", |one| format!("{:.0} MiB", one.peak_kib as f64 / 1024.0)),
            ("seconds", "", |one| format!("{:.0}", one.wall_seconds)),
            ("the least its calls need at the allowed rates", "", |one| format!("{:.0}", one.bound())),
            ("seconds beside the least", "1.1", |one| {
                format!("{:.2}", one.wall_seconds / one.bound().max(0.01))
            }),
        ];
        let mut text = String::from("| what |");
        for one in &self.imports {
            text += &format!(" {} orders |", thousands(one.orders));
        }
        text += " goal |\n|---|";
        text += &"---|".repeat(self.imports.len() + 1);
        text += "\n";
        for (what, goal, cell) in rows {
            let cells: String = self.imports.iter().map(|one| format!(" {} |", cell(one))).collect();
            let goal = if goal.is_empty() { String::new() } else { format!(" {goal}") };
            text += &format!("| {what} |{cells}{goal} |\n");
        }
        let idle = format!("{:.2}", self.idle_cpu_a_minute);
        text + &format!("\nA `serve` that has nothing to do uses {idle} CPU seconds a minute.\n")
    }
}

fn thousands(number: u64) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

/// Prints the table, and when the largest import called whom.
pub(crate) fn show(from: &Path) -> Result<(), String> {
    let figures = Figures::read(from)?;
    println!("{}", figures.table());
    let Some(largest) = figures.imports.last() else { return Ok(()) };
    println!("| call | calls | first | last |\n|---|---|---|---|");
    for phase in &largest.phases {
        let Phase { what, calls, from_second, to_second } = phase;
        println!("| {what} | {calls} | {from_second:.1} s | {to_second:.1} s |");
    }
    Ok(())
}

/// Puts the table into the README, between its marks.
pub(crate) fn write(from: &Path, readme: &Path) -> Result<(), String> {
    put(readme, MARKS, &Figures::read(from)?.table())
}

/// Puts a table into the README, between these marks.
pub(crate) fn put(readme: &Path, marks: (&str, &str), table: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", readme.display());
    let text = std::fs::read_to_string(readme).map_err(failed)?;
    let parts = text.split_once(marks.0).zip(text.split_once(marks.1));
    let ((before, _), (_, after)) = parts.ok_or("the README has no marks for the figures")?;
    let text = format!("{before}{}\n\n{table}\n{}{after}", marks.0, marks.1);
    std::fs::write(readme, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::{Calls, Figures, Import, write};
    use crate::floor::Floor;

    fn import(orders: u64) -> Import {
        let floor = Floor { cpu_seconds: 0.5, calls: 1, received: 1, sent: 1, rows: 1 };
        Import {
            orders,
            sent_orders: orders / 2,
            calls: Calls { source: 60, writes: 24, read_back: 20, imports: 3 },
            cpu_seconds: 1.5,
            peak_kib: 40 * 1024,
            wall_seconds: 22.0,
            received: 1,
            sent: 1,
            phases: Vec::new(),
            floor,
        }
    }

    #[test]
    fn figures_stand_beside_their_goals_and_replace_what_stood_between_the_marks() {
        let folder = tempfile::tempdir().unwrap();
        let (from, readme) = (folder.path().join("figures.json"), folder.path().join("README.md"));
        let figures = Figures { imports: vec![import(4_000), import(10_000)], idle_cpu_a_minute: 0.1 };
        figures.save(&from).unwrap();
        std::fs::write(&readme, "before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n").unwrap();
        for _ in 0..2 {
            write(&from, &readme).unwrap();
            let text = std::fs::read_to_string(&readme).unwrap();
            assert!(
                text.starts_with(
                    "before\n<!-- figures -->\n\n| what | 4,000 orders | 10,000 orders | goal |"
                )
            );
            assert!(text.ends_with("\n\n<!-- /figures -->\nafter\n") && !text.contains("old"), "{text}");
            for row in [
                "| the same with read-back | 22.0 | 8.8 | 24 |",
                "| CPU seconds per 10,000 orders | 3.75 | 1.50 | 0.5 |",
                "| CPU beside the floor | 3.0 | 3.0 | 2.0 |",
                "| peak memory | 40 MiB | 40 MiB | 40 MiB |",
                "| the least its calls need at the allowed rates | 11 | 11 | |",
                "| seconds beside the least | 2.00 | 2.00 | 1.1 |",
            ] {
                assert!(text.contains(row), "{row}: {text}");
            }
        }
        std::fs::write(&readme, "no marks").unwrap();
        assert!(write(&from, &readme).is_err());
    }
}
