//! The store's customers.

use super::wire::{all_ready, by_id, failure, ids, run, sorted, window};
use super::{Person, Platform, Promise, Stock};
use crate::http::Http;
use crate::model::{Customer, Observed};
use crate::source::{Field, SourceError, Window};

pub(crate) const PEOPLE: &[Promise] = &[
    ("people are read whole, in pages of any size", whole),
    ("both ends belong to a window", both_ends),
    ("people by id are those that are read, and what does not resolve is left out", fetching),
    ("counting agrees with reading", counting),
    ("a window of nobody holds nobody", nobody),
];

fn town(people: usize) -> Stock {
    let at = |n: usize| Person { id: format!("P{n:04}"), at: 60 * n as i64 };
    Stock { people: (0..people).map(at).collect(), ..Stock::default() }
}

pub(super) fn read(
    platform: &dyn Platform,
    http: &dyn Http,
    window: Window,
) -> Result<Vec<Observed<Customer>>, SourceError> {
    let (access, mut all, mut token) = (platform.access(), Vec::new(), None);
    for _ in 0..500 {
        let page = run(platform.source().read_customers(http, &access, window, token.take()))?;
        all.extend(page.records);
        token = page.next;
        if token.is_none() {
            return Ok(all);
        }
    }
    panic!("the window does not end")
}

fn whole(platform: &dyn Platform) {
    for field in [Field::Created, Field::Updated] {
        for (people, page) in [(0, 1), (1, 1), (3, 3), (4, 3), (6, 3), (250, 0)] {
            for empty_first in [false, true] {
                let stock = Stock { empty_first, ..town(people).paged(page) };
                let read = read(platform, &platform.open(&stock), window(field, 0, 1_000_000)).unwrap();
                assert_eq!(read.len(), people, "{field:?}, {people} in pages of {page}");
                assert!(all_ready(&read));
                // By update time there is no order.
                assert!(field == Field::Updated || read.is_sorted_by_key(|person| person.at));
                assert!(read.iter().all(|person| person.version == person.created));
            }
        }
    }
}

fn both_ends(platform: &dyn Platform) {
    let store = platform.open(&town(5).paged(2));
    for field in [Field::Created, Field::Updated] {
        let read = read(platform, &store, window(field, 60, 180)).unwrap();
        assert_eq!(sorted(ids(&read)), ["P0001", "P0002", "P0003"], "{field:?}");
    }
}

fn fetching(platform: &dyn Platform) {
    let (source, access, store) = (platform.source(), platform.access(), platform.open(&town(230)));
    let fetch = |wanted: &[String]| run(source.fetch_customers(&store, &access, wanted)).unwrap();
    let read = read(platform, &store, window(Field::Created, 0, 1_000_000)).unwrap();
    let mut wanted = ids(&read);
    wanted.insert(7, "gone".to_owned());
    let found = fetch(&wanted);
    assert_eq!(by_id(&found), by_id(&read));
    wanted.reverse();
    assert_eq!(by_id(&fetch(&wanted)), by_id(&read));
    assert!(fetch(&[]).is_empty() && fetch(&["gone".to_owned()]).is_empty());
}

fn counting(platform: &dyn Platform) {
    for people in [0, 1, 130] {
        let count = run(platform.source().count_customers(&platform.open(&town(people)), &platform.access()));
        assert_eq!(count.unwrap(), people as u64);
    }
}

fn nobody(platform: &dyn Platform) {
    assert!(read(platform, &platform.open(&town(3)), window(Field::Updated, 500, 900)).unwrap().is_empty());
    // And somebody who cannot be asked for is an error, not nobody.
    let lost = super::wire::Wire::to(platform, &town(3));
    let trouble = super::wire::Trouble::Lost(crate::http::HttpError::Unknown);
    *lost.trouble.lock().unwrap() = Some((1, trouble));
    failure("lost", read(platform, &lost, window(Field::Updated, 0, 900)));
}
