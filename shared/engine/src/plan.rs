//! Cutting time into windows. Pure.

use jiff::{Timestamp, ToSpan, civil, tz::TimeZone};

use crate::fault::Fault;

/// Slices of `[from, to]` that end with the calendar year (UTC): they neither overlap nor leave a hole.
#[must_use]
pub fn years(from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let mut slices = Vec::new();
    let mut start = from;
    while start <= to {
        let year = start.to_zoned(TimeZone::UTC).year();
        let next = year_start(year.saturating_add(1)).unwrap_or(to);
        let before_next = next.saturating_sub(1.nanosecond()).unwrap_or(next);
        let end = before_next.min(to).max(start);
        slices.push((start, end));
        if next <= start || next > to {
            break;
        }
        start = next;
    }
    slices
}

fn year_start(year: i16) -> Option<Timestamp> {
    civil::Date::new(year, 1, 1).ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The first instant of the history asked for: `all`, `this-year` or `YYYY-MM-DD`, in the location's time zone
/// (rules.md sections 2 and 6).
///
/// # Errors
/// `config.invalid` names the option and its form.
pub fn history_from(text: &str, timezone: &str, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
    let date = match text {
        "all" => return Ok(None),
        "this-year" => civil::Date::new(now.to_zoned(zone.clone()).year(), 1, 1).ok(),
        _ => text.parse().ok(),
    };
    let first = date.and_then(|date: civil::Date| date.to_zoned(zone).ok()).map(|zoned| zoned.timestamp());
    if first.is_some_and(|first| first > now) {
        let detail = format!("history {text:?}: this day is still to come, so nothing would ever be sent");
        return Err(Fault::usage("config.invalid", detail));
    }
    first.map(Some).ok_or_else(|| {
        let detail = format!("history {text:?}: give `all`, `this-year` or a date as 2026-01-31");
        Fault::usage("config.invalid", detail)
    })
}

/// A calendar day.
///
/// # Errors
/// `config.invalid` names the option and its form.
pub fn day_of(option: &str, text: &str) -> Result<civil::Date, Fault> {
    text.parse()
        .map_err(|_| Fault::usage("config.invalid", format!("{option} {text:?}: give a date as 2026-01-31")))
}

/// A day in a location's time zone: its first instant, or its last.
///
/// # Errors
/// `config.invalid` names the option and its form.
pub fn day(option: &str, text: &str, zone: &TimeZone, end: bool) -> Result<Timestamp, Fault> {
    let wrong = || Fault::usage("config.invalid", format!("{option} {text:?}: give a date as 2026-01-31"));
    let date = day_of(option, text)?;
    let date = if end { date.tomorrow().map_err(|_| wrong())? } else { date };
    let start = date.to_zoned(zone.clone()).map_err(|_| wrong())?.timestamp();
    let last = jiff::SignedDuration::from_nanos(i64::from(end));
    start.checked_sub(last).map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
