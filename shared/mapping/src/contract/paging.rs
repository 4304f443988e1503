//! Windows of any density in pages of any size, while orders change between the pages.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::wire::{Wire, after, by_id, ids, read, read_with, records, sorted, window};
use super::{Platform, Promise, Stock};
use crate::source::Field;

pub(crate) const PAGING: &[Promise] = &[(
    "as many as there are, are seen, whatever the pages are and whatever changes between them",
    all_are_seen,
)];

/// The end of the window; what changes while it is read changes later than that.
const END: i64 = 4_000;
const CASES: u32 = 48;

#[derive(Clone, Debug)]
struct Case {
    /// Seconds from one sale to the next: often none.
    gaps: Vec<i64>,
    page: usize,
    /// After which page, and which sale changes.
    changes: Vec<(usize, usize)>,
}

fn case() -> impl Strategy<Value = Case> {
    let gap = prop_oneof![3 => Just(0), 2 => Just(1), 2 => Just(60)];
    (prop::collection::vec(gap, 0..14), 1_usize..6, prop::collection::vec((1_usize..5, 0_usize..14), 0..4))
        .prop_map(|(gaps, page, changes)| Case { gaps, page, changes })
}

fn all_are_seen(platform: &dyn Platform) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng)
        .run(&case(), |case| {
            [Field::Created, Field::Updated].into_iter().try_for_each(|field| seen(platform, &case, field))
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

fn stock(case: &Case) -> Stock {
    let mut stock = Stock::of(case.gaps.len()).paged(case.page);
    let mut at = 0;
    for (sale, gap) in stock.sales.iter_mut().zip(&case.gaps) {
        at += gap;
        (sale.created, sale.updated) = (at, at);
    }
    stock
}

fn seen(platform: &dyn Platform, case: &Case, field: Field) -> Result<(), TestCaseError> {
    let stock = stock(case);
    let wire = Wire::to(platform, &stock);
    let changed = std::cell::RefCell::new((stock.clone(), Vec::new()));
    let pages = read_with(platform, &wire, window(field, 0, END), |page| {
        let (held, touched) = &mut *changed.borrow_mut();
        for (_, n) in case.changes.iter().filter(|(after, _)| *after == page) {
            if let Some(sale) = held.sales.get_mut(*n) {
                sale.updated = END + 1_000 + page as i64;
                touched.push(sale.id.clone());
            }
        }
        wire.change(held);
    });
    let first = records(pages.unwrap());
    let next = records(read(platform, &wire, window(Field::Updated, END, 3 * END)).unwrap());
    let once = |mut ids: Vec<String>| {
        ids = sorted(ids);
        ids.dedup();
        ids
    };
    if field == Field::Created {
        prop_assert_eq!(once(ids(&first)), stock.ids(), "a change hides nothing from a window of history");
    }
    prop_assert_eq!(once([ids(&first), ids(&next)].concat()), stock.ids(), "{:?}", field);
    let touched = changed.into_inner().1;
    prop_assert_eq!(once(ids(&next)), once(touched), "what changed is told again");
    prop_assert!(next.iter().all(|record| record.version > after(END)));
    if case.changes.is_empty() {
        // Of changes of one instant, those before a border of pages are told again behind it: as they were.
        prop_assert_eq!(ids(&by_id(&first)), stock.ids(), "the same each time, where nothing changes");
        prop_assert!(field == Field::Updated || first.len() == stock.sales.len(), "history tells each once");
    }
    Ok(())
}
