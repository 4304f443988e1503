//! Days and settings, as an operator types them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use tillsync_engine::manage::pair;
use tillsync_engine::{day, history_from, years};

use super::text;
use crate::Target;

pub(super) const TARGET: Target = Target { name: "dates", run, fixtures, weight: 60 };

/// A text and a zone, with a blank between.
fn run(data: &[u8]) {
    let given = text(data);
    let (given, zone) = given.split_once(' ').unwrap_or((&given, "Europe/Paris"));
    let now: Timestamp = "2026-05-04T10:00:00Z".parse().unwrap_or_default();
    match history_from(given, zone, now) {
        Ok(Some(from)) => {
            assert!(from <= now, "{given} {zone} is still to come");
            let slices = years(from, now);
            assert!(slices.first().is_some_and(|slice| slice.0 == from));
            assert!(slices.last().is_some_and(|slice| slice.1 == now));
            assert!(slices.windows(2).all(|pair| matches!(pair, [a, b] if a.1 + 1.nanosecond() == b.0)));
        }
        Ok(None) => assert_eq!(given, "all"),
        Err(fault) => refused(&fault),
    }
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    match (day("--from", given, &zone, false), day("--to", given, &zone, true)) {
        (Ok(first), Ok(last)) => {
            let hours = last.duration_since(first).as_hours();
            assert!((0..=48).contains(&hours), "{given}: a day of {hours} hours");
        }
        (first, last) => {
            first.err().iter().for_each(refused);
            last.err().iter().for_each(refused);
        }
    }
    if let Err(fault) = pair(given) {
        refused(&fault);
    }
}

/// It is told which option and which form; what was typed is repeated to whoever typed it.
fn refused(fault: &tillsync_engine::Fault) {
    assert_eq!(fault.code, "config.invalid");
    assert!(!fault.detail.contains(|c: char| c.is_control()), "a break in: {:?}", fault.detail);
}

fn fixtures() -> Vec<Vec<u8>> {
    let texts = [
        "all",
        "this-year",
        "2026-01-31",
        "2024-02-29 UTC",
        "2018-11-04 America/Sao_Paulo",
        "2011-12-30 Pacific/Apia",
        "2026-03-29 Europe/Paris",
        "9999-12-31 UTC",
        "-009999-01-01 UTC",
        "live_hours=24",
        "2026-01-31 Mars/Base",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}
