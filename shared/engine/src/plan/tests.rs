use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::{day, history_from, years};
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

/// Zones whose clocks change at midnight, by half an hour, that jumped over a day, and that do not change.
const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
];

proptest! {
    #[test]
    fn days_of_a_shop_follow_each_other_without_a_hole(
        days in 0_i32..22_000,
        zone in prop::sample::select(ZONES.to_vec()),
    ) {
        let date = jiff::civil::date(1990, 1, 1) + days.days();
        let next = date.tomorrow().unwrap();
        let zone = TimeZone::get(zone).unwrap();
        let of = |date: jiff::civil::Date, end| day("--from", &date.to_string(), &zone, end).unwrap();
        prop_assert_eq!(of(date, true) + 1.nanosecond(), of(next, false));
        // Samoa left a day out, and no day has more than twenty-five hours.
        let hours = of(date, true).duration_since(of(date, false)).as_hours();
        prop_assert!((0..25).contains(&hours), "{date}: {hours}");
    }

    #[test]
    fn a_history_begins_with_a_day_and_never_later_than_now(
        now in 1_000_000_000_i64..4_000_000_000,
        days in 0_i32..15_000,
        zone in prop::sample::select(ZONES.to_vec()),
    ) {
        let now = Timestamp::from_second(now).unwrap();
        let date = jiff::civil::date(2000, 1, 1) + days.days();
        let first = day("--from", &date.to_string(), &TimeZone::get(zone).unwrap(), false).unwrap();
        match history_from(&date.to_string(), zone, now) {
            Ok(from) => prop_assert!(from == Some(first) && first <= now),
            Err(fault) => prop_assert!(fault.code == "config.invalid" && first > now),
        }
        let year = history_from("this-year", zone, now).unwrap().unwrap();
        prop_assert!(year <= now && now.duration_since(year).as_hours() < 367 * 24);
        let local = year.to_zoned(TimeZone::get(zone).unwrap());
        prop_assert_eq!((local.month(), local.day()), (1, 1));
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
