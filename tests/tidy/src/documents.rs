//! Documents say what is there.

use std::collections::BTreeSet;

use crate::rust::{parts, product};
use crate::tree::{files, folders, none, read, root};

/// The words of the command line, and of `backfill`'s second place.
const CLI: &str = "functions/tillsync/src/cli.rs";

/// The commands of an enum, as they are typed; hidden ones left out.
fn variants(name: &str) -> BTreeSet<String> {
    let text = read(CLI);
    let body = text.split_once(&format!("enum {name} {{\n")).map_or("", |(_, rest)| rest);
    let body = body.split("\n}\n").next().unwrap_or_default();
    let mut commands = BTreeSet::new();
    let mut hidden = false;
    for line in body.lines() {
        let Some(line) = line.strip_prefix("    ").filter(|line| !line.starts_with([' ', '}', '/'])) else {
            continue;
        };
        if line.starts_with('#') {
            hidden |= line.contains("hide = true");
            continue;
        }
        let word: String = line.chars().take_while(|c| c.is_alphanumeric()).collect();
        if !word.is_empty() && !hidden {
            commands.insert(kebab(&word));
        }
        hidden = false;
    }
    assert!(commands.len() > 2, "the commands of {name} were not found");
    commands
}

fn kebab(word: &str) -> String {
    let mut text = String::new();
    for c in word.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// The commands in the README's table: the rows that begin with one.
fn rows() -> Vec<String> {
    let rows = read("README.md");
    let rows = rows.lines().filter_map(|line| line.strip_prefix("| `tillsync "));
    rows.map(|row| row.split('`').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_readme_lists_every_command() {
    let first = |row: &String| row.split(' ').next().unwrap_or_default().to_owned();
    let told: BTreeSet<String> = rows().iter().map(first).collect();
    assert_eq!(told, variants("Command"), "left: the README's table; right: {CLI}");
    let told: BTreeSet<String> = rows()
        .iter()
        .filter_map(|row| row.strip_prefix("backfill "))
        .map(|row| row.split(' ').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(told, variants("Backfill"), "left: the README's rows of backfill; right: {CLI}");
}

/// Every `TILLSYNC_...` in a text.
fn settings(text: &str) -> BTreeSet<String> {
    let part = |c: &char| c.is_ascii_uppercase() || *c == '_';
    text.match_indices("TILLSYNC_")
        .map(|(place, _)| text[place..].chars().take_while(part).collect())
        .collect()
}

#[test]
fn the_readme_lists_every_setting() {
    let mut known = BTreeSet::new();
    for file in files()
        .iter()
        .filter(|file| file.is_rust() && !file.is_test() && file.is_below(&["functions/", "shared/"]))
    {
        for (_, text) in parts(product(&file.text)).texts {
            match text.split_once("{}") {
                Some(("TILLSYNC_", end)) => {
                    let names = folders("shared/mapping/src/sources");
                    known.extend(names.iter().map(|name| format!("TILLSYNC_{}{end}", name.to_uppercase())));
                }
                _ => known.extend(settings(&text)),
            }
        }
    }
    let readme = read("README.md");
    let table = readme.lines().filter_map(|line| line.strip_prefix("| `TILLSYNC_"));
    let told: BTreeSet<String> = table
        .flat_map(|row| settings(&format!("TILLSYNC_{}", row.split('`').next().unwrap_or_default())))
        .collect();
    assert_eq!(told, known, "left: the README's table; right: what the program reads");
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut dead = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with(".md")) {
        let folder = root().join(&file.path);
        let folder = folder.parent().expect("a file has a folder");
        for (place, _) in file.text.match_indices("](") {
            let target = file.text[place + 2..].split([')', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                dead.push(format!("{}: {target}", file.path));
            }
        }
    }
    none("a link leads nowhere", &dead);
}

#[test]
fn the_gate_is_the_same_everywhere() {
    let gate = read(".ci/run");
    let lines: Vec<&str> = gate.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.iter().any(|line| line.contains("tests/run")), ".ci/run does not call tests/run");
    assert!(lines.len() <= 3, ".ci/run does more than calling tests/run: {lines:?}");
}
