//! The harness itself, tried with a function that does what it is told.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::function::Function;
use crate::log::Stream;
use crate::runtime::Answer;

const PLENTY: Duration = Duration::from_secs(10);

fn stand_in(env: &[(&str, &str)]) -> Function {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Function::new("stand_in", PathBuf::from(env!("CARGO_BIN_EXE_stand_in")), env)
}

#[tokio::test]
async fn a_process_serves_one_invocation_after_the_other() {
    let function = stand_in(&[]);
    let first = function.invoke(&json!({"n": 1}), PLENTY).await.ok();
    let second = function.invoke(&json!({"n": 2}), PLENTY).await.ok();
    assert_eq!((&first["echo"]["n"], &second["echo"]["n"]), (&json!(1), &json!(2)));
    assert_eq!(first["process"], second["process"]);
    assert_ne!(first["id"], second["id"]);
    assert_eq!(first["arn"], "arn:aws:lambda:us-east-1:123456789012:function:stand_in");
    let invocations = function.invocations();
    assert!(invocations[0].init.is_some() && invocations[1].init.is_none());
    assert!(invocations[1].peak_kib > 500, "{invocations:?}");
}

#[tokio::test]
async fn two_invocations_at_once_have_two_processes() {
    let function = stand_in(&[]);
    let sleep = json!({"do": "sleep", "ms": 300});
    let (one, two) = tokio::join!(function.invoke(&sleep, PLENTY), function.invoke(&sleep, PLENTY));
    assert_eq!((one.ok(), two.ok()), (json!("slept"), json!("slept")));
    assert_eq!(function.invocations().iter().filter(|one| one.init.is_some()).count(), 2);
}

#[tokio::test]
async fn a_process_is_killed_at_its_deadline_and_replaced() {
    let function = stand_in(&[]);
    let before = function.invoke(&json!({}), PLENTY).await.ok()["process"].clone();
    let late = function.invoke(&json!({"do": "sleep", "ms": 60_000}), Duration::from_millis(300)).await;
    assert_eq!(late, Answer::TimedOut);
    let after = function.invoke(&json!({}), PLENTY).await.ok()["process"].clone();
    assert_ne!(before, after);
    let folder = format!("/proc/{before}");
    assert!(!std::path::Path::new(&folder).exists(), "the process lives on");
}

#[tokio::test]
async fn failures_exits_and_starts_that_fail_are_told_apart() {
    let function = stand_in(&[]);
    let failed = function.invoke(&json!({"do": "fail"}), PLENTY).await.error();
    assert_eq!(failed, ("stand_in.failed".into(), "asked to".into()));
    let exited = function.invoke(&json!({"do": "exit"}), PLENTY).await;
    assert!(matches!(&exited, Answer::Exited { message } if message.contains('3')), "{exited:?}");
    let broken = stand_in(&[("STAND_IN_MISSING", "TILLSYNC_TABLE")]);
    let answer = broken.invoke(&json!({}), PLENTY).await;
    assert!(matches!(&answer, Answer::InitError { .. }), "{answer:?}");
    assert!(broken.log.text().contains("TILLSYNC_TABLE is missing"), "{}", broken.log.text());
}

#[tokio::test]
async fn what_is_printed_is_kept_and_looked_at() {
    let function = stand_in(&[]);
    for line in ["{\"_aws\":{},\"a\":1}", "plain"] {
        let answer = function.invoke(&json!({"do": "say", "line": line}), PLENTY).await.ok();
        assert_eq!(answer, Value::Null);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(function.log.not_json(), ["plain"]);
    assert_eq!(function.log.metrics()[0]["a"], 1);
    assert!(function.log.lines().iter().all(|(stream, _)| *stream == Stream::Out));
    assert_eq!(function.left_behind(), 0);
}
