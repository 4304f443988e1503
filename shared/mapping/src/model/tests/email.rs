//! Addresses: what is taken, and what is refused.

use crate::model::{Email, InvalidEmail};

#[test]
fn addresses_that_mail_can_reach_are_taken_as_they_are() {
    for (text, canonical) in [
        ("a@example.org", "a@example.org"),
        ("Ana.Lima@Example.ORG", "ana.lima@example.org"),
        ("  a@example.org ", "a@example.org"),
        ("a@example.org\r\n", "a@example.org"),
        ("\u{a0}a@example.org\u{a0}", "a@example.org"),
        ("a+tag@example.org", "a+tag@example.org"),
        ("a_b-c@example.org", "a_b-c@example.org"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~@example.org"),
        ("1234567890@example.org", "1234567890@example.org"),
        ("a@sub.sub2.example.co.uk", "a@sub.sub2.example.co.uk"),
        ("a@ex-ample.org", "a@ex-ample.org"),
        ("a@1and1.example", "a@1and1.example"),
        ("a@x.museum", "a@x.museum"),
        ("a@b.c", "a@b.c"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@bücher.example", "a@bücher.example"),
        ("a@BÜCHER.example", "a@bücher.example"),
        ("müller@example.de", "müller@example.de"),
        ("用户@例子.广告", "用户@例子.广告"),
        ("иван@пример.рф", "иван@пример.рф"),
        ("ИВАН@ПРИМЕР.РФ", "иван@пример.рф"),
        ("δοκιμή@παράδειγμα.ελ", "δοκιμή@παράδειγμα.ελ"),
        ("a@例え.テスト", "a@例え.テスト"),
        ("-a-@example.org", "-a-@example.org"),
        ("a@3com.example", "a@3com.example"),
    ] {
        let email = Email::parse(text).unwrap_or_else(|_| panic!("{text:?}"));
        assert_eq!(email.expose(), text.trim());
        assert_eq!(email.canonical(), canonical);
        assert_eq!(email, Email::parse(&text.to_uppercase().to_lowercase()).unwrap());
        assert_eq!(serde_json::to_string(&email).unwrap(), serde_json::to_string(text.trim()).unwrap());
    }
    // The longest parts that fit.
    let local = "l".repeat(64);
    let label = "d".repeat(63);
    let domain = format!("{label}.{label}.{}", "d".repeat(254 - 65 - 128));
    assert_eq!(format!("{local}@{domain}").len(), 254);
    assert!(Email::parse(&format!("{local}@{domain}")).is_ok());
    assert!(Email::parse(&format!("{local}@{domain}x")).is_err());
    assert!(Email::parse(&format!("{local}l@{label}.org")).is_err());
    assert!(Email::parse(&format!("a@{label}d.org")).is_err());
}

const REFUSED: &[&str] = &[
    // Nothing there.
    "",
    " ",
    "\t\r\n",
    "@",
    "a",
    "a@",
    "@b.org",
    "example.org",
    "a.example.org",
    // Wrong number of parts.
    "a@b@c.org",
    "a@@b.org",
    "@a@b.org",
    "a@b.org@",
    "a@b.org,c@d.org",
    "a@b.org;c@d.org",
    "a@b.org c@d.org",
    // Domains that are none.
    "a@localhost",
    "a@b",
    "a@.org",
    "a@b.",
    "a@b..org",
    "a@.b.org",
    "a@-b.org",
    "a@b-.org",
    "a@b.-org",
    "a@b.org-",
    "a@b_c.org",
    "a@b!.org",
    "a@b.org.",
    "a@b/c.org",
    "a@b.org/path",
    "a@b:25.org",
    "a@b.org:25",
    "a@[127.0.0.1]",
    "a@[IPv6:::1]",
    "a@127.0.0.1",
    "a@1.2.3.4",
    "a@example.123",
    "a@%62.org",
    "a@b.o%00rg",
    "a@b。org",
    "a@b．org",
    // Blanks and controls within.
    "a b@c.org",
    "a@b c.org",
    "a @b.org",
    "a@ b.org",
    "a\t@b.org",
    "a\u{a0}b@c.org",
    "a\u{2028}@b.org",
    "a@b.org\r\nBcc: x@y.org",
    "a\r\n@b.org",
    "a@b\r\n.org",
    "a@b.org\nc",
    "a\0@b.org",
    "a@b.org\0",
    "a\u{7f}@b.org",
    "a\u{1b}[31m@b.org",
    "a\u{85}b@c.org",
    // Quotes, comments, display names.
    "\"a\"@b.org",
    "\"a b\"@c.org",
    "a\"b@c.org",
    "Ana <a@b.org>",
    "<a@b.org>",
    "a@b.org>",
    "(x)a@b.org",
    "a@b.org(x)",
    "a\\@b@c.org",
    "a\\b@c.org",
    "mailto:a@b.org",
    "a:b@c.org",
    "a[b]@c.org",
    "a,b@c.org",
    "a;b@c.org",
    // Dots of the local part.
    ".a@b.org",
    "a.@b.org",
    "a..b@c.org",
    ".@b.org",
    // Look-alikes and what cannot be seen.
    "a＠b.org",
    "a﹫b.org",
    "a＠b@c.org",
    "a\u{200b}@b.org",
    "a@b\u{200b}.org",
    "\u{feff}a@b.org",
    "a\u{202e}gro.b@c.org",
    "a\u{ad}b@c.org",
    "a@b\u{ad}.org",
    "a\u{2060}@b.org",
    "a\u{200d}@b.org",
    "a\u{e0041}@b.org",
    "a@b.org\u{202c}",
    "a\u{180e}@b.org",
    "a\u{61c}@b.org",
    // Words that stand for nothing.
    "none",
    "n/a",
    "null",
    "-",
    "no email",
    "a at b.org",
    "a[at]b.org",
];

#[test]
fn what_mail_cannot_reach_or_what_could_break_out_of_a_field_is_no_address() {
    assert!(REFUSED.len() >= 80);
    for text in REFUSED {
        assert!(Email::parse(text).is_err(), "{text:?}");
        assert!(serde_json::from_str::<Email>(&serde_json::to_string(text).unwrap()).is_err(), "{text:?}");
    }
}

#[test]
fn an_error_about_an_address_does_not_repeat_it() {
    let error = serde_json::from_str::<Email>("\"private.person\"").unwrap_err();
    assert!(!error.to_string().contains("private"), "{error}");
    assert_eq!(InvalidEmail.to_string(), "not an e-mail address");
}
