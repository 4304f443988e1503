//! Records of any form: none is dropped, none ends the reading, and the same bytes come to the same.

use std::sync::Arc;

use serde_json::{Value, json};

use super::parts::{MARK, Step, changed, oddities, places};
use super::wire::{read, records, run, window};
use super::{Platform, Promise, people};
use crate::http::Http;
use crate::model::{Customer, Observed, Order, Reading};
use crate::source::{Cache, Field};

pub(crate) const RECORDS: &[Promise] = &[
    ("the samples themselves are ready", samples_are_ready),
    ("an order of any form is seen, and comes to the same each time", orders),
    ("a person of any form is seen, and comes to the same each time", persons),
    ("two faults at once are no more than one", two_faults),
    ("a broken record does not take its page with it", neighbours),
];

/// Long enough for any date.
const AGES: i64 = 253_000_000_000;
const PERSON: &str = "customer";

type Samples = Vec<(&'static str, Value)>;

fn seen(platform: &dyn Platform, http: &Arc<dyn Http>, field: Field) -> Vec<Observed<Order>> {
    let all = window(field, -super::BEGINNING, AGES - super::BEGINNING);
    records(read(platform, http, all).unwrap_or_else(|error| panic!("the reading ends: {error}")))
}

fn met(platform: &dyn Platform, http: &Arc<dyn Http>) -> Vec<Observed<Customer>> {
    let all = window(Field::Created, -super::BEGINNING, AGES - super::BEGINNING);
    people::read(platform, http, all).unwrap_or_else(|error| panic!("the reading ends: {error}"))
}

/// A place and what a sample says there, for whoever has to find the fault.
fn named(kind: &str, place: &[Step], odd: Option<&Value>) -> String {
    let text = odd.map(Value::to_string).unwrap_or_else(|| "nothing".to_owned());
    format!("{kind} {place:?}: {}", text.chars().take(80).collect::<String>())
}

/// Each sample with each oddity at each place, numbered.
fn each(platform: &dyn Platform, wanted: impl Fn(&str) -> bool, check: impl Fn(usize, &str, &Samples)) {
    let (samples, mut number) = (platform.samples(), 0);
    for (index, (kind, sample)) in samples.iter().enumerate().filter(|(_, (kind, _))| wanted(kind)) {
        for place in places(sample) {
            for odd in oddities() {
                let mut given = samples.clone();
                given[index].1 = changed(sample, &place, odd.as_ref());
                check(number, &named(kind, &place, odd.as_ref()), &given);
                number += 1;
            }
        }
    }
}

/// Nothing a record holds is repeated where it went wrong.
fn is_discreet<T>(what: &str, record: &Observed<T>) {
    if let Reading::Unreadable { code, place } = &record.reading {
        assert!(!place.contains(MARK) && !place.is_empty(), "{what}: {code} {place}");
    }
}

fn samples_are_ready(platform: &dyn Platform) {
    let store = platform.serve(&platform.samples());
    for field in [Field::Created, Field::Updated] {
        let seen = seen(platform, &store, field);
        assert_eq!(seen.len(), 1, "{field:?}");
        let Reading::Ready(order) = &seen[0].reading else { panic!("{:?}", seen[0].reading) };
        assert!(order.buyer.is_some() && !order.lines.is_empty());
        let shown = format!("{seen:?}");
        assert!(!shown.contains('@'), "an address is printed: {shown}");
    }
    assert!(matches!(met(platform, &store)[0].reading, Reading::Ready(_)));
}

fn orders(platform: &dyn Platform) {
    each(
        platform,
        |_| true,
        |number, what, samples| {
            let (store, mut turned) = (platform.serve(samples), samples.clone());
            turned.reverse();
            let first = seen(platform, &store, Field::Created);
            assert_eq!(first.len(), 1, "{what}: {first:?}");
            is_discreet(what, &first[0]);
            // Again, with its parts in another order, and by its id. Every one would take long, and say no more.
            if number % 5 > 0 {
                return;
            }
            assert_eq!(seen(platform, &platform.serve(&turned), Field::Created), first, "{what}");
            let fetched = fetched(platform, &store, &first[0].id);
            assert!(fetched.len() <= 1, "{what}: {fetched:?}");
            if let Some(fetched) = fetched.first() {
                assert_eq!((&fetched.id, &fetched.reading), (&first[0].id, &first[0].reading), "{what}");
            }
        },
    );
}

fn fetched(platform: &dyn Platform, store: &Arc<dyn Http>, id: &str) -> Vec<Observed<Order>> {
    let (access, cache) = (platform.access(), Cache::default());
    let page = run(platform.source().fetch_orders(store, &access, &[id.to_owned()], &cache));
    page.unwrap_or_else(|error| panic!("fetching ends: {error}")).records
}

fn persons(platform: &dyn Platform) {
    each(
        platform,
        |kind| kind == PERSON,
        |_, what, samples| {
            let store = platform.serve(samples);
            let first = met(platform, &store);
            assert_eq!(first.len(), 1, "{what}: {first:?}");
            is_discreet(what, &first[0]);
            assert_eq!(met(platform, &store), first, "{what}");
        },
    );
}

/// Pairs of faults, one in each of two places: enough of them to meet what one alone does not show.
fn two_faults(platform: &dyn Platform) {
    let samples = platform.samples();
    let mut dice: u64 = 7;
    let mut roll = |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % sides
    };
    let odd = oddities();
    for _ in 0..1_500 {
        let mut given = samples.clone();
        let mut what = Vec::new();
        for _ in 0..2 {
            let index = roll(given.len());
            let all = places(&given[index].1);
            let place = &all[roll(all.len())];
            let odd = odd[roll(odd.len())].as_ref();
            what.push(named(given[index].0, place, odd));
            given[index].1 = changed(&given[index].1, place, odd);
        }
        let store = platform.serve(&given);
        let first = seen(platform, &store, Field::Updated);
        assert_eq!(first.len(), 1, "{what:?}: {first:?}");
        assert_eq!(seen(platform, &store, Field::Updated), first, "{what:?}");
        met(platform, &store);
    }
}

/// The sample between two that are broken, each in its own way.
fn neighbours(platform: &dyn Platform) {
    let samples = platform.samples();
    let whole = seen(platform, &platform.serve(&samples), Field::Created);
    let (kind, order) = samples[0].clone();
    assert_eq!(kind, "order", "the order is the first of the samples");
    for broken in [json!(null), json!(7), json!([]), json!({}), json!({"id": [MARK]}), json!(MARK)] {
        let mut given = vec![(kind, broken.clone()), (kind, order.clone()), (kind, broken.clone())];
        given.extend(samples[1..].to_vec());
        let seen = seen(platform, &platform.serve(&given), Field::Created);
        assert_eq!(seen.len(), 3, "{broken}: {seen:?}");
        let ours: Vec<_> = seen.iter().filter(|record| record.id == whole[0].id).collect();
        assert_eq!(ours.len(), 1, "{broken}");
        assert_eq!(ours[0].reading, whole[0].reading, "{broken}");
        let rest = seen.iter().filter(|record| record.id != whole[0].id);
        assert!(rest.clone().all(|record| matches!(record.reading, Reading::Unreadable { .. })), "{seen:?}");
    }
}
