//! Which field of a source goes to which field of the destination, as data: shown to whoever connects. The contract of
//! the sources proves each line with a record, so the table says what mapping does.

use serde::Serialize;

/// One field and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FieldLine {
    /// The source's object and field, in its own words, as `customer.id`; `[]` is each entry of a list.
    pub from: &'static str,
    /// The destination's object and field, as its API calls it: `order.storeOrderId`.
    pub to: &'static str,
    /// For an id that both sides know a thing by: what it is at the destination, in words. None for any other field.
    pub matches: Option<&'static str>,
    /// Fields that come before this one: it is taken where they say nothing.
    pub after: &'static [&'static str],
}

impl FieldLine {
    /// A field.
    #[must_use]
    pub const fn new(from: &'static str, to: &'static str) -> Self {
        Self { from, to, matches: None, after: &[] }
    }

    /// An id, with what it is at the destination.
    #[must_use]
    pub const fn id(from: &'static str, to: &'static str, what: &'static str) -> Self {
        Self { matches: Some(what), ..Self::new(from, to) }
    }

    /// The same field where those before it say nothing.
    #[must_use]
    pub const fn or(self, after: &'static [&'static str]) -> Self {
        Self { after, ..self }
    }
}

/// The line by which a source's customers are matched with the destination's; every source has one.
pub const CUSTOMER: &str = "order.storeCustomerId";
