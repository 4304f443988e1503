//! A case per rule of rules.md, sections 1 to 4, as far as the engine keeps it; what a platform's fields come to is
//! tested beside its source. The cases are data: `section*.txt` are scripts of a shop's days, in the words of
//! `script.rs`. [`rules`] is the list: a rule without a case fails, and so does a case without a rule.

mod list;
mod script;
mod stage;
mod together;

use std::collections::BTreeSet;

use list::{RULES, Told};
use script::Script;

const SECTIONS: [(&str, &str); 4] = [
    ("1", include_str!("section1.txt")),
    ("2", include_str!("section2.txt")),
    ("3", include_str!("section3.txt")),
    ("4", include_str!("section4.txt")),
];

async fn check(section: &str) {
    let (_, text) = SECTIONS.iter().find(|(name, _)| *name == section).unwrap();
    let mut wrong = Vec::new();
    for script in Script::all(text) {
        if let Err(what) = script.play().await {
            wrong.push(format!("{}: {what}", script.rule));
        }
    }
    assert!(wrong.is_empty(), "section {section}:\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn section_1_what_becomes_an_order() {
    check("1").await;
}

#[tokio::test]
async fn section_2_history_live_and_automations() {
    check("2").await;
}

#[tokio::test]
async fn section_3_customers() {
    check("3").await;
}

#[tokio::test]
async fn section_4_writing() {
    check("4").await;
}

#[test]
fn every_rule_has_a_case_and_every_case_a_rule() {
    let mut wrong = Vec::new();
    for (section, text) in SECTIONS {
        let played: BTreeSet<String> = Script::all(text).into_iter().map(|script| script.rule).collect();
        let of_section = || RULES.iter().filter(|rule| rule.section == section);
        for rule in of_section() {
            match rule.told {
                Told::Here if !played.contains(rule.name) => wrong.push(format!("no script: {}", rule.name)),
                Told::Here => {}
                Told::In(file, test) => {
                    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
                    let text = std::fs::read_to_string(&path).unwrap_or_default();
                    if !text.contains(&format!("fn {test}(")) {
                        wrong.push(format!("{}: {file} has no test {test}", rule.name));
                    }
                }
            }
        }
        for name in played.iter().filter(|name| !of_section().any(|rule| rule.name == **name)) {
            wrong.push(format!("not in the list: {name}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
