//! What became of profiles that were merged at the store: orders keep naming the old ones. It is asked only of those that
//! no longer resolve, since a shop may have merged thousands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::SourceError;

/// Whoever noted what became of profiles.
#[async_trait]
pub trait Successors: Send + Sync {
    /// For those of these that were merged, the profile each became at last.
    async fn of(&self, gone: &BTreeSet<String>) -> Result<BTreeMap<String, String>, SourceError>;
}

#[async_trait]
impl Successors for BTreeMap<String, String> {
    async fn of(&self, gone: &BTreeSet<String>) -> Result<BTreeMap<String, String>, SourceError> {
        Ok(gone.iter().filter_map(|old| Some((old.clone(), self.get(old)?.clone()))).collect())
    }
}

/// Profiles that were merged, as far as anybody noted it.
#[derive(Clone, Default)]
pub struct Merged(Option<Arc<dyn Successors>>);

impl Merged {
    /// As somebody noted it.
    #[must_use]
    pub fn noted_by(successors: Arc<dyn Successors>) -> Self {
        Self(Some(successors))
    }

    /// As [`Successors::of`]; nothing where nobody noted anything.
    ///
    /// # Errors
    /// Of whoever noted it.
    pub async fn of(&self, gone: &BTreeSet<String>) -> Result<BTreeMap<String, String>, SourceError> {
        match &self.0 {
            Some(successors) if !gone.is_empty() => successors.of(gone).await,
            _ => Ok(BTreeMap::new()),
        }
    }
}

impl fmt::Debug for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Merged(noted)" } else { "Merged(none)" })
    }
}
