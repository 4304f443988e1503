//! The fence before every write to the destination: who ended a connection is obeyed by whoever works for it.
//!
//! A connection has an epoch, which moves when it ends or begins again. Work keeps the epoch it began in, and every
//! write asks the connection's row right before it leaves. A reading is believed for a few seconds only, so no write
//! starts later after the end of a connection than that: well within the landing time (reliability.md I20).

use jiff::SignedDuration;
use tillsync_mapping::http::HttpError;

use crate::ports::{Clock, Key, Store};
use crate::state::{Connection, load};

/// A reading of the epoch that took longer is not believed.
const BELIEVED: SignedDuration = SignedDuration::from_secs(10);
/// Times it is read anew.
const MAX_READINGS: u32 = 3;

/// Asks whether the work at hand is still wanted.
pub(crate) struct Fence<'a> {
    store: &'a dyn Store,
    key: Key,
    epoch: u64,
}

impl<'a> Fence<'a> {
    /// A fence for the work of a connection that was begun in this epoch.
    pub(crate) fn new(store: &'a dyn Store, connection: &str, epoch: u64) -> Self {
        Self { store, key: Connection::key(connection), epoch }
    }

    /// Passes where the connection is still in the epoch of the work.
    ///
    /// # Errors
    /// [`HttpError::Withdrawn`] where it is not; [`HttpError::NotSent`] where nobody can tell.
    pub(crate) async fn holds(&self, clock: &dyn Clock) -> Result<(), HttpError> {
        for _ in 0..MAX_READINGS {
            let asked = clock.now();
            let row =
                load::<Connection>(self.store, self.key.clone()).await.map_err(|_| HttpError::NotSent)?;
            if row.is_none_or(|row| row.value.epoch != self.epoch) {
                return Err(HttpError::Withdrawn);
            }
            if clock.now().duration_since(asked) <= BELIEVED {
                return Ok(());
            }
        }
        Err(HttpError::NotSent)
    }
}
