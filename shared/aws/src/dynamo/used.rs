//! What calls cost.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Units of capacity, in tenths: the service counts halves, and a float adds up wrongly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Tenths of read units: one unit reads 4 KB consistently.
    pub read_tenths: u64,
    /// Tenths of write units: one unit writes 1 KB; in a transaction two do. A write that was refused is billed
    /// and not told, so it is counted as one unit.
    pub write_tenths: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    read: AtomicU64,
    write: AtomicU64,
}

/// What a write costs that was refused, at least.
const REFUSED: u64 = 10;

impl Counters {
    pub(super) fn read<'a>(&self, told: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.read.fetch_add(sum(told), Ordering::Relaxed);
    }

    pub(super) fn wrote<'a>(&self, told: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.write.fetch_add(sum(told), Ordering::Relaxed);
    }

    pub(super) fn refused(&self, writes: usize) {
        let writes = u64::try_from(writes).unwrap_or(u64::MAX);
        self.write.fetch_add(writes.saturating_mul(REFUSED), Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> Used {
        Used {
            read_tenths: self.read.swap(0, Ordering::Relaxed),
            write_tenths: self.write.swap(0, Ordering::Relaxed),
        }
    }
}

fn sum<'a>(told: impl IntoIterator<Item = &'a ConsumedCapacity>) -> u64 {
    told.into_iter().map(|each| tenths(each.capacity_units().unwrap_or_default())).sum()
}

#[allow(clippy::float_arithmetic, reason = "the service tells units as a float; this is where it ends")]
fn tenths(units: f64) -> u64 {
    // A cast of a float saturates, and takes what is no number for 0.
    (units * 10.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_add_up_and_are_taken_once() {
        let told = |units| ConsumedCapacity::builder().capacity_units(units).build();
        let counters = Counters::default();
        counters.read(&[told(0.5), told(0.5), told(12.0)]);
        counters.wrote(Some(&told(1.0)));
        counters.refused(2);
        counters.read(None);
        assert_eq!(counters.take(), Used { read_tenths: 130, write_tenths: 30 });
        assert_eq!(counters.take(), Used::default());
    }

    #[test]
    fn no_number_is_nothing() {
        assert_eq!((tenths(f64::NAN), tenths(-1.0), tenths(0.1)), (0, 0, 1));
    }
}
