//! The merchant and its locations.

use serde_json::{Value, json};

use crate::clock;
use crate::rng::Rng;

#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) currency: &'static str,
    pub(crate) timezone: &'static str,
    pub(crate) country: &'static str,
    pub(crate) language: &'static str,
    pub(crate) status: String,
    pub(crate) created: i64,
}

/// Name, currency, zone, country, language. Currencies without decimals and with three are among the first four
/// on purpose, and so are days that begin ten hours apart.
const KINDS: [(&str, &str, &str, &str, &str); 7] = [
    ("Lumière Centre", "EUR", "Europe/Paris", "FR", "fr-FR"),
    ("Lumière Île", "EUR", "Indian/Reunion", "FR", "fr-FR"),
    ("Lumière 東京", "JPY", "Asia/Tokyo", "JP", "ja-JP"),
    ("Lumière Kuwait", "KWD", "Asia/Kuwait", "KW", "en-KW"),
    ("Lumière Montréal", "CAD", "America/Toronto", "CA", "fr-CA"),
    ("Lumière London", "GBP", "Europe/London", "GB", "en-GB"),
    ("Lumière New York", "USD", "America/New_York", "US", "en-US"),
];

/// The active locations and a closed one at the end.
pub(crate) fn make(rng: &mut Rng, active: usize, now: i64) -> Vec<Place> {
    let mut places = Vec::new();
    for index in 0..active.max(1) + 1 {
        let closed = index == active.max(1);
        let (name, currency, timezone, country, language) =
            KINDS[if closed { 0 } else { index % KINDS.len() }];
        let name = match (closed, index / KINDS.len()) {
            (true, _) => "Ancienne boutique".to_owned(),
            (false, 0) => name.to_owned(),
            (false, round) => format!("{name} {}", round + 1),
        };
        places.push(Place {
            id: rng.id("L", 13).to_ascii_uppercase(),
            name,
            currency,
            timezone,
            country,
            language,
            status: if closed { "INACTIVE" } else { "ACTIVE" }.to_owned(),
            created: now - 900 * clock::DAY,
        });
    }
    places
}

impl Place {
    pub(crate) fn json(&self, merchant: &str) -> Value {
        json!({
            "id": self.id, "name": self.name, "business_name": "Maison Lumière", "merchant_id": merchant,
            "currency": self.currency, "timezone": self.timezone, "country": self.country,
            "language_code": self.language, "status": self.status, "type": "PHYSICAL",
            "capabilities": ["CREDIT_CARD_PROCESSING", "AUTOMATIC_TRANSFERS"],
            "created_at": clock::rfc3339_short(self.created), "mcc": "5814",
            "address": {"address_line_1": "1 rue du Four", "locality": "Ville", "country": self.country},
        })
    }
}

/// The one merchant of the shop.
pub(crate) fn merchant(id: &str, main: &Place) -> Value {
    json!({
        "id": id, "business_name": "Maison Lumière", "country": main.country, "language_code": main.language,
        "currency": main.currency, "status": "ACTIVE", "main_location_id": main.id,
        "created_at": clock::rfc3339_short(main.created),
    })
}
