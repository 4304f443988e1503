//! Just enough of Rust's grammar to tell code, comments and texts apart.

/// A file taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The code, with empty texts in the place of texts and nothing in the place of comments; lines as they were.
    pub(crate) code: String,
    /// What stands in texts, in order, with the number of its line.
    pub(crate) texts: Vec<(usize, String)>,
}

/// Takes a file apart.
pub(crate) fn parts(source: &str) -> Parts {
    let mut parts = Parts::default();
    let mut rest = source;
    let mut line = 1;
    while let Some(c) = rest.chars().next() {
        let before = rest;
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
            parts.code.extend(rest[..end].matches('\n'));
            rest = &rest[end..];
        } else if let Some(length) = raw_text(rest) {
            let body = rest[..length].trim_start_matches(['b', 'r', '#']).trim_end_matches('#');
            parts.text(line, body.trim_matches('"'), &rest[..length]);
            rest = &rest[length..];
        } else if c == '"' {
            let length = plain_text(rest);
            parts.text(line, &rest[1..length.saturating_sub(1).max(1)], &rest[..length]);
            rest = &rest[length..];
        } else {
            let length = letter(rest).unwrap_or(c.len_utf8());
            let kept = if length > c.len_utf8() { "' '" } else { &rest[..length] };
            parts.code.push_str(kept);
            rest = &rest[length..];
        }
        line += before[..before.len() - rest.len()].matches('\n').count();
    }
    parts
}

impl Parts {
    fn text(&mut self, line: usize, body: &str, whole: &str) {
        self.texts.push((line, body.to_owned()));
        self.code.push_str("\"\"");
        self.code.extend(whole.matches('\n'));
    }
}

/// The length of a raw text that begins here.
fn raw_text(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - after.len() + hashes + 1;
    Some(rest[start..].find(&close).map_or(rest.len(), |end| start + end + close.len()))
}

/// The length of a plain text that begins here.
fn plain_text(rest: &str) -> usize {
    let mut escaped = false;
    for (place, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a letter in quotes that begins here; none for a lifetime.
fn letter(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    if body.starts_with('\\') {
        return body.char_indices().skip(2).find(|(_, c)| *c == '\'').map(|(place, _)| place + 2);
    }
    let first = body.chars().next()?;
    body[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8() + 2)
}

/// The part of a file that is in the product: what stands before its tests.
pub(crate) fn product(source: &str) -> &str {
    let end = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\nmod test {"]
        .iter()
        .filter_map(|tests| source.find(tests))
        .min()
        .unwrap_or(source.len());
    &source[..end]
}

#[test]
fn code_comments_and_texts_are_told_apart() {
    let source = "let a = \"x // \\\"y\"; // \"no\"\nlet b = r#\"raw \"q\" \"#; /* \"c\"\n */ let c = '\"';\n\
                  fn d<'a>(e: &'a str) -> char { '\\'' }\nlet f = \"two\nlines\";";
    let found = parts(source);
    let texts: Vec<&str> = found.texts.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["x // \\\"y", "raw \"q\" ", "two\nlines"]);
    assert_eq!(found.texts[2].0, 5);
    assert_eq!(found.code.lines().count(), source.lines().count());
    assert!(!found.code.contains("no") && found.code.contains("fn d<'a>(e: &'a str)"), "{}", found.code);
}

#[test]
fn tests_in_a_file_are_no_product() {
    assert_eq!(product("fn a() {}\n#[cfg(test)]\nmod tests {\n}"), "fn a() {}\n");
    assert_eq!(product("#[cfg(test)]\nmod tests;\nfn a() {}"), "#[cfg(test)]\nmod tests;\nfn a() {}");
}
