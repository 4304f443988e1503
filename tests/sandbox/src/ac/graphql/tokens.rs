//! Grammar tokens of a document: the server's parser counts them before it looks at anything else.

/// Tokens of the document, and the first field it asks for.
pub(crate) struct Scan {
    pub(crate) tokens: usize,
    pub(crate) root_field: Option<String>,
}

/// Counts names, numbers, strings and punctuation; blanks, commas and comments do not count.
pub(crate) fn scan(document: &str) -> Scan {
    let mut scan = Scan { tokens: 0, root_field: None };
    let bytes = document.as_bytes();
    let (mut at, mut depth, mut opened) = (0, 0_i32, false);
    while let Some(&byte) = bytes.get(at) {
        let length = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at);
                continue;
            }
            b'"' => string(&bytes[at..]),
            b'.' if bytes[at..].starts_with(b"...") => 3,
            b if b.is_ascii_alphanumeric() || b == b'_' || b == b'-' => word(&bytes[at..]),
            _ => 1,
        };
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'{' if depth == 0 => opened = true,
            _ => {}
        }
        let name = byte.is_ascii_alphabetic() || byte == b'_';
        if opened && depth == 0 && name && scan.root_field.is_none() {
            // A name before a colon is only an alias.
            let rest = document.get(at + length..).unwrap_or_default().trim_start();
            if !rest.starts_with(':') {
                scan.root_field = document.get(at..at + length).map(str::to_owned);
            }
        }
        scan.tokens += 1;
        at += length;
    }
    scan
}

fn word(bytes: &[u8]) -> usize {
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'.');
    bytes.iter().take_while(|b| part(b)).count().max(1)
}

/// The length of a string, in plain or in triple quotes.
fn string(bytes: &[u8]) -> usize {
    let block = bytes.starts_with(b"\"\"\"");
    let quotes = if block { 3 } else { 1 };
    let mut at = quotes;
    while at < bytes.len() {
        if bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] == b'"' && (!block || bytes[at..].starts_with(b"\"\"\"")) {
            return at + quotes;
        } else {
            at += 1;
        }
    }
    bytes.len()
}
