//! Who was erased, without saying who: keyed digests of addresses and profiles (R4.14).
//!
//! A digest alone could be found again by trying addresses; without its key, which the vault seals, it says nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tillsync_mapping::model::{Buyer, Customer, Email, Observed, Order, Reading, Secret, SkipReason};

use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::{Condition, Key, Written};
use crate::state::{Connection, Row, Tagged};

/// Where the vault holds the key.
const KEY: &str = "ERASE#key";
/// What keys of tombstones begin with, in the partition of a store's people.
const PREFIX: &str = "TOMB#";
/// Bytes of a block of SHA-256 (RFC 2104).
const BLOCK: usize = 64;
/// Tombstones read at a time.
const PAGE: usize = 1_000;

/// That somebody was erased.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Tomb {
    /// When.
    at: Timestamp,
}

impl Tagged for Tomb {}

/// Everybody who was erased of a store's people at a destination.
#[derive(Default)]
pub(crate) struct Tombs {
    key: Vec<u8>,
    marks: BTreeSet<String>,
}

impl Tombs {
    /// Reads them. There are few, mostly none.
    ///
    /// # Errors
    /// `erase.key_missing`, or of the store and the vault.
    pub(crate) async fn load(engine: &Engine, of: &Connection) -> Result<Self, Fault> {
        let partition = of.people_partition();
        let mut marks = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let items = engine.store.query(&partition, PREFIX, after.as_deref(), PAGE).await?;
            marks.extend(items.iter().filter_map(|item| item.key.sk.strip_prefix(PREFIX).map(str::to_owned)));
            after = items.last().map(|item| item.key.sk.clone());
            if items.len() < PAGE {
                break;
            }
        }
        if marks.is_empty() {
            return Ok(Self::default());
        }
        let missing = || {
            let detail = "the vault has no key for the tombstones of erased people";
            Fault::reject("erase.key_missing", detail)
        };
        let secret = engine.vault.get(KEY).await?.ok_or_else(missing)?;
        Ok(Self { key: hex::decode(secret.expose()).map_err(|_| missing())?, marks })
    }

    /// True where nobody was erased.
    pub(crate) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    fn has(&self, email: Option<&Email>, profile: Option<&str>) -> bool {
        let is_there = |mark: String| self.marks.contains(&mark);
        !self.is_empty()
            && (email.is_some_and(|email| is_there(of_email(&self.key, email)))
                || profile.is_some_and(|profile| is_there(of_profile(&self.key, profile))))
    }

    /// True for somebody who was erased.
    pub(super) fn covers(&self, email: &Email, profile: Option<&str>) -> bool {
        self.has(Some(email), profile)
    }

    fn has_buyer(&self, buyer: &Buyer) -> bool {
        self.has(Some(&buyer.email), buyer.id.as_deref())
    }

    /// An order as it was read; left out where its buyer was erased.
    pub(crate) fn order(&self, record: Observed<Order>) -> Observed<Order> {
        let order = match &record.reading {
            Reading::Ready(order) | Reading::Skipped { late: Some(order), .. } => order,
            _ => return record,
        };
        if order.buyer.as_ref().is_some_and(|buyer| self.has_buyer(buyer)) {
            left_out(record)
        } else {
            record
        }
    }

    /// A person as they were read; left out where they were erased.
    pub(crate) fn person(&self, record: Observed<Customer>) -> Observed<Customer> {
        let email = match &record.reading {
            Reading::Ready(customer) | Reading::Skipped { late: Some(customer), .. } => Some(&customer.email),
            _ => None,
        };
        if self.has(email, Some(&record.id)) { left_out(record) } else { record }
    }
}

fn left_out<T>(record: Observed<T>) -> Observed<T> {
    Observed { reading: Reading::Skipped { reason: SkipReason::Erased, late: None }, ..record }
}

/// The row that says of a mark that it is of somebody who was erased.
pub(super) fn tomb(people_partition: &str, mark: &str, at: Timestamp) -> Row<Tomb> {
    Row::new(Key::new(people_partition, format!("{PREFIX}{mark}")), Tomb { at })
}

/// What stands for an address.
pub(super) fn of_email(key: &[u8], email: &Email) -> String {
    mark(key, &format!("email:{}", email.canonical()))
}

/// What stands for a profile of the store.
pub(super) fn of_profile(key: &[u8], profile: &str) -> String {
    mark(key, &format!("profile:{profile}"))
}

/// The key, made where there is none. One that is there is never replaced: every tombstone would be void.
pub(super) async fn key(engine: &Engine) -> Result<Vec<u8>, Fault> {
    let corrupt = || Fault::reject("erase.key_missing", "the key of erased people cannot be read");
    if engine.vault.get(KEY).await?.is_none() {
        let made = Secret::new(&hex::encode(engine.entropy.secret()?));
        // Whoever was faster has made one as good.
        let _: Written = engine.vault.put_if(KEY, &made, Condition::Absent).await?;
    }
    let secret = engine.vault.get(KEY).await?.ok_or_else(corrupt)?;
    hex::decode(secret.expose()).map_err(|_| corrupt())
}

/// HMAC-SHA-256 (RFC 2104), the first 16 bytes as text.
fn mark(key: &[u8], text: &str) -> String {
    let mut block = [0_u8; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text.as_bytes()).finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    hex::encode(&outer[..16])
}

#[cfg(test)]
mod tests {
    use super::mark;

    #[test]
    fn marks_are_as_the_standard_has_them() {
        // RFC 4231, test cases 1, 2 and 6.
        let cases: [(&[u8], &str, &str); 3] = [
            (&[0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b"),
            (b"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c7"),
            (
                &[0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f",
            ),
        ];
        for (key, text, expected) in cases {
            assert_eq!(mark(key, text), expected, "{text}");
        }
    }
}
