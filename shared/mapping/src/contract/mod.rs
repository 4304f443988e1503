//! What every source must pass, whatever its platform. A source's tests give a [`Platform`]: a store in memory that
//! answers as the platform documents it, its failures, and samples of its records. The next source gets the rest for
//! nothing: `every_source_passes!(Its)`.

mod failures;
mod fetching;
mod fields;
mod granting;
mod paging;
mod parts;
mod people;
mod records;
mod telling;
mod windows;
mod wire;

use std::sync::Arc;

use serde_json::Value;

use crate::http::{Http, Request};
use crate::source::{Access, Source};

pub(crate) use failures::{CODES, PROMISED};
pub(crate) use fetching::FETCHING;
pub(crate) use fields::FIELDS;
pub(crate) use granting::{Granting, SIGN_IN};
pub(crate) use paging::PAGING;
pub(crate) use people::PEOPLE;
pub(crate) use records::RECORDS;
pub(crate) use telling::{Telling, WEBHOOKS};
pub(crate) use windows::WINDOWS;
pub(crate) use wire::run;

/// Where the suite's time begins: seconds in [`Stock`] count from here.
pub(crate) const BEGINNING: i64 = 1_767_225_600;

/// What a store holds, in nobody's words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stock {
    pub(crate) sales: Vec<Sale>,
    pub(crate) people: Vec<Person>,
    /// The most records of any page; 0 is the platform's own limit.
    pub(crate) page: usize,
    /// Whether the first page of every list is empty and says that there is more.
    pub(crate) empty_first: bool,
}

/// A sale of one thing, paid at once and in full.
#[derive(Clone, Debug)]
pub(crate) struct Sale {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// The buyer's id.
    pub(crate) person: String,
    /// At the location that is read, or at another one of the store.
    pub(crate) here: bool,
    pub(crate) minor: i64,
}

/// Somebody with an address.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) at: i64,
}

/// What an answer of the platform means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The token is no good any more.
    Unauthorised,
    /// The token may not do this.
    Forbidden,
    /// Too fast.
    Throttled,
    /// A failure of theirs.
    Broken,
    /// The cursor of the question is dead.
    DeadCursor,
    /// An answer that is none, with a status that says it is well.
    Nonsense,
}

impl Class {
    /// Every one must be given at least once.
    pub(crate) const ALL: [Self; 6] = [
        Self::Unauthorised,
        Self::Forbidden,
        Self::Throttled,
        Self::Broken,
        Self::DeadCursor,
        Self::Nonsense,
    ];
}

/// A platform, for the suite.
pub(crate) trait Platform: Sync {
    /// The source under test.
    fn source(&self) -> &'static dyn Source;

    /// How the store is called; its token has the word `token` in it.
    fn access(&self) -> Access;

    /// A store that holds this. A cursor keeps its place by the record it came to, and is bound to its question.
    fn open(&self, stock: &Stock) -> Arc<dyn Http>;

    /// Orders of a whole page.
    fn page_size(&self) -> usize;

    /// The id of the payment of a sale.
    fn payment_of(&self, sale: &str) -> String;

    /// Status and body of every kind of refusal.
    fn answers(&self) -> Vec<(Class, u16, &'static str)>;

    /// Makes an answer one in which some of what was asked for could not be served; false where this call has no
    /// such form.
    fn cut_short(&self, request: &Request, body: &mut Value) -> bool;

    /// Rich records with every field in use, by kind: `order` first, then what is looked up for it, and `customer`.
    fn samples(&self) -> Vec<(&'static str, Value)>;

    /// How it tells what happens; none for a source without webhooks.
    fn telling(&self) -> Option<&dyn Telling>;

    /// What it grants; none for a source without a sign-in.
    fn granting(&self) -> Option<&dyn Granting>;

    /// Words of the platform's own, as of a state, to be tried in place of what a sample says.
    fn words(&self) -> &'static [&'static str];

    /// A store that answers with these records whatever is asked.
    fn serve(&self, samples: &[(&'static str, Value)]) -> Arc<dyn Http>;
}

/// A promise with its name.
pub(crate) type Promise = (&'static str, fn(&dyn Platform));

/// Makes the tests of a source.
macro_rules! every_source_passes {
    ($platform:expr) => {
        $crate::contract::promises! { $platform =>
            windows = WINDOWS, paging = PAGING, fetching = FETCHING, people = PEOPLE, records = RECORDS, fields = FIELDS, failures = PROMISED,
            codes = CODES, webhooks = WEBHOOKS, sign_in = SIGN_IN
        }
    };
}

macro_rules! promises {
    ($platform:expr => $($name:ident = $list:ident),+) => {
        $(#[test]
        fn $name() {
            for (promise, keep) in $crate::contract::$list {
                println!("{promise}");
                keep(&$platform);
            }
        })+
    };
}

pub(crate) use {every_source_passes, promises};

impl Stock {
    /// So many sales, a minute apart, to two people.
    pub(crate) fn of(sales: usize) -> Self {
        let people = ["ANN", "BOB"].map(|id| Person { id: id.to_owned(), at: 0 }).to_vec();
        let sales = (0..sales).map(|n| Sale {
            id: format!("S{n:04}"),
            created: 60 * n as i64,
            updated: 60 * n as i64,
            person: people[n % 2].id.clone(),
            here: true,
            minor: 1_000 + n as i64,
        });
        Self { sales: sales.collect(), people: people.clone(), page: 0, empty_first: false }
    }

    /// The same in pages of so many.
    pub(crate) fn paged(mut self, page: usize) -> Self {
        self.page = page;
        self
    }

    /// Ids of the sales here, in order.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.sales.iter().filter(|sale| sale.here).map(|sale| sale.id.clone()).collect()
    }
}

/// A source that forgets the contract is told so here.
#[test]
fn every_source_in_the_list_passes_this() {
    for source in crate::sources::all() {
        let folder = format!("{}/src/sources/{}/tests", env!("CARGO_MANIFEST_DIR"), source.name());
        let held = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
        let texts = held.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default());
        assert!(texts.into_iter().any(|text| text.contains("every_source_passes!(")), "{folder}");
    }
}
