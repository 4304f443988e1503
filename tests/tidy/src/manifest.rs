//! Just enough of TOML to read our own manifests: one entry a line, lists over several.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree;

/// A manifest.
pub(crate) struct Manifest {
    /// Its folder, from the root.
    pub(crate) folder: String,
    /// Section to its entries, in order. A list over several lines is joined.
    sections: BTreeMap<String, Vec<(String, String)>>,
}

impl Manifest {
    /// Reads the manifest of a folder; the root's has none.
    pub(crate) fn of(folder: &str) -> Self {
        let path = if folder.is_empty() { "Cargo.toml".to_owned() } else { format!("{folder}/Cargo.toml") };
        let text = tree::read(&path);
        let mut sections: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let mut section = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with('[') && line.ends_with(']') {
                section = line.trim_matches(|c| c == '[' || c == ']').to_owned();
                sections.entry(section.clone()).or_default();
                continue;
            }
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{path}: {line}"));
            let mut value = value.trim().to_owned();
            while value.starts_with('[') && !value.ends_with(']') {
                value.push_str(lines.next().unwrap_or("]").trim());
            }
            sections.entry(section.clone()).or_default().push((key.trim().to_owned(), value));
        }
        Self { folder: folder.to_owned(), sections }
    }

    /// The manifests of all members.
    pub(crate) fn members() -> Vec<Self> {
        let root = Self::of("");
        let members = root.value("workspace", "members").expect("the workspace lists its members");
        strings(members).iter().map(|folder| Self::of(folder)).collect()
    }

    /// The sections there are.
    pub(crate) fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// The entries of a section.
    pub(crate) fn entries(&self, section: &str) -> &[(String, String)] {
        self.sections.get(section).map_or(&[], Vec::as_slice)
    }

    /// One value.
    pub(crate) fn value(&self, section: &str, key: &str) -> Option<&str> {
        self.entries(section).iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The package's name.
    pub(crate) fn name(&self) -> String {
        self.value("package", "name").unwrap_or_default().trim_matches('"').to_owned()
    }

    /// The crates of a section, as `dependencies`.
    pub(crate) fn crates(&self, section: &str) -> BTreeSet<String> {
        let name = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
        self.entries(section).iter().map(|(key, _)| name(key)).collect()
    }
}

/// The texts of a list.
pub(crate) fn strings(list: &str) -> Vec<String> {
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A locked package: its name and the names of what it needs, on any system and with any feature.
pub(crate) fn locked() -> BTreeMap<String, BTreeSet<String>> {
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for block in tree::read("Cargo.lock").split("[[package]]").skip(1) {
        let name = block.lines().find_map(|line| line.strip_prefix("name = ")).unwrap_or_default();
        let needs = block.split_once("dependencies = [").map_or("", |(_, rest)| rest);
        let needs = strings(needs.split(']').next().unwrap_or_default());
        // "name", or "name version" where there are several.
        let names = needs.iter().filter_map(|need| need.split(' ').next()).map(str::to_owned);
        packages.entry(name.trim_matches('"').to_owned()).or_default().extend(names);
    }
    packages
}
