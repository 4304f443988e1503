//! Customer profiles.

use serde_json::{Value, json};

use crate::clock;
use crate::rng::Rng;

/// What a profile is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Good,
    NoEmail,
    BadEmail,
    /// Nothing public on the profile: found by id only.
    Hidden,
}

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) given: String,
    pub(crate) family: String,
    pub(crate) email: Option<String>,
    phone: Option<String>,
    company: Option<&'static str>,
    pub(crate) reach: Reach,
    pub(crate) unsubscribed: bool,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

const GIVEN: [&str; 24] = [
    "Zoé",
    "Léa",
    "Chloé",
    "Inès",
    "Noël",
    "Hugo",
    "Émile",
    "Maëlys",
    "Søren",
    "Łukasz",
    "Jürgen",
    "Ana",
    "José",
    "Nguyễn",
    "太郎",
    "花子",
    "Олена",
    "Ελένη",
    "Siobhán",
    "O’Neil",
    "Mary Ann",
    "Ÿves",
    "Aïcha",
    "李",
];
const FAMILY: [&str; 20] = [
    "Martin",
    "Lefèvre",
    "d’Arcy",
    "de la Fontaine",
    "García",
    "Müller",
    "Østergård",
    "Nowak",
    "Kovács",
    "Şahin",
    "佐藤",
    "鈴木",
    "Шевченко",
    "Παπαδόπουλος",
    "O'Brien",
    "Smith-Jones",
    "Nguyễn",
    "Costa",
    "Ndiaye",
    "Dubois",
];
const MALFORMED: [&str; 5] = [
    "no-at-sign.example.org",
    "two@@example.org",
    "@example.org",
    "blank in@example.org",
    "dots@example..org",
];

pub(crate) fn make(rng: &mut Rng, count: usize, now: i64) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::with_capacity(count);
    for index in 0..count {
        let roll = rng.below(1000);
        // The first profiles take one of each kind, so that small shops have them too.
        let reach = match (index, roll) {
            (3, _) | (_, 0..20) => Reach::NoEmail,
            (5, _) | (_, 20..25) => Reach::BadEmail,
            (7, _) | (_, 25..29) => Reach::Hidden,
            _ => Reach::Good,
        };
        let twin = match people.get(index.saturating_sub(4)) {
            Some(other) if reach == Reach::Good && rng.per_mille(6) => other.email.clone(),
            _ => None,
        };
        people.push(one(rng, index, reach, twin, now));
    }
    people
}

fn one(rng: &mut Rng, index: usize, reach: Reach, twin: Option<String>, now: i64) -> Person {
    let created = now - rng.between(15 * clock::MINUTE, 430 * clock::DAY);
    let updated = if rng.per_mille(300) { rng.between(created, now - 10 * clock::MINUTE) } else { created };
    let email = match reach {
        Reach::Good => Some(match twin {
            // The same address on another profile, written another way.
            Some(email) if email.is_ascii() && MALFORMED.iter().all(|bad| *bad != email) => {
                email.to_uppercase()
            }
            _ => address(rng, index),
        }),
        Reach::BadEmail => Some(MALFORMED[rng.index(MALFORMED.len())].to_owned()),
        Reach::NoEmail | Reach::Hidden => None,
    };
    Person {
        id: rng.id("", 26).to_ascii_uppercase(),
        given: GIVEN[rng.index(GIVEN.len())].to_owned(),
        family: FAMILY[rng.index(FAMILY.len())].to_owned(),
        email,
        phone: rng.per_mille(700).then(|| format!("+336{:08}", rng.below(100_000_000))),
        company: rng.per_mille(60).then_some("Société Générale d’Essais"),
        reach,
        unsubscribed: rng.per_mille(80),
        created,
        updated,
    }
}

fn address(rng: &mut Rng, index: usize) -> String {
    let host = ["example.org", "example.com", "mail.example.net", "a-b.example"][rng.index(4)];
    match rng.index(12) {
        0 => format!("client+{index}@{host}"),
        1 => format!("Client.{index}@{host}"),
        _ => format!("client{index}@{host}"),
    }
}

impl Person {
    pub(crate) fn json(&self) -> Value {
        let mut out = json!({
            "id": self.id, "created_at": clock::rfc3339(self.created), "updated_at": clock::rfc3339(self.updated),
            "preferences": {"email_unsubscribed": self.unsubscribed},
            "creation_source": if self.reach == Reach::Hidden { "INSTANT_PROFILE" } else { "DIRECTORY" },
            "version": 1,
        });
        if self.reach == Reach::Hidden {
            return out;
        }
        let members = [
            ("given_name", Some(self.given.as_str())),
            ("family_name", Some(self.family.as_str())),
            ("email_address", self.email.as_deref()),
            ("phone_number", self.phone.as_deref()),
            ("company_name", self.company),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                out[name] = Value::from(value);
            }
        }
        out
    }
}
