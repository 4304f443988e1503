//! Changes of bytes.

use crate::random::Random;

/// What parsers stumble over (reliability.md section 5): numbers at and beyond every border, members twice, depth,
/// escapes that are half of something, text that is no UTF-8, addresses and times at the border of being any.
const TOKENS: &[&[u8]] = &[
    b"0",
    b"-0",
    b"-1",
    b"1e400",
    b"-1e-400",
    b"1e9223372036854775807",
    b"1e-9223372036854775808",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"0.1",
    b".5",
    b"5.",
    b"00",
    b"+1",
    b"1_000",
    b"NaN",
    b"0x10",
    b"null",
    b"true",
    b"\"\"",
    b"{}",
    b"[]",
    b"[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":{\"a\":",
    b"\"id\":1,\"id\":\"2\",",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\\ud83d\\ude00",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\0",
    b"\r\n",
    b"\t",
    b" ",
    b"@",
    b"@@",
    b"ann@example.org",
    b"\"Ann\" <ann@example.org>",
    b"xn--",
    b"%40",
    b"\xef\xbc\xa0",
    b"\xe2\x80\xae",
    b"\xe2\x80\x8b",
    b"EUR",
    b"JPY",
    b"KWD",
    b"XXX",
    b"2026-02-30",
    b"2016-12-31T23:59:60Z",
    b"9999-12-31T23:59:59.999999999Z",
    b"-009999-01-01T00:00:00Z",
    b"+23:59",
    b"-00:00",
    b"T24:00:00Z",
    b"[Europe/Paris]",
    b"../",
    b"://",
    b"#",
    b"=",
    b"DEFAULT",
    b"1.",
];

/// Bytes of no form at all.
pub(super) fn noise(random: &mut Random) -> Vec<u8> {
    (0..random.below(64)).map(|_| low_byte(random)).collect()
}

/// One change. `other` is another input, of which a piece may be taken.
pub(super) fn change(random: &mut Random, input: &mut Vec<u8>, other: &[u8]) {
    let at = random.below(input.len() + 1);
    match random.below(8) {
        0 => {
            let flip = 1_u8 << random.below(8);
            input.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= flip);
        }
        1 => {
            let new = low_byte(random);
            input.iter_mut().skip(at).take(1).for_each(|byte| *byte = new);
        }
        2 | 3 => {
            let token = random.pick(TOKENS).copied().unwrap_or_default();
            insert(input, at, token);
        }
        4 => {
            let (from, to) = span(random, input.len());
            input.drain(from..to);
        }
        5 => {
            let (from, to) = span(random, input.len());
            let twice = input.get(from..to).unwrap_or_default().to_vec();
            insert(input, at, &twice);
        }
        6 => {
            let (from, to) = span(random, other.len());
            insert(input, at, other.get(from..to).unwrap_or_default());
        }
        _ => number(random, input, at),
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let at = at.min(input.len());
    input.splice(at..at, piece.iter().copied());
}

/// The digits at or after a place, made another number; without any, the end is cut off.
fn number(random: &mut Random, input: &mut Vec<u8>, at: usize) {
    let Some(from) = (at..input.len()).find(|place| input.get(*place).is_some_and(u8::is_ascii_digit)) else {
        input.truncate(at);
        return;
    };
    let to = (from..input.len()).find(|place| !input.get(*place).is_some_and(u8::is_ascii_digit));
    let token = random.pick(TOKENS).copied().unwrap_or_default();
    input.splice(from..to.unwrap_or(input.len()), token.iter().copied());
}

/// A piece, most often a short one.
fn span(random: &mut Random, length: usize) -> (usize, usize) {
    let from = random.below(length + 1);
    let most = if random.once_in(8) { length } else { 24 };
    (from, (from + random.below(most + 1)).min(length))
}

fn low_byte(random: &mut Random) -> u8 {
    random.number().to_le_bytes()[0]
}
