//! The rules of the model, each case as data.

mod email;

use super::*;

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, Currency::parse(code).unwrap())
}

#[test]
fn currencies_are_those_of_iso_4217_in_capitals() {
    for (code, exponent) in [
        ("EUR", 2),
        ("USD", 2),
        ("GBP", 2),
        ("CAD", 2),
        ("AUD", 2),
        ("CHF", 2),
        ("HUF", 2),
        ("TWD", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("VND", 0),
        ("CLP", 0),
        ("ISK", 0),
        ("XOF", 0),
        ("UGX", 0),
        ("KWD", 3),
        ("BHD", 3),
        ("TND", 3),
        ("JOD", 3),
        ("OMR", 3),
        ("CLF", 4),
        ("XAU", 0),
        ("XXX", 0),
    ] {
        let currency = Currency::parse(code).unwrap();
        assert_eq!((currency.code(), currency.exponent()), (code, exponent));
        assert_eq!(currency.to_string(), code);
        assert_eq!(serde_json::to_string(&currency).unwrap(), format!("\"{code}\""));
    }
    for code in ["", "eur", "Eur", "EU", "EURO", " EUR", "EUR ", "€", "BTC", "ZZZ", "EUR\n", "ЕUR", "000"]
    {
        assert!(matches!(Currency::parse(code), Err(MoneyError::UnknownCurrency(_))), "{code:?}");
        assert!(serde_json::from_str::<Currency>(&serde_json::to_string(code).unwrap()).is_err(), "{code:?}");
    }
    let said = Currency::parse(&"x".repeat(10_000)).unwrap_err().to_string();
    assert!(said.len() < 60, "{said}");
}

#[test]
fn amounts_are_written_with_every_digit_of_their_currency() {
    for (minor, code, text) in [
        (0, "EUR", "0.00"),
        (1, "EUR", "0.01"),
        (9, "EUR", "0.09"),
        (10, "EUR", "0.10"),
        (99, "EUR", "0.99"),
        (100, "EUR", "1.00"),
        (2450, "EUR", "24.50"),
        (-1, "EUR", "-0.01"),
        (-100, "EUR", "-1.00"),
        (-2450, "EUR", "-24.50"),
        (123_456_789, "EUR", "1234567.89"),
        (0, "JPY", "0"),
        (1, "JPY", "1"),
        (1000, "JPY", "1000"),
        (-1000, "JPY", "-1000"),
        (0, "KWD", "0.000"),
        (1, "KWD", "0.001"),
        (999, "KWD", "0.999"),
        (1000, "KWD", "1.000"),
        (-1234, "KWD", "-1.234"),
        (1, "CLF", "0.0001"),
        (12_345, "CLF", "1.2345"),
        // No binary float holds these.
        (9_007_199_254_740_993, "EUR", "90071992547409.93"),
        (9_007_199_254_740_993, "JPY", "9007199254740993"),
        (i64::MAX, "EUR", "92233720368547758.07"),
        (i64::MIN, "EUR", "-92233720368547758.08"),
        (i64::MAX, "JPY", "9223372036854775807"),
        (i64::MIN, "JPY", "-9223372036854775808"),
        (i64::MAX, "KWD", "9223372036854775.807"),
        (i64::MIN, "KWD", "-9223372036854775.808"),
    ] {
        let amount = money(minor, code);
        assert_eq!(amount.decimal(), text);
        let mut json = Vec::new();
        Money::as_number(&amount, &mut serde_json::Serializer::new(&mut json)).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), text);
        let stored = serde_json::to_string(&amount).unwrap();
        assert_eq!(stored, format!("{{\"minor\":{minor},\"currency\":\"{code}\"}}"));
        assert_eq!(serde_json::from_str::<Money>(&stored).unwrap(), amount);
    }
    for json in [
        r#"{"minor":1.5,"currency":"EUR"}"#,
        r#"{"minor":9223372036854775808,"currency":"EUR"}"#,
        r#"{"minor":1,"currency":"eur"}"#,
        r#"{"minor":"1","currency":"EUR"}"#,
        r#"{"minor":1}"#,
    ] {
        assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
    }
}

#[test]
fn sums_are_exact_or_refused() {
    type Sum = Result<i64, MoneyError>;
    let overflow: Sum = Err(MoneyError::Overflow);
    let cases: [(i64, i64, Sum, Sum); 9] = [
        (1, 2, Ok(3), Ok(-1)),
        (0, 0, Ok(0), Ok(0)),
        (-5, 5, Ok(0), Ok(-10)),
        (i64::MAX, 0, Ok(i64::MAX), Ok(i64::MAX)),
        (i64::MAX, 1, overflow.clone(), Ok(i64::MAX - 1)),
        (i64::MAX, -1, Ok(i64::MAX - 1), overflow.clone()),
        (i64::MIN, 1, Ok(i64::MIN + 1), overflow.clone()),
        (i64::MIN, i64::MIN, overflow.clone(), Ok(0)),
        (0, i64::MIN, Ok(i64::MIN), overflow),
    ];
    for (left, right, sum, difference) in cases {
        let (one, other) = (money(left, "EUR"), money(right, "EUR"));
        assert_eq!(one.plus(other).map(|amount| amount.minor), sum, "{left} + {right}");
        assert_eq!(one.minus(other).map(|amount| amount.minor), difference, "{left} - {right}");
    }
    let (euro, yen) = (money(1, "EUR"), money(1, "JPY"));
    let mixed = MoneyError::Mixed(euro.currency, yen.currency);
    assert_eq!(euro.plus(yen), Err(mixed.clone()));
    assert_eq!(euro.minus(yen), Err(mixed.clone()));
    assert_eq!(mixed.to_string(), "amounts in EUR and JPY cannot be combined");
}

#[test]
fn quantities_are_exact() {
    for (text, whole, printed) in [
        ("1", Some(1), "1"),
        ("0", Some(0), "0"),
        ("3", Some(3), "3"),
        ("2.000", Some(2), "2"),
        ("10", Some(10), "10"),
        ("007", Some(7), "7"),
        ("1.", Some(1), "1"),
        (".5", None, "0.5"),
        ("0.350", None, "0.35"),
        ("0.35", None, "0.35"),
        ("1.0000001", None, "1.0000001"),
        ("100.10", None, "100.1"),
        ("999999999999", Some(999_999_999_999), "999999999999"),
        ("0.000000000001", None, "0.000000000001"),
    ] {
        let quantity = Quantity::parse(text).unwrap();
        assert_eq!(quantity.whole(), whole, "{text}");
        assert_eq!(quantity.to_string(), printed, "{text}");
        assert_eq!(Quantity::parse(printed), Ok(quantity), "{text}");
    }
    for (text, zero) in
        [("0", true), ("0.000", true), (".0", true), ("00", true), ("0.001", false), ("1", false)]
    {
        assert_eq!(Quantity::parse(text).unwrap().is_zero(), zero, "{text}");
    }
    for text in [
        "",
        ".",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1 000",
        "1,5",
        "1.2.3",
        "1e3",
        "0x10",
        "١",
        "１",
        "½",
        "NaN",
        "inf",
        "..",
        "1..2",
        "1\n",
        "1234567890123",
        "0.1234567890123",
        "99999999999999999999999",
        "1/2",
        "one",
    ] {
        assert_eq!(Quantity::parse(text), Err(InvalidQuantity), "{text:?}");
    }
}

#[test]
fn nothing_of_a_secret_or_a_person_is_printed() {
    let text = "Hidden.Text@example.org";
    let (secret, personal) = (Secret::new(text), Personal::new(text).unwrap());
    let email = Email::parse(text).unwrap();
    let nested = (vec![Some(secret.clone())], Some(personal.clone()), [email.clone()]);
    for printed in [
        format!("{secret:?}"),
        format!("{personal:?}"),
        format!("{email:?}"),
        format!("{nested:?}"),
        format!("{secret:#?}"),
        format!("{personal:#?}"),
        format!("{email:#?}"),
        format!("{nested:#?}"),
    ] {
        for part in ["idden", "ext", "example", "org"] {
            assert!(!printed.contains(part), "{printed}");
        }
    }
    assert_eq!((secret.expose(), personal.expose(), email.expose()), (text, text, text));
}

#[test]
fn blanks_around_a_secret_or_a_name_are_dropped_and_nothing_is_none() {
    for (given, kept) in [("key", "key"), (" key\n", "key"), ("a b", "a b"), ("\u{a0}key\u{a0}", "key")] {
        assert_eq!(Secret::new(given).expose(), kept);
        assert_eq!(Personal::new(given).unwrap().expose(), kept);
        assert!(!Secret::new(given).is_empty());
    }
    for given in ["", " ", "\r\n\t", "\u{3000}"] {
        assert!(Secret::new(given).is_empty());
        assert_eq!(Personal::new(given), None);
    }
}

#[test]
fn reasons_are_said_in_their_order_and_have_words() {
    let mut sorted = SkipReason::ALL;
    sorted.sort();
    assert_eq!(sorted, SkipReason::ALL);
    let mut words: Vec<_> = SkipReason::ALL.iter().map(|reason| reason.word()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), SkipReason::ALL.len());
    assert!(SkipReason::ALL.iter().all(|reason| reason.meaning().ends_with('.')));
}
