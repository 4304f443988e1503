//! Times are milliseconds since 1970 inside, RFC 3339 outside.

use jiff::Timestamp;

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// With milliseconds and `Z`, as Square prints most of its times.
pub(crate) fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map(|t| format!("{t:.3}")).unwrap_or_default()
}

/// To the second, for fields whose schema allows 25 characters at most.
pub(crate) fn rfc3339_short(ms: i64) -> String {
    Timestamp::from_millisecond(ms - ms.rem_euclid(SECOND)).map(|t| t.to_string()).unwrap_or_default()
}

/// Strictly RFC 3339: the parser underneath also takes a blank for the `T`.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let zone = text.ends_with('Z')
        || (bytes.len() > 25 - 1
            && matches!(bytes[bytes.len() - 6], b'+' | b'-')
            && bytes[bytes.len() - 3] == b':');
    if bytes.len() < 20 || bytes[10] != b'T' || !zone {
        return None;
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the other form of `Retry-After`.
pub(crate) fn http_date(ms: i64) -> String {
    Timestamp::from_millisecond(ms)
        .map(|t| t.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default()
}
