//! The shop's history: when each order was placed, and what kind of order it is.

use std::collections::HashMap;

use super::catalogue::{self, Product};
use super::oracle::Facts;
use super::people::{self, Reach};
use super::sale::{Known, Outcome, Plan, Sale};
use super::table::{Row, Table};
use super::{Shop, payment, place};
use crate::clock;
use crate::rng::Rng;

/// Fourteen months.
const SPAN: i64 = 425 * clock::DAY;
/// The youngest record of the history: older than any index lag worth testing.
const YOUNGEST: i64 = 6 * clock::MINUTE;
const ITEMS: usize = 60;

/// What an order is drawn as; the shares are those of the brief, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Return,
    NoCustomer,
    NoEmail,
    BadEmail,
    Gone,
    Unpaid,
    Tender,
    Payment,
    Recipient,
    Free,
    Usual,
}

const SHARES: [(u64, Kind); 10] = [
    (10, Kind::Return),
    (30, Kind::NoCustomer),
    (20, Kind::NoEmail),
    (5, Kind::BadEmail),
    (3, Kind::Gone),
    (30, Kind::Unpaid),
    (50, Kind::Tender),
    (50, Kind::Payment),
    (10, Kind::Recipient),
    (4, Kind::Free),
];

/// The same arguments give the same shop, byte for byte.
pub(crate) fn make(orders: usize, customers: usize, seed: u64, locations: usize, now: i64) -> Shop {
    let mut rng = Rng::new(seed ^ 0x5119_0001);
    let merchant = rng.id("ML", 13).to_ascii_uppercase();
    let places = place::make(&mut rng, locations, now);
    let catalogue = catalogue::make(&mut rng, ITEMS, now);
    let people = people::make(&mut rng, customers, now);
    let mut shop = Shop {
        merchant,
        places,
        orders: Table::default(),
        payments: Table::default(),
        refunds: Table::default(),
        customers: Table::default(),
        catalogue,
        good: Vec::new(),
        people: HashMap::new(),
        facts: Vec::with_capacity(orders),
        rng,
    };
    // Sold once, deleted since: their ids no longer resolve.
    for number in 1..=2 {
        let variation_id = shop.rng.id("", 24).to_ascii_uppercase();
        let name = format!("Article retiré {number}");
        let variation = "Normal".to_owned();
        shop.catalogue.products.push(Product {
            variation_id,
            name,
            variation,
            price: 650,
            by_weight: false,
            version: now - SPAN,
        });
    }
    let mut pools = Pools::default();
    for person in people {
        pools.take(&person.id, person.reach);
        let json = person.json();
        shop.customers.insert(Row {
            id: person.id.clone(),
            created: person.created,
            updated: person.updated,
            version: Some(1),
            listed: person.reach != Reach::Hidden,
            bytes: json.to_string().into_bytes(),
            ..Row::default()
        });
        shop.people.insert(person.id.clone(), person);
    }
    shop.good = pools.buyers.clone();
    for (index, created) in times(&mut shop.rng, orders, now).into_iter().enumerate() {
        shop.draw(index, created, &pools, now);
    }
    shop
}

/// Profiles by what they are good for; only four in five good ones ever buy.
#[derive(Default)]
struct Pools {
    buyers: Vec<String>,
    no_email: Vec<String>,
    bad_email: Vec<String>,
    good: usize,
}

impl Pools {
    fn take(&mut self, id: &str, reach: Reach) {
        match reach {
            Reach::Good => {
                self.good += 1;
                if !self.good.is_multiple_of(5) {
                    self.buyers.push(id.to_owned());
                }
            }
            Reach::BadEmail => self.bad_email.push(id.to_owned()),
            Reach::NoEmail | Reach::Hidden => self.no_email.push(id.to_owned()),
        }
    }
}

/// Creation times in order: one in fifty within the last day, the rest over the whole span.
fn times(rng: &mut Rng, orders: usize, now: i64) -> Vec<i64> {
    let recent = orders.div_ceil(50);
    let mut times: Vec<i64> = (0..orders)
        .map(|index| {
            if index < recent {
                now - rng.between(YOUNGEST + clock::MINUTE, clock::DAY - 10 * clock::MINUTE)
            } else {
                now - rng.between(clock::DAY + clock::HOUR, SPAN)
            }
        })
        .collect();
    times.sort_unstable();
    times
}

fn kind(rng: &mut Rng, index: usize) -> Kind {
    // A shop of sixty orders or more has every kind, whatever the dice say.
    if index >= 12 && (index - 12).is_multiple_of(4) && (index - 12) / 4 < SHARES.len() {
        return SHARES[(index - 12) / 4].1;
    }
    let mut roll = rng.below(1000);
    for (share, kind) in SHARES {
        if roll < share {
            return kind;
        }
        roll -= share;
    }
    Kind::Usual
}

impl Shop {
    fn draw(&mut self, index: usize, created: i64, pools: &Pools, now: i64) {
        let kind = kind(&mut self.rng, index);
        if kind == Kind::Return && self.refund_earlier(created, now - YOUNGEST) {
            return;
        }
        let place = self.draw_place();
        let customer = match kind {
            Kind::NoCustomer => None,
            Kind::NoEmail => self.rng.pick(&pools.no_email).cloned(),
            Kind::BadEmail => self.rng.pick(&pools.bad_email).cloned(),
            Kind::Gone => Some(self.rng.id("", 26).to_ascii_uppercase()),
            _ => self.rng.pick(&pools.buyers).cloned(),
        };
        let outcome = match kind {
            Kind::Unpaid => [
                Outcome::Open,
                Outcome::Draft,
                Outcome::Canceled,
                Outcome::FailedPayment,
                Outcome::CanceledPayment,
                Outcome::Authorised,
            ][self.rng.index(6)],
            Kind::Free => Outcome::Free,
            _ if self.rng.per_mille(20) => Outcome::PaidOpen,
            _ => Outcome::Paid,
        };
        let known = match (kind, &customer) {
            (_, None) => Known::Nowhere,
            (Kind::Tender, _) => Known::Tender,
            (Kind::Payment, _) => Known::Payment,
            (Kind::Recipient, _) => Known::Recipient,
            _ => Known::Order,
        };
        let plan =
            Plan { place, created, not_after: now - YOUNGEST + clock::MINUTE, outcome, known, customer };
        self.sell(plan);
    }

    fn draw_place(&mut self) -> usize {
        let active = self.places.len().saturating_sub(1).max(1);
        match self.rng.below(100) {
            0..60 => 0,
            60..85 => 1 % active,
            _ => self.rng.index(active),
        }
    }

    /// Draws a sale and puts it and its payments on the shelf. The id is the answer.
    pub(super) fn sell(&mut self, plan: Plan) -> String {
        let sale = Sale::draw(&mut self.rng, plan, &self.places, &self.catalogue.products);
        self.orders.insert(sale.row(&self.places));
        for row in payment::rows(&sale, &self.places) {
            self.payments.insert(row);
        }
        self.facts.push(Facts::of(&sale));
        sale.id
    }
}
