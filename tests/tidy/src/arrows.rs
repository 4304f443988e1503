//! Dependencies point one way: functions -> aws | embedded, console, host, http -> engine -> mapping.

use std::collections::BTreeSet;

use crate::manifest::{Manifest, locked};
use crate::tree::none;

/// Package, and the packages of ours it may depend on. A new package takes its place here.
const ARROWS: &[(&str, &[&str])] = &[
    ("tillsync-mapping", &[]),
    ("tillsync-engine", &["tillsync-mapping"]),
    ("tillsync-http", &["tillsync-mapping"]),
    ("tillsync-host", &["tillsync-engine", "tillsync-http", "tillsync-mapping"]),
    ("tillsync-embedded", &["tillsync-engine", "tillsync-host", "tillsync-mapping"]),
    (
        "tillsync-aws",
        &["tillsync-emulators", "tillsync-engine", "tillsync-host", "tillsync-http", "tillsync-mapping"],
    ),
    ("tillsync-console", &["tillsync-engine", "tillsync-mapping"]),
    ("tillsync-scheduled-poll", &["tillsync-aws"]),
    ("tillsync-live-sync", &["tillsync-aws"]),
    ("tillsync-backfill", &["tillsync-aws"]),
    ("tillsync-console-function", &["tillsync-aws", "tillsync-console"]),
    ("tillsync-oauth-callback", &["tillsync-aws", "tillsync-console"]),
    ("tillsync-webhook-intake", &["tillsync-aws", "tillsync-console"]),
    (
        "tillsync",
        &[
            "tillsync-console",
            "tillsync-embedded",
            "tillsync-engine",
            "tillsync-host",
            "tillsync-http",
            "tillsync-mapping",
            "tillsync-sandbox",
        ],
    ),
    ("tillsync-sandbox", &[]),
    ("tillsync-emulators", &[]),
    ("tillsync-stack", &["tillsync-emulators", "tillsync-sandbox"]),
    (
        "tillsync-bench",
        &[
            "tillsync-embedded",
            "tillsync-engine",
            "tillsync-host",
            "tillsync-http",
            "tillsync-mapping",
            "tillsync-sandbox",
        ],
    ),
    (
        "tillsync-fuzz",
        &["tillsync-aws", "tillsync-embedded", "tillsync-engine", "tillsync-host", "tillsync-mapping"],
    ),
    ("tillsync-simulation", &["tillsync-engine", "tillsync-mapping"]),
    ("tillsync-tidy", &[]),
];

/// Tests of whole flows may use everything but a cloud's adapters. What they use is a matter of tests alone.
const FLOWS: (&str, &str) = ("tillsync-flows", "tillsync-aws");

/// What the pure half may use: data, text, time as a value. No clock is read, no socket opened.
const MAPPING_MAY_USE: &[&str] = &[
    "async-trait",
    "base64",
    "hmac",
    "hex",
    "iso_currency",
    "jiff",
    "secrecy",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "url",
];

/// What its tests may use besides.
const MAPPINGS_TESTS_MAY_USE: &[&str] = &["proptest"];

/// Runtimes, clients, servers and databases: hosts bring them.
const HOSTS_BRING: &[&str] =
    &["axum", "hyper", "lambda_http", "lambda_runtime", "reqwest", "rusqlite", "tokio", "ureq"];

/// A cryptography library that carries the name, and has nothing to do with the cloud.
const NOT_THE_CLOUD: &[&str] = &["aws-lc-rs", "aws-lc-sys"];

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

#[test]
fn arrows_point_one_way() {
    let mut wrong = Vec::new();
    for member in Manifest::members() {
        let name = member.name();
        for section in SECTIONS {
            let ours = member.crates(section).into_iter().filter(|name| name.starts_with("tillsync"));
            for other in ours {
                let fine = match ARROWS.iter().find(|(package, _)| *package == name) {
                    Some((_, may)) => may.contains(&other.as_str()),
                    None if name == FLOWS.0 => section == "dev-dependencies" && other != FLOWS.1,
                    None => false,
                };
                if !fine {
                    wrong.push(format!("{name} -> {other} ({section})"));
                }
            }
        }
        if name != FLOWS.0 && !ARROWS.iter().any(|(package, _)| *package == name) {
            wrong.push(format!("{name} has no place among the arrows"));
        }
    }
    none("a dependency points the wrong way", &wrong);
}

#[test]
fn mapping_uses_the_allow_list_alone() {
    let mapping = Manifest::of("shared/mapping");
    let allowed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    for (section, names) in SECTIONS.into_iter().zip([MAPPING_MAY_USE, MAPPINGS_TESTS_MAY_USE, &[]]) {
        let found = mapping.crates(section);
        assert_eq!(found, allowed(names), "{section}: left: what mapping uses; right: what it may use");
    }
}

#[test]
fn the_engine_names_no_runtime_no_client_and_no_database() {
    let engine = Manifest::of("shared/engine");
    let is_host = |name: &String| HOSTS_BRING.contains(&name.as_str()) || name.starts_with("aws-");
    let wrong: Vec<String> = engine.crates("dependencies").into_iter().filter(is_host).collect();
    none("the engine depends on what hosts bring", &wrong);
}

#[test]
fn no_cloud_crate_is_in_the_embedded_hosts_tree() {
    let packages = locked();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut open = vec!["tillsync"];
    while let Some(name) = open.pop() {
        if seen.insert(name) {
            open.extend(packages.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    assert!(seen.contains("rusqlite") && seen.len() > 100, "the tree was not followed: {seen:?}");
    let cloud = |name: &&str| {
        let named = name.starts_with("aws") || name.starts_with("lambda_") || *name == "tillsync-aws";
        named && !NOT_THE_CLOUD.contains(name)
    };
    let wrong: Vec<String> = seen.into_iter().filter(cloud).map(str::to_owned).collect();
    none("a cloud's crate is compiled into the embedded host", &wrong);
}

#[test]
fn stand_ins_share_nothing_with_the_product() {
    let sandbox = Manifest::of("tests/sandbox");
    let ours = |name: &String| name.starts_with("tillsync");
    let wrong: Vec<String> =
        SECTIONS.iter().flat_map(|section| sandbox.crates(section)).filter(ours).collect();
    none("a stand-in that shares code with the product agrees with its mistakes", &wrong);
}

#[test]
fn the_stand_ins_can_be_left_out_of_the_program() {
    let host = Manifest::of("functions/tillsync");
    let sandbox = host.value("dependencies", "tillsync-sandbox").unwrap_or_default();
    assert!(sandbox.contains("optional = true"), "tillsync-sandbox: {sandbox}");
}
