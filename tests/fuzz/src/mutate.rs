//! From an input of the corpus to one that nobody thought of: JSON is changed as JSON, so that it gets past the
//! outermost brace, and then, or where it is none, byte by byte.

mod bytes;
mod json;

use serde_json::Value;

use crate::random::Random;

/// No input is longer: what is slow on more is looked for by whoever asks for it, not by chance.
const LONGEST: usize = 1 << 17;

/// An input of the corpus, read once.
pub struct Seed {
    bytes: Vec<u8>,
    value: Option<Value>,
}

impl Seed {
    /// An input as it lies there.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        let value = serde_json::from_slice(&bytes).ok();
        Self { bytes, value }
    }

    /// The input itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// An input made from one of the seeds. The same numbers make the same input.
pub fn mutate(random: &mut Random, seeds: &[Seed]) -> Vec<u8> {
    let Some(seed) = random.pick(seeds) else {
        return bytes::noise(random);
    };
    let mut input = match &seed.value {
        Some(value) if !random.once_in(5) => {
            let mut value = value.clone();
            for _ in 0..=random.below(4) {
                let other = random.pick(seeds).and_then(|seed| seed.value.as_ref());
                json::change(random, &mut value, other);
            }
            let text = value.to_string().into_bytes();
            if !random.once_in(4) {
                return text;
            }
            text
        }
        _ => seed.bytes.clone(),
    };
    for _ in 0..=random.below(5) {
        let other = random.pick(seeds).map(Seed::bytes).unwrap_or_default();
        bytes::change(random, &mut input, other);
    }
    input.truncate(LONGEST);
    input
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Seed, mutate};
    use crate::random::Random;

    #[test]
    fn the_same_seed_makes_the_same_inputs_and_they_differ_from_each_other() {
        let seeds =
            [Seed::new(br#"{"a":[1,{"b":"text"}],"c":"2026-01-31"}"#.to_vec()), Seed::new(b"EUR".to_vec())];
        let make = |seed| {
            let mut random = Random::new(seed);
            (0..500).map(|_| mutate(&mut random, &seeds)).collect::<Vec<_>>()
        };
        assert_eq!(make(7), make(7));
        assert_ne!(make(7), make(8));
        let distinct: BTreeSet<_> = make(7).into_iter().collect();
        assert!(distinct.len() > 400, "{}", distinct.len());
        let json = distinct
            .iter()
            .filter(|input| serde_json::from_slice::<serde_json::Value>(input).is_ok())
            .count();
        assert!(json > 100 && json < distinct.len(), "{json} of {}", distinct.len());
    }

    #[test]
    fn without_a_corpus_there_are_inputs_too() {
        let mut random = Random::new(1);
        assert!((0..50).any(|_| !mutate(&mut random, &[]).is_empty()));
    }
}
