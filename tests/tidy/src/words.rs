//! What no file tells: the machine it was written on, how it was made, a secret.

use crate::tree::{files, none};

/// Folders of somebody's machine.
const MACHINES: [&str; 6] = ["/work/", "/root/", "/home/", "/Users/", "C:\\Users", "/tmp/"];
/// Words on the making of the project, as whole words.
const MAKING: [&str; 9] =
    ["AI", "LLM", "GPT", "ChatGPT", "Claude", "Copilot", "assistant", "Assistant", "language model"];
/// How secrets of the platforms begin.
const SECRETS: [&str; 5] = ["EAAA", "sq0atp-", "sq0csp-", "sq0idp-", "BEGIN PRIVATE KEY"];

/// Files taken from elsewhere, or that must hold such words.
const EXCUSED: &[(&str, &str)] = &[
    (
        "tests/sandbox/data/square-openapi.json",
        "the platform's own description, with country codes and links",
    ),
    ("tests/tidy/src/words.rs", "lists the words"),
];

/// Stand-ins for secrets.
const STAND_INS: &[(&str, &str)] =
    &[("tests/sandbox/src/world.rs", "a token of the real form, of no account")];

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(place, _)| {
        let before = line[..place].chars().next_back();
        let after = line[place + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

fn lines_with(excused: &[(&str, &str)], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files() {
        if EXCUSED.iter().chain(excused).any(|(path, reason)| *path == file.path && !reason.is_empty()) {
            continue;
        }
        for (line, text) in file.text.lines().enumerate().filter(|(_, text)| is_wrong(text)) {
            let start: String = text.trim().chars().take(90).collect();
            found.push(format!("{}:{}: {start}", file.path, line + 1));
        }
    }
    found
}

#[test]
fn no_file_tells_of_a_machine() {
    let found = lines_with(&[], |line| MACHINES.iter().any(|path| line.contains(path)));
    none("a path of somebody's machine", &found);
}

#[test]
fn no_file_tells_how_the_project_is_made() {
    none(
        "a word on how the project is made",
        &lines_with(&[], |line| MAKING.iter().any(|word| has_word(line, word))),
    );
}

#[test]
fn no_file_holds_what_looks_like_a_secret() {
    none(
        "what looks like a secret",
        &lines_with(STAND_INS, |line| SECRETS.iter().any(|start| has_start(line, start))),
    );
}

/// True where a word begins so and goes on: the bare beginning is no secret.
fn has_start(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(place, _)| {
        let fresh = !line[..place].chars().next_back().is_some_and(char::is_alphanumeric);
        let rest =
            line[place + start.len()..].chars().take_while(|c| c.is_alphanumeric() || "-_".contains(*c));
        fresh && (rest.count() >= 16 || start.contains(' '))
    })
}

#[test]
fn words_are_found_whole() {
    assert!(has_word("made by AI.", "AI") && has_word("AI", "AI"));
    assert!(!has_word("MAIN", "AI") && !has_word("AI_TEXT", "AI"));
    assert!(has_start("x = \"EAAAabcdefghijklmnop\"", "EAAA") && !has_start("starts with EAAA", "EAAA"));
}
