//! Signing in at a source: a one-time link makes a session, a session begins a sign-in, and the source sends the
//! browser back with a code that is exchanged at once (reliability.md I30).
//!
//! What a browser holds is random and kept here as a digest only, so whoever reads the table can use none of it.

mod begin;
mod callback;
pub(crate) mod codes;
mod enter;
mod place;
mod query;
mod rows;

use sha2::{Digest, Sha256};
use tillsync_mapping::model::Secret;

pub use begin::{Intent, begin, redirect};
pub use callback::{Refusal, Signed, callback};
pub use enter::{Entered, enter, invite, is_session};
pub use place::{answers_at, answers_here, last};
pub use rows::Last;

use crate::context::Engine;
use crate::fault::Fault;

/// Letters of what a browser is given: 256 random bits, in hexadecimal.
const LETTERS: usize = 64;

/// Something nobody can guess.
fn random(engine: &Engine) -> Result<Secret, Fault> {
    Ok(Secret::new(&hex::encode(engine.entropy.secret()?)))
}

/// What stands in the table for something a browser holds; none for what was never given to one.
fn digest(text: &str) -> Option<String> {
    let is_ours =
        text.len() == LETTERS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_ours.then(|| hex::encode(Sha256::digest(text.as_bytes())))
}

/// Whether two digests are the same; takes as long wherever they differ.
fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let differing = one.iter().zip(other).fold(0_u8, |differing, (a, b)| differing | (a ^ b));
    one.len() == other.len() && differing == 0
}
