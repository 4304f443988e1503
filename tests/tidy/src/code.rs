//! What every file of code keeps to.

use crate::rust::{parts, product};
use crate::tree::{files, none};

/// Files near 100 lines; this many at the most.
const MAX_LINES: usize = 400;
/// Files that may be longer, with the reason.
const LONGER: &[(&str, &str)] = &[];
/// What marks work that was left undone, or was never meant to stay.
const LEFT_UNDONE: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];

#[test]
fn nothing_is_left_undone() {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.is_rust()) {
        for (line, text) in parts(&file.text).code.lines().enumerate() {
            if LEFT_UNDONE.iter().any(|word| text.contains(word)) {
                found.push(format!("{}:{}: {}", file.path, line + 1, text.trim()));
            }
        }
    }
    none("something was left undone", &found);
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.is_rust() && !file.is_test()) {
        for (line, text) in parts(product(&file.text)).code.lines().enumerate() {
            if text.contains(".unwrap()") {
                found.push(format!("{}:{}: {}", file.path, line + 1, text.trim()));
            }
        }
    }
    none("a process may not end for a slip; say what went wrong instead", &found);
}

#[test]
fn no_file_of_code_is_longer_than_400_lines() {
    let mut long = Vec::new();
    for file in files().iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        let excused = LONGER.iter().any(|(path, reason)| *path == file.path && !reason.is_empty());
        if lines > MAX_LINES && !excused {
            long.push(format!("{}: {lines} lines", file.path));
        }
    }
    none("a file has grown too long: split it by what it is about", &long);
}

#[test]
fn a_lint_is_silenced_with_a_reason_only() {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.is_rust()) {
        let code = parts(&file.text).code;
        for opening in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
            for (place, _) in code.match_indices(opening) {
                let attribute = code[place..].split(']').next().unwrap_or_default();
                if !attribute.contains("reason") {
                    let line = code[..place].matches('\n').count() + 1;
                    found.push(format!("{}:{line}: {attribute}]", file.path));
                }
            }
        }
    }
    none("a lint is silenced without a reason", &found);
}

#[test]
fn no_test_is_left_out_without_a_reason() {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.is_rust()) {
        for (line, text) in parts(&file.text).code.lines().enumerate() {
            if text.trim() == "#[ignore]" {
                found.push(format!("{}:{}", file.path, line + 1));
            }
        }
    }
    none("a test is ignored without a reason", &found);
}
