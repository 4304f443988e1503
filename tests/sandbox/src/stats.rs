//! What was asked of the stand-ins, for tests to read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Notes kept per list: enough to see what went wrong, bounded whatever a client does.
const NOTES: usize = 200;

#[derive(Debug, Default)]
pub(crate) struct Stats {
    calls: BTreeMap<&'static str, BTreeMap<String, u64>>,
    throttled: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    refused: Vec<Value>,
    violations: Vec<Value>,
    warnings: Vec<Value>,
    /// How often each kind of violation and warning was seen, kept or not.
    counts: BTreeMap<String, u64>,
}

impl Stats {
    pub(crate) fn call(&mut self, platform: &'static str, operation: &str) {
        *self.calls.entry(platform).or_default().entry(operation.to_owned()).or_default() += 1;
    }

    pub(crate) fn throttle(&mut self, platform: &'static str) {
        *self.throttled.entry(platform).or_default() += 1;
    }

    pub(crate) fn fault(&mut self, platform: &'static str) {
        *self.faults.entry(platform).or_default() += 1;
    }

    /// A request the platform would not take: every one of them is a defect of the client.
    pub(crate) fn refuse(&mut self, platform: &'static str, operation: &str, status: u16, body: &[u8]) {
        let body = String::from_utf8_lossy(body.get(..400).unwrap_or(body)).into_owned();
        note(
            &mut self.refused,
            json!({"platform": platform, "operation": operation, "status": status, "body": body}),
        );
    }

    /// Something the client must never do.
    pub(crate) fn violation(&mut self, kind: &str, subject: &str) {
        *self.counts.entry(kind.to_owned()).or_default() += 1;
        note(&mut self.violations, json!({"kind": kind, "subject": subject}));
    }

    /// Something the platform takes, and that is seldom meant.
    pub(crate) fn warning(&mut self, kind: &str, subject: &str) {
        *self.counts.entry(kind.to_owned()).or_default() += 1;
        note(&mut self.warnings, json!({"kind": kind, "subject": subject}));
    }

    pub(crate) fn platform(&self, platform: &str) -> Value {
        let empty = BTreeMap::new();
        let calls = self.calls.get(platform).unwrap_or(&empty);
        json!({
            "calls": calls.values().sum::<u64>(),
            "operations": calls,
            "throttled": self.throttled.get(platform).copied().unwrap_or(0),
            "faults": self.faults.get(platform).copied().unwrap_or(0),
        })
    }

    pub(crate) fn operations(&self, platform: &str) -> impl Iterator<Item = (&str, u64)> {
        self.calls.get(platform).into_iter().flatten().map(|(name, n)| (name.as_str(), *n))
    }

    pub(crate) fn notes(&self) -> [(&'static str, &Vec<Value>); 3] {
        [("refused", &self.refused), ("violations", &self.violations), ("warnings", &self.warnings)]
    }

    pub(crate) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

fn note(list: &mut Vec<Value>, what: Value) {
    if list.len() < NOTES {
        list.push(what);
    }
}
