//! The windows of polls, of any length and at any time: no hole, and no more overlap than there is to be.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

use super::super::poll::{MAX_PEOPLE_SLICES, PEOPLE_SLICE_HOURS, people_slices, poll_begin};
use crate::state::{Connection, Cursor, Row, load};
use crate::testing::World;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn slices_of_people_follow_each_other(
        from in -60_000_000_000_i64..250_000_000_000,
        nanos in 0_i32..1_000_000_000,
        length in prop_oneof![0_i64..10, 0_i64..200_000, 0_i64..40 * 86_400, Just(86_400), Just(30 * 86_400)],
    ) {
        let from = Timestamp::new(from, nanos).unwrap();
        let to = from + SignedDuration::from_secs(length);
        let slices = people_slices(from, to);
        prop_assert_eq!(slices.first().map(|slice| slice.from), Some(from));
        prop_assert!(slices.len() <= MAX_PEOPLE_SLICES);
        for pair in slices.windows(2) {
            prop_assert_eq!(pair[0].to + 1.nanosecond(), pair[1].from);
        }
        let longest = SignedDuration::from_hours(PEOPLE_SLICE_HOURS);
        for slice in &slices {
            prop_assert!(slice.from <= slice.to && slice.to.duration_since(slice.from) <= longest);
        }
        let last = slices.last().unwrap();
        prop_assert!(last.to == to || slices.len() == MAX_PEOPLE_SLICES, "{} of {}", last.to, to);
    }

    /// As many polls as there are, each complete: between them they read all of the time there was.
    #[test]
    fn polls_read_all_of_the_time_with_the_overlap_alone(pauses in prop::collection::vec(0_u64..100_000, 1..8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(polls(pauses))?;
    }
}

async fn polls(pauses: Vec<u64>) -> Result<(), TestCaseError> {
    let world = World::new().await;
    let timing = world.engine.config.timing;
    let key = Connection::orders_cursor("C1");
    let mut read_to = world.connection.created;
    for pause in pauses {
        world.clock.advance(Duration::from_secs(pause));
        let begin = poll_begin(&world.engine, &world.connection).await.unwrap();
        prop_assert_eq!(begin.to, world.engine.now() - timing.lag, "the index is behind");
        prop_assert!(begin.orders <= begin.to);
        prop_assert!(begin.orders <= read_to, "a hole from {} to {}", read_to, begin.orders);
        let overlap = read_to.duration_since(begin.orders);
        // The history before the first poll was of the same moment: its index was behind by the lag.
        let first = if read_to == world.connection.created { timing.lag } else { SignedDuration::ZERO };
        prop_assert!(overlap == timing.overlap + first || begin.orders == begin.to, "{overlap:?}");
        let row: Option<Row<Cursor>> = load(&*world.engine.store, key.clone()).await.unwrap();
        let mut row =
            row.unwrap_or_else(|| Row::new(key.clone(), Cursor { watermark: begin.to, told: false }));
        row.value.watermark = row.value.watermark.max(begin.to);
        read_to = row.value.watermark;
        world.engine.store.transact(vec![row.put().unwrap()]).await.unwrap();
    }
    Ok(())
}
