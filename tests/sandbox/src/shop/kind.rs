//! What an order is drawn as, and how many in a thousand are.

use crate::rng::Rng;

/// What becomes of a sale that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Back {
    Full,
    Part,
    /// Nothing has gone back yet.
    Pending,
    Rejected,
    Failed,
    /// The return order lives at another location than the sale.
    Elsewhere,
    /// A part of a sale of which a part was given back before.
    Again,
    /// One of several tenders, whole.
    OneTender,
    /// Called off after it was paid: everything goes back and the order is cancelled.
    Cancelled,
}

/// Something brought back for something else: how the new goods compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swap {
    Dearer,
    Even,
    Cheaper,
}

/// Where a word stands that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    Payment,
    Fulfillment,
    State,
    Line,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Back(Back),
    Swap(Swap),
    NoCustomer,
    /// An address on the recipient and on the payment, and no customer.
    EmailOnly,
    NoEmail,
    BadEmail,
    /// A profile that was deleted.
    Gone,
    /// A profile that was merged into another before the shop was ever read.
    Merged,
    /// One of several profiles with one address.
    Twin,
    Unpaid,
    Tender,
    Payment,
    Recipient,
    Free,
    Split,
    Three,
    GiftSold,
    GiftPaid,
    Rounded,
    Invoice,
    /// Taken offline: the order is made when it arrives.
    Offline,
    /// Taken offline: the order has its old date when it arrives.
    OfflineLate,
    Weighed,
    Custom,
    Nameless,
    Modified,
    Uneven,
    Charged,
    Shipped,
    Delivered,
    PickedUp,
    Foreign(Foreign),
    Usual,
}

/// The first ones bring every reason for which an order is left out; what refers to an earlier sale comes after
/// the kind of sale it needs.
const SHARES: [(u64, Kind); 43] = [
    (3, Kind::Back(Back::Full)),
    (30, Kind::NoCustomer),
    (20, Kind::NoEmail),
    (5, Kind::BadEmail),
    (3, Kind::Gone),
    (30, Kind::Unpaid),
    (15, Kind::Split),
    (3, Kind::Back(Back::Part)),
    (50, Kind::Tender),
    (50, Kind::Payment),
    (10, Kind::Recipient),
    (4, Kind::Free),
    (2, Kind::Merged),
    (8, Kind::Twin),
    (2, Kind::EmailOnly),
    (3, Kind::Swap(Swap::Dearer)),
    (2, Kind::Swap(Swap::Even)),
    (2, Kind::Swap(Swap::Cheaper)),
    (1, Kind::Back(Back::Pending)),
    (1, Kind::Back(Back::Rejected)),
    (1, Kind::Back(Back::Failed)),
    (1, Kind::Back(Back::Elsewhere)),
    (1, Kind::Back(Back::Again)),
    (1, Kind::Back(Back::OneTender)),
    (1, Kind::Back(Back::Cancelled)),
    (5, Kind::Three),
    (6, Kind::GiftSold),
    (8, Kind::GiftPaid),
    (6, Kind::Rounded),
    (15, Kind::Invoice),
    (6, Kind::Offline),
    (4, Kind::OfflineLate),
    (20, Kind::Weighed),
    (12, Kind::Custom),
    (8, Kind::Nameless),
    (20, Kind::Modified),
    (15, Kind::Uneven),
    (12, Kind::Charged),
    (15, Kind::Shipped),
    (8, Kind::Delivered),
    (8, Kind::PickedUp),
    (2, Kind::Foreign(Foreign::Payment)),
    (2, Kind::Foreign(Foreign::Fulfillment)),
];
/// Rarer still, and in every shop of 200 orders all the same.
const RARE: [Kind; 2] = [Kind::Foreign(Foreign::State), Kind::Foreign(Foreign::Line)];

/// The first order of a kind of its own, and how far apart they lie.
const FIRST: usize = 12;
const STEP: usize = 4;

pub(super) fn draw(rng: &mut Rng, index: usize) -> Kind {
    // A shop of 200 orders or more has every kind, whatever the dice say.
    let place = index.checked_sub(FIRST).filter(|past| past.is_multiple_of(STEP)).map(|past| past / STEP);
    let fixed = SHARES.iter().map(|(_, kind)| *kind).chain(RARE);
    if let Some(kind) = place.and_then(|place| fixed.clone().nth(place)) {
        return kind;
    }
    let mut roll = rng.below(1000);
    for (share, kind) in SHARES.into_iter().chain(RARE.map(|kind| (1, kind))) {
        if roll < share {
            return kind;
        }
        roll -= share;
    }
    Kind::Usual
}
