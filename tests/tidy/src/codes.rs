//! Every code that can appear is known to `tillsync explain`.

use std::collections::BTreeMap;

use crate::rust::{parts, product};
use crate::tree::{Source, files, none};

/// Where codes are made.
const PRODUCT: [&str; 2] = ["shared/", "functions/"];

/// First words of names of calls, for logs and counts: they look like codes and are none.
const CALLS: &[&str] = &[
    "account",
    "catalog",
    "connections",
    "contacts",
    "customer",
    "customers",
    "locations",
    "order",
    "orders",
    "payment",
    "payments",
    "products",
    "refund",
    "refunds",
    "schema",
    "subscriptions",
    "token",
];

/// Other texts of that form.
const OTHERS: &[(&str, &str)] = &[
    ("demo.control", "a call of the demonstration"),
    ("data.key", "a file"),
    ("key.new", "the end of a file's name"),
    ("json.new", "the end of a file's name"),
    ("owner.lock", "a file"),
    ("secrets.json", "a file"),
    ("secrets.lock", "a file"),
    ("tillsync.db", "a file"),
    ("squareup.com", "a host"),
    ("squareupsandbox.com", "a host"),
];

fn product_files() -> Vec<&'static Source> {
    files().iter().filter(|file| file.is_rust() && !file.is_test() && file.is_below(&PRODUCT)).collect()
}

/// `area.kind`, in small letters.
fn is_code(text: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
    let is_area = |area: &str| word(area) && (!area.contains('_') || area == "sign_in");
    text.split_once('.').is_some_and(|(area, kind)| is_area(area) && word(kind))
}

/// What stands between the quotes after `key: ` in an entry, or the value of the constant named there.
fn value(file: &str, entry: &str, key: &str) -> String {
    let rest = entry.split_once(&format!("{key}: ")).map_or("", |(_, rest)| rest);
    if let Some(text) = rest.strip_prefix('"') {
        return text.split('"').next().unwrap_or_default().to_owned();
    }
    let name = rest.split(',').next().unwrap_or_default();
    let constant = file.split_once(&format!("const {name}: &str = \"")).map_or("", |(_, rest)| rest);
    constant.split('"').next().unwrap_or_default().to_owned()
}

/// Every `CodeText`: its code, meaning and action, and the file that holds it.
fn explained() -> Vec<(String, String, String, String)> {
    let mut all = Vec::new();
    for file in product_files() {
        // The struct itself is no entry.
        let lists = file.text.replace("pub struct CodeText {", "");
        for entry in lists.split("CodeText {\n").skip(1) {
            let entry = entry.split("\n    },").next().unwrap_or_default();
            if entry.contains("code: ") && entry.contains("meaning: ") {
                let of = |key: &str| value(&file.text, entry, key);
                all.push((of("code"), of("meaning"), of("action"), file.path.clone()));
            }
        }
    }
    assert!(all.len() > 30, "the lists of codes were not found: {}", all.len());
    all
}

#[test]
fn every_code_is_explained() {
    let explained = explained();
    let mut unknown = Vec::new();
    // A source's table of fields names objects and their fields, and no code.
    let is_table = |file: &Source| {
        file.path.starts_with("shared/mapping/src/sources/") && file.path.ends_with("/fields.rs")
    };
    for file in product_files().into_iter().filter(|file| !is_table(file)) {
        for (line, text) in parts(product(&file.text)).texts {
            let area = text.split('.').next().unwrap_or_default();
            let known = explained.iter().any(|(code, ..)| *code == text)
                || CALLS.contains(&area)
                || OTHERS.iter().any(|(other, reason)| *other == text && !reason.is_empty());
            if is_code(&text) && !known {
                unknown.push(format!("{}:{line}: {text}", file.path));
            }
        }
    }
    none("`tillsync explain` does not know this code", &unknown);
}

#[test]
fn every_explanation_says_what_happened_and_what_to_do() {
    let mut wrong = Vec::new();
    for (code, meaning, action, path) in explained() {
        if !is_code(&code) {
            wrong.push(format!("{path}: {code:?} is no code of the form area.kind"));
        }
        for text in [meaning, action] {
            if text.len() < 10 || !text.ends_with('.') {
                wrong.push(format!("{path}: {code}: {text:?} is no sentence"));
            }
        }
    }
    none("an explanation explains nothing", &wrong);
}

#[test]
fn every_code_is_explained_once() {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (code, _, _, path) in explained() {
        seen.entry(code).or_default().push(path);
    }
    let twice: Vec<String> = seen
        .into_iter()
        .filter(|(_, paths)| paths.len() > 1)
        .map(|(code, paths)| format!("{code}: {}", paths.join(", ")))
        .collect();
    none("a code is explained twice", &twice);
}

#[test]
fn every_explanation_is_of_a_code_that_can_appear() {
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for file in product_files() {
        for (_, text) in parts(product(&file.text)).texts {
            *made.entry(text).or_default() += 1;
        }
    }
    let files = product_files();
    let by_name = |code: &str| {
        // A code with a name is used by its name.
        files.iter().any(|file| {
            let Some((before, _)) = file.text.split_once(&format!(": &str = \"{code}\";")) else {
                return false;
            };
            let name = before.rsplit("const ").next().unwrap_or_default();
            let uses = |file: &Source| {
                let declares = format!("const {name}:");
                let lines = file.text.lines().filter(|line| line.contains(name) && !line.contains(&declares));
                lines.filter(|line| !line.trim_start().starts_with("code: ")).count()
            };
            files.iter().copied().map(uses).sum::<usize>() > 0
        })
    };
    let by_place = |path: &str| path == "shared/embedded/src/error.rs";
    let unused: Vec<String> = explained()
        .into_iter()
        .filter(|(code, .., path)| made.get(code).is_none_or(|n| *n < 2) && !by_name(code) && !by_place(path))
        .map(|(code, .., path)| format!("{path}: {code}"))
        .collect();
    none("nothing answers with this code", &unused);
}
