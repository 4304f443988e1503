//! The ranges of dates that are read back.

use jiff::Timestamp;

use super::whole_second;

/// The first range these lie in, of those not wholly read up to a moment, from that moment on. Those that overlap
/// are one. The destination may keep whole seconds only.
pub(super) fn range_after(
    dates: impl Iterator<Item = (Timestamp, Timestamp)>,
    read: Option<Timestamp>,
) -> Option<(Timestamp, Timestamp)> {
    let mut ranges: Vec<_> = dates
        .map(|(since, until)| (whole_second(since), until))
        .filter(|(_, until)| read.is_none_or(|read| *until >= read))
        .collect();
    ranges.sort_unstable();
    let (since, mut until) = *ranges.first()?;
    for (next, end) in ranges {
        if next <= until {
            until = until.max(end);
        }
    }
    Some((read.map_or(since, |read| since.max(read)), until))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::range_after;

    #[test]
    fn what_lies_between_two_ranges_is_left_out() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let ranges = [(50, 60), (10, 20), (15, 30), (30, 31), (90, 99)];
        let dates = || ranges.iter().map(|(since, until)| (at(*since), at(*until)));
        let cases = [
            (None, Some((10, 31))),
            (Some(5), Some((10, 31))),
            (Some(17), Some((17, 31))),
            (Some(31), Some((31, 31))),
            (Some(32), Some((50, 60))),
            (Some(60), Some((60, 60))),
            (Some(61), Some((90, 99))),
            (Some(100), None),
        ];
        for (read, expected) in cases {
            let expected = expected.map(|(since, until)| (at(since), at(until)));
            assert_eq!(range_after(dates(), read.map(at)), expected, "{read:?}");
        }
    }

    #[test]
    fn a_range_begins_at_a_whole_second() {
        let since = Timestamp::from_millisecond(10_900).unwrap();
        let second = |second: i64| Timestamp::from_second(second).unwrap();
        assert_eq!(range_after([(since, since)].into_iter(), None), Some((second(10), since)));
        // Stored as its whole second, it is found again from there.
        assert_eq!(range_after([(since, since)].into_iter(), Some(second(10))), Some((second(10), since)));
    }
}
