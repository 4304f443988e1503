//! A shop made from a seed, and what happens in it while tests run.

mod back;
pub(crate) mod catalogue;
mod change;
mod kind;
pub(crate) mod line;
mod make;
mod oracle;
mod order;
mod payment;
mod people;
mod place;
mod profiles;
mod sale;
mod sums;
pub(crate) mod table;
mod tender;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

pub use change::Changes;
pub(crate) use make::make;
pub(crate) use place::Place;

use catalogue::Catalogue;
use oracle::Facts;
use people::Person;
use table::Table;

use crate::clock;
use crate::rng::Rng;

/// Everything the Square stand-in serves.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) merchant: String,
    pub(crate) places: Vec<Place>,
    pub(crate) orders: Table,
    pub(crate) payments: Table,
    pub(crate) refunds: Table,
    pub(crate) customers: Table,
    pub(crate) catalogue: Catalogue,
    people: HashMap<String, Person>,
    /// Ids of profiles with a usable address, in the order they were made.
    good: Vec<String>,
    facts: Vec<Facts>,
    /// Refunds that have not gone through yet.
    open: Vec<back::Open>,
    /// Profiles that became one, with those they were: told once.
    pub(crate) merges: Vec<(String, Vec<String>)>,
    /// Counts changes that come in several forms by turns.
    turn: usize,
    rng: Rng,
}

impl Shop {
    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        let id = if id == "main" { self.places.first()?.id.as_str() } else { id };
        self.places.iter().position(|p| p.id == id)
    }

    pub(crate) fn merchant_json(&self) -> Value {
        self.places.first().map_or(Value::Null, |main| place::merchant(&self.merchant, main))
    }

    pub(crate) fn places_json(&self) -> Value {
        let mut places: Vec<&Place> = self.places.iter().collect();
        places.sort_by(|a, b| a.name.cmp(&b.name));
        places.iter().map(|p| p.json(&self.merchant)).collect()
    }

    /// The sums a run over this shop must come to.
    pub(crate) fn expected(&self) -> Value {
        self.expected_at(clock::now())
    }

    pub(crate) fn expected_at(&self, now: i64) -> Value {
        let mut places = Map::new();
        for (index, place) in self.places.iter().enumerate() {
            let mut sum = sums::summary(&self.facts, (index, place.timezone), &self.people, now);
            sum["name"] = Value::from(place.name.as_str());
            sum["currency"] = Value::from(place.currency);
            sum["timezone"] = Value::from(place.timezone);
            sum["status"] = Value::from(place.status.as_str());
            places.insert(place.id.clone(), sum);
        }
        json!({"locations": places, "customers": sums::customers(&self.facts, &self.people)})
    }

    /// One verdict per order, for the location named or for all.
    pub(crate) fn expected_orders(&self, place: Option<&str>) -> Value {
        self.expected_orders_at(place, clock::now())
    }

    pub(crate) fn expected_orders_at(&self, place: Option<&str>, now: i64) -> Value {
        let wanted = place.map(|id| self.place(id));
        let out = sums::opted_out(&self.people);
        let listed = self.facts.iter().filter(|f| wanted.is_none_or(|w| w == Some(f.place)));
        let name = |f: &Facts| self.places.get(f.place).map_or("", |p| p.id.as_str());
        listed.map(|f| f.json(name(f), &self.people, &out, now)).collect()
    }
}
