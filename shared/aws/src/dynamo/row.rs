//! An item of ours as a row of the table, and back.

use std::collections::HashMap;
use std::io::{Read, Write as _};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use tillsync_engine::ports::{Item, Key, PortError};

use super::PORT;

/// A row by its attributes.
pub(super) type Row = HashMap<String, AttributeValue>;

pub(super) const PK: &str = "pk";
pub(super) const SK: &str = "sk";
pub(super) const REV: &str = "rev";
pub(super) const TAG: &str = "tag";
/// JSON as text, or deflated where that is shorter.
const BODY: &str = "body";
/// Expiry to the microsecond, for our own conditions.
pub(super) const EXP: &str = "exp";
/// Expiry in whole seconds, rounded up: the service removes the row some days later.
const TTL: &str = "ttl";
/// The write that made the row what it is: a repeated request recognises its own work by it.
const WID: &str = "wid";

/// Bytes from which a body is worth compressing. Writes are billed by the KB, the rest of a row takes 200 to 300.
const COMPRESS_FROM: usize = 700;
/// The most a body may have. A row holds 400 KB, in which more than this would not fit deflated either, unless it
/// was made to burst.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// The key alone.
pub(super) fn key_row(pk: &str, sk: &str) -> Row {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    Row::from([(PK.to_owned(), text(pk)), (SK.to_owned(), text(sk))])
}

/// An item as it is stored, made by the write `wid`.
pub(super) fn row_of(item: Item, rev: u64, wid: &str) -> Result<Row, PortError> {
    let mut row = key_row(&item.key.pk, &item.key.sk);
    let body = pack(item.body).map_err(|why| unreadable(&item.key, why))?;
    row.insert(REV.to_owned(), number(rev));
    row.insert(BODY.to_owned(), body);
    row.insert(WID.to_owned(), AttributeValue::S(wid.to_owned()));
    if !item.tag.is_empty() {
        row.insert(TAG.to_owned(), AttributeValue::S(item.tag));
    }
    if let Some(expires) = item.expires {
        let exp = expires.as_microsecond();
        let whole = exp.div_euclid(1_000_000) + i64::from(exp.rem_euclid(1_000_000) > 0);
        row.insert(EXP.to_owned(), number(exp));
        row.insert(TTL.to_owned(), number(whole));
    }
    Ok(row)
}

/// The item a row holds.
pub(super) fn item_of(row: &Row) -> Result<Item, PortError> {
    let text = |name: &str| row.get(name).and_then(|value| value.as_s().ok()).cloned();
    let key = Key::new(text(PK).unwrap_or_default(), text(SK).unwrap_or_default());
    let rev = number_of(row, REV).ok_or_else(|| unreadable(&key, "no revision"))?;
    let body = row.get(BODY).ok_or("no body").and_then(unpack).map_err(|why| unreadable(&key, why))?;
    let expires = expiry(row).map_err(|why| unreadable(&key, why))?;
    Ok(Item { key, rev, tag: text(TAG).unwrap_or_default(), body, expires })
}

/// The item a row holds, unless it has expired.
pub(super) fn alive(row: &Row, now: Timestamp) -> Result<Option<Item>, PortError> {
    let item = item_of(row)?;
    Ok(item.expires.is_none_or(|expires| expires.as_microsecond() > now.as_microsecond()).then_some(item))
}

/// Whether this row was made by the write `wid`.
pub(super) fn is_made_by(row: Option<&Row>, wid: &str) -> bool {
    row.and_then(|row| row.get(WID)).and_then(|value| value.as_s().ok()).is_some_and(|found| found == wid)
}

fn expiry(row: &Row) -> Result<Option<Timestamp>, &'static str> {
    if !row.contains_key(EXP) {
        return Ok(None);
    }
    let micros = number_of(row, EXP).ok_or("an expiry that is no number")?;
    Timestamp::from_microsecond(micros).map(Some).map_err(|_| "an expiry beyond all time")
}

pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn number_of<N: std::str::FromStr>(row: &Row, name: &str) -> Option<N> {
    row.get(name)?.as_n().ok()?.parse().ok()
}

fn pack(body: String) -> Result<AttributeValue, &'static str> {
    if body.len() > MAX_BODY {
        return Err("a body that is too long");
    }
    if body.len() > COMPRESS_FROM {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(body.as_bytes()).and_then(|()| encoder.finish());
        if let Ok(packed) = packed
            && packed.len() < body.len()
        {
            return Ok(AttributeValue::B(Blob::new(packed)));
        }
    }
    Ok(AttributeValue::S(body))
}

fn unpack(value: &AttributeValue) -> Result<String, &'static str> {
    match value {
        AttributeValue::S(body) => Ok(body.clone()),
        AttributeValue::B(packed) => {
            let most = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
            let mut body = String::new();
            // One byte more than allowed tells what is too long from what just fits.
            let read = DeflateDecoder::new(packed.as_ref()).take(most + 1).read_to_string(&mut body);
            match read {
                Ok(length) if length <= MAX_BODY => Ok(body),
                Ok(_) => Err("a body that is too long"),
                Err(_) => Err("a body that is not what was stored"),
            }
        }
        _ => Err("a body of another type"),
    }
}

/// Names the place, nothing of what is there.
fn unreadable(key: &Key, why: &str) -> PortError {
    PortError { what: PORT, detail: format!("the item {} {}: {why}", key.pk, key.sk) }
}

#[cfg(test)]
mod tests;
