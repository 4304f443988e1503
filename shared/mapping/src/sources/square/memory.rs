//! What is remembered between the pages of one run: people and catalogue, only the fields in use.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use crate::source::{Beside, Cache};

use super::goods::Goods;
use super::people::Profile;

/// The most people remembered; beyond it everybody is forgotten and asked for again. An entry is some 300
/// bytes, so this stays near 6 MB.
pub(crate) const MOST_PEOPLE: usize = 20_000;

/// People and catalogue of a run.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) people: BTreeMap<String, Profile>,
    pub(crate) goods: Goods,
    /// Other runs of the store that look people up.
    pub(crate) beside: Option<Beside>,
}

/// People whom any of the runs of a store looked up, each with the number of the question.
#[derive(Default)]
pub(crate) struct Crowd(pub(crate) BTreeMap<String, (u64, Profile)>);

impl Memory {
    /// Takes what an earlier page left. Two pages read at the same time each work with what they find; the
    /// later to end is kept, which costs calls at worst.
    pub(crate) fn take(cache: &Cache) -> Self {
        let held = cache.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        let memory = held.and_then(|held| held.downcast::<Self>().ok()).map(|held| *held);
        Self { beside: cache.beside.clone(), ..memory.unwrap_or_default() }
    }

    /// Leaves it for the next page.
    pub(crate) fn put(self, cache: &Cache) {
        *cache.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(self));
    }
}
