//! Versions, lints and members.

use std::collections::BTreeSet;

use crate::manifest::{Manifest, strings};
use crate::tree::{files, none};

/// What every package has from the workspace.
const INHERITED: [&str; 6] = ["version", "edition", "rust-version", "license", "repository", "publish"];

fn is_dependencies(section: &str) -> bool {
    section.ends_with("dependencies") && !section.starts_with("workspace")
}

#[test]
fn every_version_is_pinned_in_the_root() {
    let root = Manifest::of("");
    let mut loose = Vec::new();
    for (name, value) in root.entries("workspace.dependencies") {
        let version = match value.split_once("version = ") {
            Some((_, rest)) => rest,
            None => value,
        };
        if !value.contains("path = ") && !version.starts_with("\"=") {
            loose.push(format!("{name} = {value}"));
        }
    }
    none("a version is not pinned with `=`", &loose);
}

#[test]
fn members_take_their_versions_from_the_root() {
    let mut own = Vec::new();
    for member in Manifest::members() {
        let folder = &member.folder;
        for section in member.sections().filter(|section| is_dependencies(section)) {
            for (key, value) in member.entries(section) {
                let inherits =
                    (key.ends_with(".workspace") && value == "true") || value.contains("workspace = true");
                if !inherits {
                    own.push(format!("{folder}: {key} = {value}"));
                }
            }
        }
        let tables = member.sections().filter(|section| section.contains("dependencies."));
        own.extend(tables.map(|table| format!("{folder}: [{table}]: write it on one line")));
    }
    none("a member names a version of its own", &own);
}

#[test]
fn no_dependency_of_the_root_is_left_over() {
    let used: BTreeSet<String> = Manifest::members()
        .iter()
        .flat_map(|member| {
            let sections: Vec<&str> = member.sections().filter(|section| is_dependencies(section)).collect();
            sections.into_iter().flat_map(|section| member.crates(section)).collect::<Vec<_>>()
        })
        .collect();
    let left: Vec<String> =
        Manifest::of("").crates("workspace.dependencies").difference(&used).cloned().collect();
    none("nobody uses this dependency", &left);
}

#[test]
fn every_member_inherits_lints_and_what_is_said_of_the_project() {
    let mut wrong = Vec::new();
    for member in Manifest::members() {
        let folder = &member.folder;
        if member.value("lints", "workspace") != Some("true") {
            wrong.push(format!("{folder}: [lints] workspace = true"));
        }
        for key in INHERITED {
            if member.value("package", &format!("{key}.workspace")) != Some("true") {
                wrong.push(format!("{folder}: {key}.workspace = true"));
            }
        }
        if member.value("package", "description").is_none() {
            wrong.push(format!("{folder}: a description"));
        }
    }
    none("a package lacks", &wrong);
}

#[test]
fn every_package_is_a_member() {
    let root = Manifest::of("");
    let members = strings(root.value("workspace", "members").unwrap_or_default());
    let mut sorted = members.clone();
    sorted.sort();
    assert_eq!(members, sorted, "members are listed in order");
    let packages: Vec<String> =
        files().iter().filter_map(|file| file.path.strip_suffix("/Cargo.toml").map(str::to_owned)).collect();
    assert_eq!(packages, sorted, "left: folders with a manifest; right: members");
}

/// Without it the first random number of a process takes 44 to 204 ms, and seconds on a small function. It acts where
/// the library is compiled, so it must stand wherever cargo looks.
#[test]
fn every_build_leaves_out_the_slow_entropy() {
    let config = crate::tree::read(".cargo/config.toml");
    let env = config.split_once("[env]").map_or("", |(_, env)| env);
    assert!(env.lines().any(|line| line.trim() == "AWS_LC_SYS_NO_JITTER_ENTROPY = \"1\""), "{config}");
    let build = crate::tree::read("infra/build");
    assert!(
        build.contains("export AWS_LC_SYS_NO_JITTER_ENTROPY=1"),
        "infra/build may run where cargo does not look"
    );
}
