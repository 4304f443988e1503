//! ListPayments and ListPaymentRefunds.

use serde_json::Value;

use super::Context;
use super::error::Fail;
use super::page::Body;
use crate::clock;
use crate::http::Reply;
use crate::shop::table::{By, Range, Row};

const YEAR: i64 = 365 * clock::DAY;

/// The two windows of a list, of which the sorted one is walked and the other one filters.
struct Windows {
    range: Range,
    created: (i64, i64),
    updated: (i64, i64),
}

impl Context<'_> {
    pub(super) fn list_payments(&mut self) -> Result<Reply, Fail> {
        let place = self.place_param()?.unwrap_or(0);
        self.list("payments", Some(place))
    }

    pub(super) fn list_refunds(&mut self) -> Result<Reply, Fail> {
        let place = self.place_param()?;
        self.list("refunds", place)
    }

    fn place_param(&self) -> Result<Option<usize>, Fail> {
        let Some(id) = self.call.param("location_id").filter(|id| !id.is_empty()) else {
            return Ok(None);
        };
        let place = self.shop.place(id);
        place.map(Some).ok_or_else(|| Fail::bad("INVALID_VALUE", "location_id", "no such location"))
    }

    fn list(&mut self, name: &'static str, place: Option<usize>) -> Result<Reply, Fail> {
        // Over 100 is silently 100; nothing and less is refused.
        let limit = match self.call.param("limit").map(|l| l.parse::<i64>().unwrap_or(0)) {
            None => 100,
            Some(..1) => return Err(Fail::bad("VALUE_TOO_LOW", "limit", "limit must be at least 1")),
            Some(limit) => usize::try_from(limit.min(100)).unwrap_or(100),
        };
        let resume = self.resume()?;
        let mut windows = self.windows(resume.until)?;
        windows.range.after = resume.after;
        let (shop, limit) = (self.shop, self.clip(limit));
        let table = if name == "payments" { &shop.payments } else { &shop.refunds };
        let (rows, next) = table.page(windows.range, limit, |row| {
            place.is_none_or(|p| p == row.place) && self.indexed(row) && windows.keep(row) && self.exact(row)
        });
        let body = Body::default().list(name, rows.iter().map(|r| r.bytes.as_slice()));
        let cursor = self.cursor(next, resume.until);
        Ok(body.value("cursor", cursor).reply())
    }

    /// The filter on the creation time counts even when the list is asked for by update time: a year, if not said.
    fn windows(&self, until: i64) -> Result<Windows, Fail> {
        let created =
            (self.time("begin_time").unwrap_or(until - YEAR), self.time("end_time").unwrap_or(until + 1));
        let updated = (
            self.time("updated_at_begin_time").unwrap_or(i64::MIN),
            self.time("updated_at_end_time").unwrap_or(i64::MAX),
        );
        for (window, field) in [(created, "end_time"), (updated, "updated_at_end_time")] {
            if window.1 < window.0 {
                return Err(Fail::bad("INVALID_TIME_RANGE", field, "the end lies before the beginning"));
            }
        }
        let by = match self.call.param("sort_field") {
            None | Some("CREATED_AT" | "OFFLINE_CREATED_AT") => By::Created,
            Some("UPDATED_AT") => By::Updated,
            Some(_) => return Err(Fail::bad("INVALID_ENUM_VALUE", "sort_field", "not a sort field")),
        };
        let (from, to) = if by == By::Updated { updated } else { created };
        let range = Range { by, ascending: self.ascending(false)?, from, to, after: None };
        Ok(Windows { range, created, updated })
    }

    fn exact(&self, row: &Row) -> bool {
        if self.call.param("status").is_some_and(|status| status != row.state) {
            return false;
        }
        let filters = [
            ("total", "/total_money/amount"),
            ("last_4", "/card_details/card/last_4"),
            ("card_brand", "/card_details/card/card_brand"),
            ("source_type", "/source_type"),
        ];
        let offline = self.call.param("is_offline_payment") == Some("true");
        if !offline && filters.iter().all(|(name, _)| self.call.param(name).is_none()) {
            return true;
        }
        let json = row.json();
        let same = |(name, pointer): &(&str, &str)| match self.call.param(name) {
            None => true,
            Some(wanted) => json.pointer(pointer).is_some_and(|v| match v {
                Value::String(text) => text == wanted,
                other => other.as_i64().is_some_and(|n| wanted.parse() == Ok(n)),
            }),
        };
        filters.iter().all(same) && (!offline || json.get("is_offline_payment") == Some(&Value::Bool(true)))
    }
}

impl Windows {
    fn keep(&self, row: &Row) -> bool {
        (self.created.0..self.created.1).contains(&row.created)
            && (self.updated.0..self.updated.1).contains(&row.updated)
    }
}
