//! What reading one record came to.

use std::sync::Arc;

use jiff::Timestamp;

/// A record as it was seen at the source, whatever becomes of it: nothing observed is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed<T> {
    /// The source's id.
    pub id: String,
    /// Newest change of any part of the record. The older of two versions is never sent over the newer.
    pub version: Timestamp,
    /// The instant the window was read by (creation or update), for the checkpoint.
    pub at: Timestamp,
    /// When the record was made at the source.
    pub created: Timestamp,
    /// What it came to.
    pub reading: Reading<T>,
}

/// What a record came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading<T> {
    /// To be sent, if anything about it is new.
    Ready(Arc<T>),
    /// Left out by a rule. `late` is its mapped form where there is one: a record sent earlier is kept right
    /// even when a rule would leave it out today.
    Skipped {
        /// The rule.
        reason: SkipReason,
        /// The mapped form, where it could be made.
        late: Option<Arc<T>>,
    },
    /// It does not have the form its platform promises; somebody must look.
    Unreadable {
        /// A stable code, as `acme.unreadable`.
        code: &'static str,
        /// Where in the record it went wrong; holds no value of it.
        place: String,
    },
}

/// Why a rule leaves a record out. Several true at once: the first in this order is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SkipReason {
    /// Only gives back; not a sale.
    ReturnOnly,
    /// Draft, open, failed or called off without money.
    NotPaid,
    /// Nobody is named as the buyer.
    NoCustomer,
    /// The buyer's profile is no longer there.
    CustomerGone,
    /// The buyer has no address.
    NoEmail,
    /// The buyer's address is none.
    BadEmail,
    /// Older than the history that was asked for.
    BeforeHistory,
    /// Nobody who has bought; the connection keeps buyers only.
    WithoutOrders,
    /// Never sent, and no longer at the store.
    Gone,
    /// Of a person who was erased here.
    Erased,
}

impl SkipReason {
    /// Every reason, in the order in which they are said.
    pub const ALL: [Self; 10] = [
        Self::ReturnOnly,
        Self::NotPaid,
        Self::NoCustomer,
        Self::CustomerGone,
        Self::NoEmail,
        Self::BadEmail,
        Self::BeforeHistory,
        Self::WithoutOrders,
        Self::Gone,
        Self::Erased,
    ];

    /// The word in answers and in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ReturnOnly => "return_only",
            Self::NotPaid => "not_paid",
            Self::NoCustomer => "no_customer",
            Self::CustomerGone => "customer_gone",
            Self::NoEmail => "no_email",
            Self::BadEmail => "bad_email",
            Self::BeforeHistory => "before_history",
            Self::WithoutOrders => "without_orders",
            Self::Gone => "gone",
            Self::Erased => "erased",
        }
    }

    /// What the reason means, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::ReturnOnly => "It only gives money back; the sale it belongs to carries the refund.",
            Self::NotPaid => "It is a draft, still open, called off, or its payment failed.",
            Self::NoCustomer => "The store does not say who bought.",
            Self::CustomerGone => "The buyer's profile was deleted at the store.",
            Self::NoEmail => "The person has no e-mail address at the store.",
            Self::BadEmail => "The person's e-mail address at the store is not an address.",
            Self::BeforeHistory => "It is older than the history this connection was asked to send.",
            Self::WithoutOrders => "The person has bought nothing, and the connection keeps buyers only.",
            Self::Gone => "It was never sent, and the store does not have it any more.",
            Self::Erased => "The person was erased here on request, so nothing of theirs is kept or sent.",
        }
    }
}
