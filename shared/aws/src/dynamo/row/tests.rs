use tillsync_engine::ports::{Item, Key};

use super::*;

fn item(body: &str) -> Item {
    Item { key: Key::new("P", "a"), rev: 0, tag: String::new(), body: body.to_owned(), expires: None }
}

#[test]
fn what_bursts_is_refused_before_it_fills_the_memory() {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b'0'; 1024 * 1024];
    for _ in 0..64 {
        encoder.write_all(&zeros).unwrap();
    }
    let packed = encoder.finish().unwrap();
    assert!(packed.len() < 100_000, "it would fit into a row");
    let mut row = row_of(item("x"), 1, "w").unwrap();
    row.insert(BODY.to_owned(), AttributeValue::B(Blob::new(packed)));
    let error = item_of(&row).unwrap_err();
    assert_eq!(error.detail, "the item P a: a body that is too long");
}

#[test]
fn what_cannot_be_read_names_the_place_and_nothing_of_the_content() {
    let row = row_of(item("canary"), 1, "w").unwrap();
    let broken = [
        (REV, AttributeValue::S("canary".to_owned())),
        (BODY, AttributeValue::B(Blob::new("canary"))),
        (BODY, AttributeValue::Bool(true)),
        (EXP, AttributeValue::N("1e9canary".to_owned())),
        (EXP, AttributeValue::N(i64::MAX.to_string())),
    ];
    for (name, value) in broken {
        let mut row = row.clone();
        row.insert(name.to_owned(), value);
        let error = item_of(&row).unwrap_err();
        assert!(error.detail.starts_with("the item P a: ") && !error.detail.contains("canary"), "{error}");
    }
}

#[test]
fn expiry_is_exact_to_the_microsecond() {
    let at = |micros| Timestamp::from_microsecond(micros).unwrap();
    let row = row_of(Item { expires: Some(at(1_000_001)), ..item("x") }, 1, "w").unwrap();
    assert!(alive(&row, at(1_000_000)).unwrap().is_some());
    assert!(alive(&row, at(1_000_001)).unwrap().is_none());
    assert_eq!(row[TTL], number(2));
    let whole = row_of(Item { expires: Some(at(1_000_000)), ..item("x") }, 1, "w").unwrap();
    assert_eq!(whole[TTL], number(1));
}
