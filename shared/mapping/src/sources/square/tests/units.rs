//! Small things by themselves.

use crate::sources::square::flaw::parse;
use crate::sources::square::text::{plain, slug, words};
use crate::sources::square::wire::{Order, Payment};

#[test]
fn a_place_holds_names_and_positions_and_no_value() {
    let place = |raw: &str| parse::<Order<'_>>(raw).err().map(|flaw| flaw.place());
    assert_eq!(place(r#"{"id":"1"}"#), None);
    assert_eq!(
        place(r#"{"id":"1","line_items":[{"quantity":"1"},{"quantity":"1","name":{"a":1}}]}"#).unwrap(),
        "line_items[1].name"
    );
    assert_eq!(
        place("{\"id\":\"1\",\n \"tenders\": [\n {\"created_at\": \"not a } time\"}]}").unwrap(),
        "tenders[0].created_at"
    );
    assert_eq!(place(r#"{"id":"\"quoted\" [","total_money":{"amount":1.5}}"#).unwrap(), "total_money.amount");
    assert_eq!(place(r#"{"line_items":[]}"#).unwrap(), "record");
    assert_eq!(place("7").unwrap(), "record");
}

#[test]
fn null_is_absent_and_unknown_words_are_kept_apart() {
    let raw =
        r#"{"id":"1","line_items":null,"state":"SHINY","tenders":null,"customer_id":null,"new":{"x":[1]}}"#;
    assert!(parse::<Order<'_>>(raw).is_ok());
    assert!(parse::<Payment<'_>>(r#"{"id":"1","status":"SHINY","offline_payment_details":null}"#).is_ok());
}

#[test]
fn html_becomes_text() {
    for (html, text) in [
        ("plain", "plain"),
        ("<p>Dark &amp; <b class=x>strong</b>,<br/>whole<P>beans</p>", "Dark & strong, whole beans"),
        ("5 < 6 &gt; 4", "5 < 6 > 4"),
        ("cut <b", "cut <b"),
        ("&amp;lt;", "&lt;"),
    ] {
        assert_eq!(plain(html), text);
    }
}

#[test]
fn names_become_keys_and_words() {
    assert_eq!(slug("  Café au lait – Größe 2!"), "café-au-lait-größe-2");
    assert_eq!(slug("***"), "");
    assert_eq!(words("Frais-de port (FR)"), ["frais", "de", "port", "fr"]);
}
