//! Windows of orders: edges, pages, borders between them, and what changes or appears while they are read.

use jiff::Timestamp;

use super::wire::{Wire, after, all_ready, by_id, ids, read, read_with, records, run, sorted, window};
use super::{Platform, Promise, Stock};
use crate::source::{Count, Field};

const BOTH: [Field; 2] = [Field::Created, Field::Updated];
/// Long after everything.
const LATE: i64 = 10_000_000;

pub(crate) const WINDOWS: &[Promise] = &[
    ("windows of any size are read whole, once, ascending", sizes),
    ("a page of the platform's own size is no end", own_pages),
    ("an empty page with more behind it is no end", empty_pages),
    ("both ends belong to a window", both_ends),
    ("what was sold at another location is left out", elsewhere),
    ("records of one instant lie over a page's border", one_instant),
    ("a reading taken up again at any instant misses nothing", taken_up),
    ("what changes while a window is read hides nothing else", changes),
    ("what appears late is found by the next window that overlaps", late),
    ("a window of nobody's time holds nothing", nothing),
    ("counting agrees with reading, and stops when told", counting),
    ("the first order is the oldest", first),
];

fn sizes(platform: &dyn Platform) {
    for field in BOTH {
        for page in [1, 3] {
            for sales in [0, 1, page, page + 1, 2 * page, 7] {
                let stock = Stock::of(sales).paged(page);
                let read = records(read(platform, &platform.open(&stock), window(field, 0, LATE)).unwrap());
                assert_eq!(sorted(ids(&read)), stock.ids(), "{field:?}, {sales} in pages of {page}");
                assert!(read.is_sorted_by_key(|record| record.at), "{field:?}: not ascending");
                assert!(all_ready(&read), "{field:?}: {read:?}");
                let within = |at: Timestamp| at >= after(0) && at <= after(LATE);
                assert!(read.iter().all(|record| within(record.at)), "{field:?}: outside of the window");
            }
        }
    }
}

fn own_pages(platform: &dyn Platform) {
    for sales in [platform.page_size(), platform.page_size() + 1] {
        let stock = Stock::of(sales);
        let read = records(read(platform, &platform.open(&stock), window(Field::Created, 0, LATE)).unwrap());
        assert_eq!(ids(&read), stock.ids());
    }
}

fn empty_pages(platform: &dyn Platform) {
    for field in BOTH {
        let stock = Stock { empty_first: true, ..Stock::of(4).paged(2) };
        let read = records(read(platform, &platform.open(&stock), window(field, 0, LATE)).unwrap());
        assert_eq!(ids(&read), stock.ids(), "{field:?}");
        assert!(all_ready(&read), "{field:?}: {read:?}");
    }
}

fn both_ends(platform: &dyn Platform) {
    let store = platform.open(&Stock::of(6).paged(2));
    for field in BOTH {
        for (from, to, expected) in
            [(60, 180, 1..4), (61, 179, 2..3), (0, 0, 0..1), (300, LATE, 5..6), (181, 239, 0..0)]
        {
            let read = records(read(platform, &store, window(field, from, to)).unwrap());
            assert_eq!(ids(&read), Stock::of(6).ids()[expected], "{field:?} from {from} to {to}");
        }
    }
}

fn elsewhere(platform: &dyn Platform) {
    let mut stock = Stock::of(5).paged(2);
    stock.sales[1].here = false;
    stock.sales[4].here = false;
    for field in BOTH {
        let read = records(read(platform, &platform.open(&stock), window(field, 0, LATE)).unwrap());
        assert_eq!(ids(&read), stock.ids(), "{field:?}");
    }
}

fn one_instant(platform: &dyn Platform) {
    let mut stock = Stock::of(8).paged(3);
    for sale in &mut stock.sales[1..7] {
        (sale.created, sale.updated) = (100, 100);
    }
    for field in BOTH {
        let store = platform.open(&stock);
        let all = records(read(platform, &store, window(field, 0, LATE)).unwrap());
        assert_eq!(ids(&by_id(&all)), stock.ids(), "{field:?}");
        let again = records(read(platform, &store, window(field, 100, LATE)).unwrap());
        assert_eq!(
            ids(&by_id(&again)),
            stock.ids()[1..],
            "{field:?}: all of the instant, when it is read again"
        );
    }
}

/// A checkpoint is the instant of a record that was delivered: the window is read again from there.
fn taken_up(platform: &dyn Platform) {
    let mut stock = Stock::of(9).paged(2);
    for (n, updated) in [(1, 700), (4, 240), (7, 420)] {
        stock.sales[n].updated = updated;
    }
    for field in BOTH {
        let store = platform.open(&stock);
        let all = records(read(platform, &store, window(field, 0, 800)).unwrap());
        assert_eq!(ids(&by_id(&all)), stock.ids(), "{field:?}");
        for (place, record) in all.iter().enumerate() {
            let again = window(field, record.at.as_second() - super::BEGINNING, 800);
            let rest = ids(&records(read(platform, &store, again).unwrap()));
            let missed: Vec<_> = all[place..].iter().filter(|record| !rest.contains(&record.id)).collect();
            assert!(missed.is_empty(), "{field:?} from {}: {missed:?}", record.at);
        }
    }
}

fn changes(platform: &dyn Platform) {
    let stock = Stock::of(9).paged(3);
    let mut changed = stock.clone();
    changed.sales[1].updated = 5_000;
    changed.sales[7].updated = 5_001;
    for field in BOTH {
        let wire = Wire::to(platform, &stock);
        let first = records(
            read_with(platform, &wire, window(field, 0, 1_000), |page| {
                if page == 1 {
                    wire.change(&changed);
                }
            })
            .unwrap(),
        );
        let next = records(read(platform, &wire, window(Field::Updated, 700, 9_000)).unwrap());
        let mut found = ids(&first);
        found.extend(ids(&next));
        found = sorted(found);
        found.dedup();
        assert_eq!(found, stock.ids(), "{field:?}: between the two windows everything is seen");
        for changed in ["S0001", "S0007"] {
            assert!(next.iter().any(|record| record.id == changed && record.version >= after(5_000)));
        }
    }
}

/// The index of a platform is behind its data: a record appears after the window of its time was read.
fn late(platform: &dyn Platform) {
    let whole = Stock::of(6);
    let mut behind = whole.clone();
    behind.sales.remove(4);
    let wire = Wire::to(platform, &behind);
    let first = ids(&records(read(platform, &wire, window(Field::Updated, 0, 300)).unwrap()));
    assert!(!first.contains(&"S0004".to_owned()));
    wire.change(&whole);
    let next = ids(&records(read(platform, &wire, window(Field::Updated, 180, 900)).unwrap()));
    assert_eq!(next, whole.ids()[3..]);
}

fn nothing(platform: &dyn Platform) {
    for field in BOTH {
        let pages = read(platform, &platform.open(&Stock::of(3)), window(field, 500, 900)).unwrap();
        assert!(pages.iter().all(|page| page.records.is_empty() && page.products.is_empty()), "{field:?}");
    }
}

fn counting(platform: &dyn Platform) {
    let (source, access) = (platform.source(), platform.access());
    for (sales, page) in [(0, 0), (1, 1), (7, 3), (9, 3), (9, 0)] {
        let store = platform.open(&Stock::of(sales).paged(page));
        for (from, to) in [(0, LATE), (60, 240)] {
            let all = window(Field::Created, from, to);
            let read = ids(&records(read(platform, &store, all).unwrap())).len() as u64;
            let counted = run(source.count_orders(&store, &access, all, 20)).unwrap();
            assert_eq!(counted, Count { orders: read, exact: true }, "{sales} in pages of {page}");
        }
        let none = run(source.count_orders(&store, &access, window(Field::Created, 0, LATE), 0)).unwrap();
        assert_eq!(none, Count { orders: 0, exact: false }, "without a call nothing is known");
    }
    let wire = Wire::to(platform, &Stock::of(9).paged(2));
    let some = run(source.count_orders(&wire, &access, window(Field::Created, 0, LATE), 2)).unwrap();
    assert!(!some.exact && some.orders <= 9 && wire.calls() <= 2, "{some:?}");
}

fn first(platform: &dyn Platform) {
    let mut stock = Stock::of(4);
    stock.sales[0].here = false;
    stock.sales[2].updated = 20;
    let oldest = |stock: &Stock| {
        run(platform.source().first_order(&platform.open(stock), &platform.access())).unwrap()
    };
    assert_eq!(oldest(&stock), Some(after(60)));
    stock.empty_first = true;
    assert_eq!(oldest(&stock), Some(after(60)));
    assert_eq!(oldest(&Stock::of(0)), None);
    // And a window from there on holds everything.
    let all = records(read(platform, &platform.open(&stock), window(Field::Created, 60, LATE)).unwrap());
    assert_eq!(by_id(&all).len(), 3);
}
