//! Orders by id, and what another tool may have sent by a payment's.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::wire::{Wire, all_ready, by_id, failure, ids, read, records, run, sorted, window};
use super::{Platform, Promise, Stock};
use crate::http::Http;
use crate::model::{Observed, Order, Reading};
use crate::source::{Access, Cache, Field, Merged};

pub(crate) const FETCHING: &[Promise] = &[
    ("what does not resolve is left out, in whatever order it is asked for", unknown),
    ("what was sold at another location is left out", elsewhere),
    ("fetching agrees with reading, record by record", agrees),
    ("more than a call takes is fetched all the same", many),
    ("ids of another tool's making harm nothing", foreign_ids),
    ("payments are known by their ids, and nothing else is", payments),
    ("a profile that was merged is followed", merged),
    ("a token of another reading begins again", other_tokens),
];

/// Ids that are none here, as another tool may have made them.
pub(super) const FOREIGN: [&str; 10] = [
    "",
    " ",
    "gone",
    "../../v2/locations",
    "a/b?c=d#e&f",
    "100%",
    "ä é \u{1f4a5}",
    "\"}]}",
    "line\nbreak",
    "wc_order_2345678901234567890123456789012345678901234567890123456789012345678901234567890",
];

pub(super) fn fetch(
    platform: &dyn Platform,
    http: &dyn Http,
    access: &Access,
    wanted: &[String],
) -> Vec<Observed<Order>> {
    run(platform.source().fetch_orders(http, access, wanted, &Cache::default())).unwrap().records
}

fn unknown(platform: &dyn Platform) {
    let store = platform.open(&Stock::of(5));
    let asked = ["S0003", "gone", "S0000", "S0003", "S0004"].map(str::to_owned);
    let expected = ["S0000", "S0003", "S0004"];
    let mut turned = asked.to_vec();
    turned.reverse();
    for wanted in [asked.to_vec(), turned] {
        let found = fetch(platform, &store, &platform.access(), &wanted);
        let mut seen = sorted(ids(&found));
        seen.dedup();
        assert_eq!(seen, expected);
        assert!(all_ready(&found));
    }
    for none in [vec![], vec!["gone".to_owned()]] {
        assert!(fetch(platform, &store, &platform.access(), &none).is_empty());
    }
}

fn elsewhere(platform: &dyn Platform) {
    let mut stock = Stock::of(3);
    let all = stock.ids();
    stock.sales[1].here = false;
    let found = fetch(platform, &platform.open(&stock), &platform.access(), &all);
    assert_eq!(sorted(ids(&found)), stock.ids());
}

fn agrees(platform: &dyn Platform) {
    let mut stock = Stock::of(7).paged(2);
    stock.sales[2].updated = 400;
    stock.sales[3].person = "NOBODY".to_owned();
    for field in [Field::Created, Field::Updated] {
        let store = platform.open(&stock);
        let seen = records(read(platform, &store, window(field, 0, 1_000)).unwrap());
        let found = fetch(platform, &store, &platform.access(), &stock.ids());
        assert_eq!(by_id(&seen), by_id(&found), "{field:?}");
        // Each by itself is what it is among others.
        for record in &found {
            let alone = fetch(platform, &store, &platform.access(), std::slice::from_ref(&record.id));
            assert_eq!(by_id(&alone), by_id(std::slice::from_ref(record)), "{field:?}");
        }
    }
}

fn many(platform: &dyn Platform) {
    let stock = Stock::of(260);
    let found = fetch(platform, &platform.open(&stock), &platform.access(), &stock.ids());
    assert_eq!(sorted(ids(&found)), stock.ids());
}

fn foreign_ids(platform: &dyn Platform) {
    let wire = Wire::to(platform, &Stock::of(2));
    let (source, access) = (platform.source(), platform.access());
    let mut wanted: Vec<String> = FOREIGN.map(str::to_owned).to_vec();
    assert!(fetch(platform, &wire, &access, &wanted).is_empty());
    assert!(run(source.fetch_customers(&wire, &access, &wanted)).unwrap().is_empty());
    assert!(run(source.known_payments(&wire, &access, &wanted)).unwrap().is_empty());
    wanted.push("S0001".to_owned());
    assert_eq!(ids(&fetch(platform, &wire, &access, &wanted)), ["S0001"]);
}

fn payments(platform: &dyn Platform) {
    let (source, access) = (platform.source(), platform.access());
    let wire = Wire::to(platform, &Stock::of(3));
    let known = |ids: &[String]| run(source.known_payments(&wire, &access, ids)).unwrap();
    let of = |sale: &str| platform.payment_of(sale);
    assert_eq!(known(&[of("S0002"), "gone".to_owned(), of("S0000")]), [of("S0002"), of("S0000")]);
    assert!(known(&["S0000".to_owned(), "ANN".to_owned()]).is_empty(), "an order or a person is no payment");
    let before = wire.calls();
    assert!(known(&[]).is_empty());
    assert_eq!(wire.calls(), before);
}

fn merged(platform: &dyn Platform) {
    let mut stock = Stock::of(1);
    stock.sales[0].person = "OLD".to_owned();
    let store = platform.open(&stock);
    let mut access = platform.access();
    let buyer = |access: &Access| match &fetch(platform, &store, access, &stock.ids())[0].reading {
        Reading::Ready(order) => order.buyer.as_ref().and_then(|buyer| buyer.id.clone()),
        _ => None,
    };
    assert_eq!(buyer(&access), None, "the profile is gone");
    let links: BTreeMap<String, String> = [("OLD".to_owned(), "ANN".to_owned())].into();
    access.merged = Merged::noted_by(Arc::new(links));
    assert_eq!(buyer(&access).as_deref(), Some("ANN"));
}

/// A token lives within one reading: of another stream or another window it is of no use.
fn other_tokens(platform: &dyn Platform) {
    let mut stock = Stock::of(6).paged(2);
    for n in 0..6 {
        stock.people.push(super::Person { id: format!("P{n}"), at: 10 });
    }
    let (source, access, store) = (platform.source(), platform.access(), platform.open(&stock));
    let all = window(Field::Created, 0, 1_000);
    let cache = Cache::default();
    let orders = || run(source.read_orders(&store, &access, all, None, &cache)).unwrap().next;
    let people = || run(source.read_customers(&store, &access, all, None)).unwrap().next;
    assert!(orders().is_some() && people().is_some());
    let errors = [
        failure("people by orders", run(source.read_customers(&store, &access, all, orders())).map(|_| ())),
        failure(
            "orders by people",
            run(source.read_orders(&store, &access, all, people(), &cache)).map(|_| ()),
        ),
        failure("another window", {
            let other = window(Field::Updated, 0, 900);
            run(source.read_orders(&store, &access, other, orders(), &cache)).map(|_| ())
        }),
    ];
    for error in errors {
        assert_eq!(error.next, crate::source::Next::Restart, "{error}");
    }
}
