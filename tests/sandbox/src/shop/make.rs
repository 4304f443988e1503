//! The shop's history: when each order was placed, and what kind of order it is.

use std::collections::HashMap;

use super::catalogue::{self, Product};
use super::kind::{self, Kind};
use super::people::{self, Person, Reach};
use super::sale::{Known, Outcome, Plan, Sale};
use super::table::Table;
use super::{Shop, place};
use crate::clock;
use crate::rng::Rng;

/// Fourteen months.
const SPAN: i64 = 425 * clock::DAY;
/// The youngest record of the history: older than any index lag worth testing.
const YOUNGEST: i64 = 6 * clock::MINUTE;
const ITEMS: usize = 60;

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
        open: Vec::new(),
        merges: Vec::new(),
        turn: 0,
        rng,
    };
    // Sold once, deleted since: their ids no longer resolve.
    for number in 1..=2 {
        shop.catalogue.products.push(Product {
            variation_id: shop.rng.id("", 24).to_ascii_uppercase(),
            name: format!("Article retiré {number}"),
            variation: "Normal".to_owned(),
            price: 650,
            by_weight: false,
            gone: true,
            shelf: catalogue::Shelf::default(),
            version: now - SPAN,
        });
    }
    let pools = Pools::of(&people);
    for person in people {
        shop.customers.insert(person.row());
        shop.people.insert(person.id.clone(), person);
    }
    shop.good = pools.buyers.clone();
    let times = times(&mut shop.rng, orders, now);
    let last = times.len().saturating_sub(2);
    for (index, created) in times.into_iter().enumerate() {
        let mut kind = kind::draw(&mut shop.rng, index);
        // Sales of the last two days often wait for their customer; the last but one always does, and before it
        // there is a bill that nobody has paid yet.
        let fresh = created > now - 46 * clock::HOUR;
        match orders {
            ..12 => {}
            _ if index + 1 == last => kind = Kind::Invoice,
            _ if index == last || (fresh && shop.rng.per_mille(120)) => kind = Kind::NoCustomer,
            _ => {}
        }
        shop.draw(kind, created, &pools, now);
    }
    shop
}

/// Profiles by what they are good for; only four in five good ones ever buy.
#[derive(Default)]
struct Pools {
    buyers: Vec<String>,
    no_email: Vec<String>,
    bad_email: Vec<String>,
    twins: Vec<String>,
    /// Ids that no longer resolve, as their profiles were merged.
    merged: Vec<String>,
}

impl Pools {
    fn of(people: &[Person]) -> Self {
        let mut pools = Self::default();
        let mut shared: HashMap<String, Vec<&str>> = HashMap::new();
        let mut good = 0_usize;
        for person in people {
            let id = person.id.clone();
            pools.merged.extend(person.sources.iter().cloned());
            match person.reach {
                Reach::Good => {
                    good += 1;
                    let email = person.email.clone().unwrap_or_default().to_lowercase();
                    shared.entry(email).or_default().push(&person.id);
                    if !good.is_multiple_of(5) {
                        pools.buyers.push(id);
                    }
                }
                Reach::BadEmail => pools.bad_email.push(id),
                Reach::NoEmail | Reach::Hidden => pools.no_email.push(id),
            }
        }
        let twins = shared.into_values().filter(|ids| ids.len() > 1).flatten();
        pools.twins = twins.map(str::to_owned).collect();
        // A map has no order of its own, and one seed is one shop.
        pools.twins.sort_unstable();
        pools
    }
}

/// Creation times in order: one in fifty within the last day, the rest over the whole span.
fn times(rng: &mut Rng, orders: usize, now: i64) -> Vec<i64> {
    let recent = orders.div_ceil(50);
    let mut times: Vec<i64> = (0..orders)
        .map(|index| {
            if index < recent {
                return now - rng.between(YOUNGEST + clock::MINUTE, clock::DAY - 10 * clock::MINUTE);
            }
            let age = rng.between(clock::DAY + clock::HOUR, SPAN);
            // Nothing turns two days old while a test runs.
            let edge = (46 * clock::HOUR..50 * clock::HOUR).contains(&age);
            now - if edge { age + 5 * clock::HOUR } else { age }
        })
        .collect();
    times.sort_unstable();
    times
}

impl Shop {
    fn draw(&mut self, kind: Kind, created: i64, pools: &Pools, now: i64) {
        let not_after = now - YOUNGEST;
        let done = match kind {
            Kind::Back(how) => self.back_earlier(how, created, not_after),
            Kind::Swap(how) => self.exchange_earlier(how, created, not_after),
            _ => false,
        };
        if done {
            return;
        }
        let place = self.draw_place();
        let customer = match kind {
            Kind::NoCustomer | Kind::EmailOnly => None,
            Kind::NoEmail => self.rng.pick(&pools.no_email).cloned(),
            Kind::BadEmail => self.rng.pick(&pools.bad_email).cloned(),
            Kind::Gone => Some(self.rng.id("", 26).to_ascii_uppercase()),
            Kind::Merged => self.rng.pick(&pools.merged).cloned(),
            Kind::Twin => self.rng.pick(&pools.twins).cloned(),
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
            Kind::PickedUp => Outcome::PaidOpen,
            Kind::Usual if self.rng.per_mille(25) => Outcome::PaidOpen,
            _ => Outcome::Paid,
        };
        let known = match (kind, &customer) {
            (_, None) => Known::Nowhere,
            (Kind::Tender | Kind::Split, _) => Known::Tender,
            (Kind::Payment | Kind::Three, _) => Known::Payment,
            (Kind::Recipient, _) => Known::Recipient,
            _ => Known::Order,
        };
        let not_after = not_after + clock::MINUTE;
        self.sell(Plan { place, created, not_after, outcome, known, customer, kind });
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
        self.shelve(&sale);
        sale.id
    }
}
