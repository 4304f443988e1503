//! What somebody may have meant.

/// The name nearest to what was asked for, if one is near enough to be a slip.
pub(crate) fn nearest<'a>(asked: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let asked = asked.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&asked, &name.to_lowercase());
    let (name, distance) =
        names.into_iter().map(|name| (name, distance(name))).min_by_key(|(_, far)| *far)?;
    let allowed = (asked.chars().count() / 3).clamp(1, 5);
    let starts = name.len() > 2 && asked.len() > 2 && name.to_lowercase().starts_with(&asked);
    (distance <= allowed || starts).then_some(name)
}

/// `; did you mean "…"?`, or nothing.
pub(crate) fn hint<'a>(asked: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(asked, names).map_or(String::new(), |name| format!("; did you mean {name:?}?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_told_from_another_word() {
        let names = ["Main Street", "Caf\u{e9} Lyon", "start", "status", "connection"];
        let cases = [
            ("main street", Some("Main Street")),
            ("Main Stret", Some("Main Street")),
            ("Cafe Lyon", Some("Caf\u{e9} Lyon")),
            ("strat", Some("start")),
            ("stat", Some("start")),
            ("conection", Some("connection")),
            ("delete", None),
            ("", None),
        ];
        for (asked, expected) in cases {
            assert_eq!(nearest(asked, names), expected, "{asked:?}");
        }
    }
}
