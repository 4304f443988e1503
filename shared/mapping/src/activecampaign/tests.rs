//! Requests and mapped records against fixtures: each case is data.

mod given;
mod others;
mod replies;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;
use crate::http::Request;
use crate::model::{Order, Personal, Secret, Status};
use given::{buyer, customer, read_order, read_product, sent_for};

/// JSON without the blanks between its parts, digits and order untouched.
fn compact(json: &str) -> String {
    let (mut text, mut quoted, mut escaped) = (String::new(), false, false);
    for c in json.chars() {
        if quoted || !c.is_whitespace() {
            text.push(c);
        }
        (quoted, escaped) = match (c, escaped) {
            ('"', false) => (!quoted, false),
            ('\\', false) => (quoted, true),
            _ => (quoted, false),
        };
    }
    text
}

fn account() -> Account {
    Account { base: "https://acme.api-us1.com/api/3".to_owned(), key: Secret::new("key-1") }
}

#[derive(Deserialize)]
struct OrderCase<'a> {
    name: String,
    live: bool,
    order: Value,
    #[serde(borrow)]
    expected: &'a RawValue,
}

fn order_cases() -> Vec<OrderCase<'static>> {
    serde_json::from_str(include_str!("fixtures/orders.json")).unwrap()
}

#[test]
fn orders_are_sent_as_the_fixtures_say() {
    for case in order_cases() {
        let sent = sent_for(&read_order(&case.order), case.live);
        let json = serde_json::to_string(&sent).unwrap();
        assert_eq!(json, compact(case.expected.get()), "{}", case.name);
        let stored = Stored {
            id: sent.store_order_id.clone(),
            created: sent.store_created_date,
            modified: None,
            amount: sent.amount_text(),
            status: Some(sent.status_word().to_owned()),
        };
        assert!(stored.agrees(&sent.check()), "{}", case.name);
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["normalizedStatus"], sent.status_word());
        assert!(case.expected.get().contains(&format!(": {},", sent.amount_text())), "{}", case.name);
    }
}

#[derive(Deserialize)]
struct ProductCase<'a> {
    name: String,
    product: Value,
    #[serde(borrow)]
    expected: &'a RawValue,
}

fn product_cases() -> Vec<ProductCase<'static>> {
    serde_json::from_str(include_str!("fixtures/products.json")).unwrap()
}

#[test]
fn products_are_sent_as_the_fixtures_say() {
    for case in product_cases() {
        let json = serde_json::to_string(&product(7, &read_product(&case.product))).unwrap();
        assert_eq!(json, compact(case.expected.get()), "{}", case.name);
    }
}

#[test]
fn a_description_is_cut_between_characters() {
    let mut source = read_product(&product_cases()[0].product);
    for (given, kept) in [(4_095, 4_095), (4_096, 4_096), (4_097, 4_096), (10_000, 4_096)] {
        source.description = Some("\u{1f375}".repeat(given));
        let sent = product(7, &source);
        assert_eq!(sent.base_product_description.unwrap().chars().count(), kept);
    }
}

#[test]
fn an_order_fingerprint_changes_with_what_people_see_and_with_nothing_else() {
    let cases = order_cases();
    let source = read_order(&cases[0].order);
    let sent = sent_for(&source, true);
    // Ledgers hold this text: another one here means that every order would be sent again.
    assert_eq!(sent.fingerprint(), "0663daaa76802c8523d9f697f26926d2");
    assert_eq!(sent.fingerprint(), sent_for(&source, false).fingerprint());
    let later = Order { modified: "2027-01-01T00:00:00Z".parse().unwrap(), ..source.clone() };
    assert_eq!(sent.fingerprint(), sent_for(&later, true).fingerprint());

    let mut others: Vec<OrderInput> = Vec::new();
    let mut change = |change: &dyn Fn(&mut OrderInput)| {
        let mut other = sent.clone();
        change(&mut other);
        others.push(other);
    };
    change(&|o| o.legacy_connection_id = 8);
    change(&|o| o.order_number.push('x'));
    change(&|o| o.status = Status::Refunded);
    change(&|o| o.store_customer_id = None);
    change(&|o| o.final_amount.minor += 1);
    change(&|o| o.shipping_amount = None);
    change(&|o| o.discounts.truncate(1));
    change(&|o| o.line_items[0].quantity = 3);
    change(&|o| o.order_url = None);
    change(&|o| o.shipping_method = None);
    change(&|o| o.accepts_marketing = None);
    change(&|o| o.accepts_marketing = Some(true));
    change(&|o| o.customer_data.phone = None);
    change(&|o| o.store_created_date = Timestamp::UNIX_EPOCH);
    let mut texts: Vec<_> = others.iter().map(OrderInput::fingerprint).collect();
    texts.push(sent.fingerprint());
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), others.len() + 1);
    assert!(texts.iter().all(|text| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())));
}

#[test]
fn a_buyer_and_a_customer_who_are_one_person_have_one_fingerprint() {
    let base = serde_json::json!({"id": "c", "email": "Ana@Example.org", "first": "Ana", "phone": "1"});
    let of = |name: &str, value: &str| {
        let mut other = base.clone();
        other[name] = value.into();
        contact(&customer(&other)).fingerprint()
    };
    let bought = ContactInput::from(&buyer(&base)).fingerprint();
    assert_eq!(bought, of("id", "another profile"));
    assert_eq!(bought, of("email", "ana@example.ORG"));
    for (name, value) in [("email", "b@example.org"), ("first", "Anna"), ("last", "L"), ("phone", "2")] {
        assert_ne!(bought, of(name, value), "{name}");
    }
    assert_ne!(bought, of("company", "Lima"));
}

fn two_people() -> Vec<ContactInput> {
    let ana = serde_json::json!({"email": "Ana@Example.org", "first": "Ana", "last": "Lima", "phone": "+33 1", "company": "Lima SARL"});
    let bare = serde_json::json!({"email": "b@example.org", "first": "  "});
    [ana, bare].iter().map(|value| contact(&customer(value))).collect()
}

fn build(call: &str) -> Request {
    let account = account();
    let connection = NewConnection {
        service: "tillsync-square".to_owned(),
        externalid: "L1".to_owned(),
        name: "Café \"Nord\"".to_owned(),
        logo_url: "https://till.example/logo.png".to_owned(),
        link_url: "https://till.example/".to_owned(),
    };
    let orders: Vec<_> =
        order_cases().iter().map(|case| sent_for(&read_order(&case.order), case.live)).collect();
    let products: Vec<_> =
        product_cases().iter().map(|case| product(7, &read_product(&case.product))).collect();
    let people = two_people();
    match call {
        "who_am_i" => who_am_i(&account),
        "entitlements" => entitlements(&account),
        "check_schema" => check_schema(&account),
        "find_connection" => find_connection(&account, "tillsync-square", "L&1 ?/é"),
        "get_connection" => get_connection(&account, 7),
        "list_connections" => list_connections(&account, 200),
        "v3_order" => v3_order(&account, 7, "o&1 ?/é"),
        "v3_orders" => v3_orders(&account, 7, 40, 20),
        "v3_orders too many" => v3_orders(&account, 7, 0, 1_000),
        "orders_of" => orders_of(&account, 7, 20),
        "create_connection" => create_connection(&account, &connection),
        "set_no_list" => set_no_list(&account, 7),
        "set_sync_status running" => set_sync_status(&account, 7, true),
        "set_sync_status stopped" => set_sync_status(&account, 7, false),
        "announce" => announce(&account, "tillsync-square", "L1"),
        "push_orders waiting" => push_orders(&account, &orders, Channel::Waiting),
        "push_orders queued" => push_orders(&account, &orders, Channel::Queued),
        "push_products" => push_products(&account, &products),
        "import silent" => import(&account, &people, true).0,
        "import loud" => import(&account, &people, false).0,
        "import_info" => import_info(&account, "a b&c"),
        "sync_contact" => sync_contact(&account, &people[0]),
        "sync_contact bare" => sync_contact(&account, &people[1]),
        "read_back" => read_back(&account, 7, "2026-03-01T09:30:04.25Z".parse().unwrap(), 200),
        "find_customers" => {
            find_customers(&account, 7, &crate::model::Email::parse("o'Ana+1@Example.org").unwrap())
        }
        "opt_out" => opt_out(&account, 31),
        "get_order" => get_order(&account, 7, "sq-order-1"),
        _ => panic!("no such call: {call}"),
    }
}

#[derive(Deserialize)]
struct RequestCase<'a> {
    call: String,
    operation: String,
    method: String,
    effect: String,
    path: String,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

#[test]
fn requests_are_as_the_fixtures_say() {
    let cases: Vec<RequestCase<'_>> = serde_json::from_str(include_str!("fixtures/requests.json")).unwrap();
    let join =
        |texts: Vec<&RawValue>| texts.iter().map(|text| compact(text.get())).collect::<Vec<_>>().join(",");
    let orders = join(order_cases().iter().map(|case| case.expected).collect());
    let products = join(product_cases().iter().map(|case| case.expected).collect());
    for case in cases {
        let request = build(&case.call);
        assert_eq!(request.operation, case.operation, "{}", case.call);
        assert_eq!(format!("{:?}", request.method), case.method, "{}", case.call);
        assert_eq!(format!("{:?}", request.effect), case.effect, "{}", case.call);
        assert_eq!(request.url, format!("https://acme.api-us1.com/api/3/{}", case.path), "{}", case.call);
        let (name, key) = request.credential.as_ref().unwrap();
        assert_eq!((*name, key.expose()), ("Api-Token", "key-1"), "{}", case.call);
        let expected = case.body.map(|body| compact(body.get())).unwrap_or_default();
        let expected = expected.replace("\"ORDERS\"", &orders).replace("\"PRODUCTS\"", &products);
        let expected = expected.replace("\\u00e9", "é");
        assert_eq!(String::from_utf8(request.body.clone()).unwrap(), expected, "{}", case.call);
        let sends_json = request
            .headers
            .iter()
            .any(|(name, value)| *name == "Content-Type" && value == "application/json");
        assert_eq!(sends_json, !request.body.is_empty(), "{}", case.call);
        assert!(!format!("{request:?}").contains("key-1"), "{}", case.call);
    }
}

#[test]
fn an_import_holds_250_people_and_400_000_bytes_at_most() {
    let person = |size: usize| ContactInput {
        email: "a@example.org".to_owned(),
        first_name: Personal::new(&"x".repeat(size)),
        last_name: None,
        phone: None,
        company: None,
    };
    for (people, size, fitted) in
        [(0, 1, 0), (1, 1, 1), (250, 1, 250), (251, 1, 250), (1_000, 1, 250), (250, 5_000, 78)]
    {
        for silent in [true, false] {
            let (request, count) = import(&account(), &vec![person(size); people], silent);
            assert!(count == fitted || (size > 1 && count.abs_diff(fitted) <= 1), "{people} {size}: {count}");
            assert!(request.body.len() <= 400_000);
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(body["contacts"].as_array().unwrap().len(), count);
        }
    }
    // Exactly at the limit, and one byte over it.
    let bare = import(&account(), &[person(1), person(1)], false).0.body.len();
    let (request, count) = import(&account(), &[person(1), person(400_000 - bare + 1)], false);
    assert_eq!((request.body.len(), count), (400_000, 2));
    assert_eq!(import(&account(), &[person(1), person(400_000 - bare + 2)], false).1, 1);
    // One who fits nowhere goes alone: it is for the other side to refuse, not for a loop to stand still.
    assert_eq!(import(&account(), &[person(500_000), person(1)], false).1, 1);
}

#[test]
fn an_address_is_taken_in_every_form_people_copy_it_and_in_no_other() {
    let cases: Vec<Vec<String>> = serde_json::from_str(include_str!("fixtures/addresses.json")).unwrap();
    for case in cases {
        let parsed = Account::parse_base(&case[0]);
        match &case[1..] {
            [base, destination] => {
                assert_eq!(parsed.as_deref(), Ok(base.as_str()), "{}", case[0]);
                assert_eq!(&Account::destination(base), destination, "{}", case[0]);
                assert_eq!(Account::parse_base(base).as_ref(), Ok(base));
            }
            [reason] => {
                let said = parsed.expect_err(&case[0]).to_string();
                assert!(said.contains(reason.as_str()), "{}: {said}", case[0]);
                assert!(said.contains("https://ACCOUNT.api-us1.com"), "{said}");
            }
            _ => panic!("{case:?}"),
        }
    }
}

#[test]
fn nothing_of_a_person_is_printed() {
    let sent = sent_for(&read_order(&order_cases()[0].order), true);
    let person = &two_people()[0];
    let printed =
        format!("{sent:?} {person:?} {:?} {:?}", account(), buyer(&order_cases()[0].order["buyer"]));
    for secret in ["Ana", "Lima", "xample.org", "+33", "key-1"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

#[test]
fn every_code_says_what_it_means_and_what_to_do() {
    let mut codes: Vec<_> = CODES.iter().map(|code| code.code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), CODES.len());
    for code in CODES {
        assert!(code.code.starts_with("destination."), "{}", code.code);
        assert!(code.meaning.ends_with('.') && code.action.ends_with('.'), "{}", code.code);
        assert!(!code.meaning.contains("  ") && !code.action.contains("  "), "{}", code.code);
    }
}
