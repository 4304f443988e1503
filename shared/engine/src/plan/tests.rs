use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::{history_from, years};
use crate::testing::beginning;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_window_ends_with_its_calendar_year() {
    let slices = years(at("2023-03-01T00:00:00Z"), at("2025-01-01T00:00:00Z"));
    let expected = [
        ("2023-03-01T00:00:00Z", "2023-12-31T23:59:59.999999999Z"),
        ("2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999999999Z"),
        ("2025-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
    ];
    assert_eq!(slices, expected.map(|(from, to)| (at(from), at(to))));
}

#[test]
fn one_instant_is_one_window_and_nothing_is_none() {
    assert_eq!(years(beginning(), beginning()), [(beginning(), beginning())]);
    assert_eq!(years(beginning(), beginning() - 1.nanosecond()), []);
}

proptest! {
    #[test]
    fn windows_neither_overlap_nor_leave_a_hole(
        from in -2_000_000_000_i64..253_000_000_000,
        length in 0_i64..1_500_000_000,
        nanos in 0_i32..1_000_000_000,
    ) {
        let from = Timestamp::new(from, nanos).unwrap();
        let to = from + length.min(253_402_200_000 - from.as_second()).seconds();
        let slices = years(from, to);
        prop_assert_eq!(slices.first().unwrap().0, from);
        prop_assert_eq!(slices.last().unwrap().1, to);
        for (start, end) in &slices {
            prop_assert!(start <= end);
        }
        for pair in slices.windows(2) {
            prop_assert_eq!(pair[0].1 + 1.nanosecond(), pair[1].0);
        }
    }
}

#[test]
fn history_begins_at_midnight_where_the_shop_is() {
    let cases = [
        // The day, the zone, the instant it begins.
        ("2026-01-31", "Europe/Paris", "2026-01-30T23:00:00Z"),
        ("2026-07-31", "Europe/Paris", "2026-07-30T22:00:00Z"),
        ("2026-07-31", "America/Los_Angeles", "2026-07-31T07:00:00Z"),
        ("2026-07-31", "Australia/Lord_Howe", "2026-07-30T13:30:00Z"),
        ("2024-02-29", "UTC", "2024-02-29T00:00:00Z"),
        // The night of the change: midnight is before it.
        ("2026-03-29", "Europe/Paris", "2026-03-28T23:00:00Z"),
        ("2026-10-25", "Europe/Paris", "2026-10-24T22:00:00Z"),
        // There was no midnight: the day began at one.
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        // Midnight came twice: the first.
        ("2026-11-01", "America/Havana", "2026-11-01T04:00:00Z"),
        // A zone nobody knows counts as UTC.
        ("2026-01-31", "Mars/Base", "2026-01-31T00:00:00Z"),
    ];
    for (day, zone, expected) in cases {
        let later = at("2026-12-01T00:00:00Z");
        assert_eq!(history_from(day, zone, later).unwrap(), Some(at(expected)), "{day} {zone}");
    }
}

#[test]
fn a_history_that_is_still_to_come_is_refused() {
    // In Auckland the day has begun already.
    let now = at("2026-05-04T20:00:00Z");
    assert!(history_from("2026-05-05", "Pacific/Auckland", now).is_ok());
    for day in ["2026-05-05", "2099-01-01"] {
        assert_eq!(history_from(day, "UTC", now).unwrap_err().code, "config.invalid", "{day}");
    }
}

#[test]
fn this_year_is_the_shops_year() {
    let cases = [
        ("2026-12-31T23:30:00Z", "Europe/Paris", "2026-12-31T23:00:00Z"),
        ("2027-01-01T00:30:00Z", "America/New_York", "2026-01-01T05:00:00Z"),
        ("2026-12-31T13:00:00Z", "Pacific/Auckland", "2026-12-31T11:00:00Z"),
        ("2026-12-31T23:30:00Z", "UTC", "2026-01-01T00:00:00Z"),
    ];
    for (now, zone, expected) in cases {
        assert_eq!(history_from("this-year", zone, at(now)).unwrap(), Some(at(expected)), "{now} {zone}");
    }
}

#[test]
fn all_of_the_history_has_no_first_instant() {
    assert_eq!(history_from("all", "Europe/Paris", beginning()).unwrap(), None);
}

#[test]
fn what_is_no_day_is_refused_with_the_form_to_use() {
    for text in ["", "2026-02-30", "2023-02-29", "31.01.2026", "yesterday", "2026-13-01", "last-year", "ALL"]
    {
        let fault = history_from(text, "UTC", beginning()).unwrap_err();
        assert_eq!(fault.code, "config.invalid", "{text}");
        assert!(fault.detail.contains("2026-01-31"), "{fault}");
    }
}
