//! Every fault of the notes on reliability (section 4) has a test that is named, or a reason why it has none.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A line per part of a row: fault | part | tests, or `out:` and the reason.
const TABLE: &str = include_str!("section4.txt");
/// Rows of the section; a row may have several parts.
const ROWS: usize = 22;

/// The functions of the tree that are tests, with how often their name stands there.
fn functions(folder: &Path, found: &mut BTreeMap<String, u32>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && !name.starts_with("target") {
            functions(&path, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap();
            for (before, _) in text.match_indices("fn ") {
                let name: String = text[before + 3..]
                    .chars()
                    .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
                    .collect();
                *found.entry(name).or_default() += 1;
            }
        }
    }
}

#[test]
fn every_fault_of_section_4_has_a_test_that_exists_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut tests = BTreeMap::new();
    for folder in ["shared", "functions", "tests"] {
        functions(&root.join(folder), &mut tests);
    }
    let mut rows = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [row, part, covered] = parts[..] else { panic!("three columns: {line}") };
        assert!(!part.is_empty(), "{line}");
        if !rows.contains(&row) {
            rows.push(row);
        }
        if let Some(reason) = covered.strip_prefix("out:") {
            assert!(reason.trim().len() > 20, "a reason that says why: {line}");
            continue;
        }
        for name in covered.split(", ") {
            let there = tests.get(name).copied().unwrap_or(0);
            assert!(there > 0, "no test is called {name}: {line}");
            assert!(name.split('_').count() > 3, "a name that says what holds: {name}");
        }
    }
    assert_eq!(rows.len(), ROWS, "{rows:#?}");
}
