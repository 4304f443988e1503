use super::{Hint, Work};

fn hints(location: Option<&str>, hint: Hint) -> Work {
    let (source, store) = ("acme".to_owned(), "M1".to_owned());
    let received = jiff::Timestamp::UNIX_EPOCH;
    Work::Hints { source, store, location: location.map(str::to_owned), received, hint }
}

fn golden() -> [(&'static str, Work); 11] {
    let (connection, run) = (|| "01JC".to_owned(), || "01JR".to_owned());
    [
        (
            r#"{"v":1,"kind":"window","connection":"01JC","run":"01JR","window":3}"#,
            Work::Window { connection: connection(), run: run(), window: 3 },
        ),
        (
            r#"{"v":1,"kind":"settle","connection":"01JC","run":"01JR"}"#,
            Work::Settle { connection: connection(), run: run() },
        ),
        (r#"{"v":1,"kind":"connect","draft":"01JD"}"#, Work::Connect { draft: "01JD".to_owned() }),
        (
            r#"{"v":1,"kind":"plan","connection":"01JC","run":"01JR"}"#,
            Work::Plan { connection: connection(), run: run() },
        ),
        (
            r#"{"v":1,"kind":"renew","source":"acme","store":"M1"}"#,
            Work::Renew { source: "acme".to_owned(), store: "M1".to_owned() },
        ),
        (
            r#"{"v":1,"kind":"hints","source":"acme","store":"M1","location":"L1","received":"1970-01-01T00:00:00Z","hint":{"orders":["O1"]}}"#,
            hints(Some("L1"), Hint::Orders(vec!["O1".into()])),
        ),
        (
            r#"{"v":1,"kind":"hints","source":"acme","store":"M1","received":"1970-01-01T00:00:00Z","hint":{"returns":["O2"]}}"#,
            hints(None, Hint::Returns(vec!["O2".into()])),
        ),
        (
            r#"{"v":1,"kind":"hints","source":"acme","store":"M1","received":"1970-01-01T00:00:00Z","hint":{"merged":{"old":["P1"],"new":"P2"}}}"#,
            hints(None, Hint::Merged { old: vec!["P1".into()], new: "P2".into() }),
        ),
        (
            r#"{"v":1,"kind":"hints","source":"acme","store":"M1","received":"1970-01-01T00:00:00Z","hint":{"revoked":{}}}"#,
            hints(None, Hint::Revoked { at: None }),
        ),
        (r#"{"v":1,"kind":"leftover","draft":"01JD"}"#, Work::Leftover { draft: "01JD".to_owned() }),
        (r#"{"v":1,"kind":"subscription","source":"acme"}"#, Work::Subscription { source: "acme".into() }),
    ]
}

/// These texts lie in queues while a new version is rolled out: they must be read for ever.
#[test]
fn messages_of_version_one_are_read_and_written() {
    for (text, work) in golden() {
        assert_eq!(Work::decode(text).unwrap(), work);
        assert_eq!(work.encode().unwrap(), text);
    }
}

#[test]
fn what_a_later_version_adds_does_not_hinder() {
    let text = r#"{"v":1,"kind":"plan","connection":"01JC","run":"01JR","because":"somebody asked"}"#;
    assert_eq!(Work::decode(text).unwrap(), golden()[3].1);
}

#[test]
fn a_message_of_a_later_version_is_refused() {
    let fault = Work::decode(r#"{"v":2,"kind":"settle","connection":"01JC","run":"01JR"}"#).unwrap_err();
    assert_eq!(fault.code, "data.corrupt");
    assert!(fault.detail.contains("version 2"), "{fault}");
}

#[test]
fn what_is_no_message_is_refused() {
    for text in [
        "",
        "{}",
        "null",
        "[]",
        r#"{"v":1}"#,
        r#"{"v":1,"kind":"dance"}"#,
        r#"{"kind":"connect","draft":"x"}"#,
        r#"{"v":1,"kind":"window","connection":"c","run":"r","window":-1}"#,
        "\u{0}",
    ] {
        assert_eq!(Work::decode(text).unwrap_err().code, "data.corrupt", "{text}");
    }
}

#[test]
fn messages_are_small_and_hold_references_only() {
    let id = "01JABCDEFGHJKMNPQRSTVWXYZ0".to_owned();
    let long = Work::Window { connection: id.clone(), run: id, window: u32::MAX };
    assert!(long.encode().unwrap().len() < 2_000);
    for (text, _) in golden() {
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        let known = [
            "v",
            "kind",
            "connection",
            "run",
            "window",
            "draft",
            "source",
            "store",
            "location",
            "received",
            "hint",
        ];
        assert!(fields.keys().all(|name| known.contains(&name.as_str())), "{text}");
    }
}

/// A queue holds what anybody with the right to send puts there; its words go into logs and dead letters.
#[test]
fn a_refusal_repeats_nothing_of_a_message() {
    for text in [
        r#""ann@example.org""#,
        r#"{"v":"ann@example.org"}"#,
        r#"{"v":1,"kind":"ann@example.org"}"#,
        r#"{"v":1,"kind":"window","connection":"c","run":"r","window":"ann@example.org"}"#,
    ] {
        let fault = Work::decode(text).unwrap_err();
        assert!(!fault.detail.contains("ann"), "{fault}");
        assert!(fault.detail.contains("line 1"), "{fault}");
    }
}
