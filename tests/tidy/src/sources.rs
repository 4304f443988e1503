//! A source is one folder and its line in the list: nobody else names it.

use crate::rust::product;
use crate::tree::{self, Source, files, folders, none};

/// Where sources live.
const FOLDER: &str = "shared/mapping/src/sources/";
/// The list of sources.
const LIST: &str = "shared/mapping/src/sources/mod.rs";
/// What every source's folder holds.
const PARTS: [&str; 4] = ["README.md", "mod.rs", "tests.rs", "fixtures"];

/// Tests that need a real name. What is not a test has no exception.
const TESTS: &[(&str, &str)] = &[
    (
        "shared/host/src/settings.rs",
        "names of settings are made of names of sources: only a real one shows which",
    ),
    (
        "shared/http/src/tests.rs",
        "the hostile addresses in its fixtures imitate a real host, so the list must hold it",
    ),
    (
        "shared/mapping/src/activecampaign/tests.rs",
        "the requests in its fixtures are whole ones, with the name a connection has at the destination",
    ),
];

/// The lines of a file that may not name a source.
fn checked(file: &Source) -> &str {
    let excused = TESTS.iter().any(|(path, reason)| *path == file.path && !reason.is_empty());
    match (excused, file.is_test()) {
        (true, true) => "",
        (true, false) => product(&file.text),
        (false, _) => &file.text,
    }
}

/// True for files in which sources may be named: their own, the stand-ins, tests of whole flows, documents, data.
fn may_name(file: &Source, source: &str) -> bool {
    let own = format!("{FOLDER}{source}/");
    file.is_below(&[&own, "tests/"])
        || file.path.ends_with(".md")
        || file.path.contains("/fixtures/")
        // What an operator sets and types names the source it is for.
        || file.is_below(&["infra/events/"])
        || [LIST, "Cargo.lock", "LICENSE", "template.yaml"].contains(&file.path.as_str())
}

#[test]
fn a_source_is_named_in_its_folder_alone() {
    let mut found = Vec::new();
    let files = files();
    for source in folders(FOLDER) {
        for file in files.iter().filter(|file| !may_name(file, &source)) {
            for (line, text) in checked(file).lines().enumerate() {
                if text.to_lowercase().contains(&source) {
                    found.push(format!("{}:{}: {}", file.path, line + 1, text.trim()));
                }
            }
        }
    }
    none("a source is named outside its folder; take its name from `sources::all()`", &found);
}

#[test]
fn the_list_names_a_source_in_its_two_lines_alone() {
    let list = tree::read(LIST);
    let mut modules = Vec::new();
    for line in list.lines() {
        modules
            .extend(line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')).map(str::to_owned));
    }
    modules.sort();
    assert_eq!(modules, folders(FOLDER), "left: modules of the list; right: folders");
    for source in modules {
        let lines = list.lines().filter(|line| line.to_lowercase().contains(&source)).count();
        assert_eq!(lines, 2, "{LIST} names {source} once as a module and once in the list");
    }
}

#[test]
fn every_source_has_a_readme_fixtures_and_tests() {
    let mut missing = Vec::new();
    for source in folders(FOLDER) {
        for part in PARTS {
            let path = format!("{FOLDER}{source}/{part}");
            if !tree::root().join(&path).exists() {
                missing.push(path);
            }
        }
        let fixtures = format!("{FOLDER}{source}/fixtures/");
        if !files().iter().any(|file| file.is_below(&[&fixtures])) {
            missing.push(format!("{fixtures}: any"));
        }
    }
    none("a source lacks", &missing);
}

#[test]
fn exceptions_are_still_needed() {
    let sources = folders(FOLDER);
    for (path, _) in TESTS {
        let text = tree::read(path).to_lowercase();
        assert!(sources.iter().any(|source| text.contains(source)), "{path} names no source any more");
    }
}
