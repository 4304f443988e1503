//! searchOrder and searchProduct: members are ANDed, sorted by one of them, paged.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::FieldError;
use super::fields::json_of;
use crate::ac::Context;
use crate::ac::state::Record;
use crate::ac::validate::decimal;
use crate::clock;

const DATES: [&str; 2] = ["storeCreatedDate", "storeModifiedDate"];

/// One member of a filter.
struct Term<'a> {
    name: &'a str,
    value: Option<&'a Value>,
    operator: &'a str,
    /// Dates and decimals are made comparable once, not per record.
    wanted: Option<i128>,
}

impl Context<'_> {
    pub(super) fn search_order(&self, arguments: &Map<String, Value>) -> Result<Value, FieldError> {
        let empty = Map::new();
        let filter = arguments.get("filter").and_then(Value::as_object).unwrap_or(&empty);
        let (offset, limit) = paging(filter)?;
        let terms = terms(filter)?;
        let sort = filter.iter().find_map(|(name, m)| Some((name.as_str(), m.get("sort")?.as_str()?)));
        let descending = sort.is_some_and(|(_, direction)| direction == "DESC");
        let connection = terms.iter().find(|t| t.name == "legacyConnectionId" && t.operator == "EQ");
        let connection = connection.and_then(|t| t.value?.as_i64());
        let keep = |record: &&Record| terms.iter().all(|term| term.holds(record));
        let page = |records: &mut dyn Iterator<Item = &Record>| -> Value {
            records.filter(keep).skip(offset).take(limit).map(json_of).collect()
        };
        // The read-back walk: one connection by creation date needs no sorting.
        if let (Some(connection), Some(("storeCreatedDate", _))) = (connection, sort) {
            let from = terms.iter().find(|t| t.name == "storeCreatedDate" && t.operator.starts_with("GT"));
            let from = from.and_then(|t| t.wanted).and_then(|w| i64::try_from(w).ok()).unwrap_or(i64::MIN);
            let walk = self
                .state
                .by_date
                .range((connection, from, String::new())..(connection + 1, i64::MIN, String::new()))
                .filter_map(|(c, _, id)| self.state.orders.get(&(*c, id.clone())));
            return Ok(if descending { page(&mut walk.rev()) } else { page(&mut walk.into_iter()) });
        }
        let mut records: Vec<&Record> = self.state.orders.values().filter(|r| keep(r)).collect();
        match sort {
            Some((name, _)) => records.sort_by(|a, b| order(name, a, b).then(a.id.cmp(&b.id))),
            None => records.sort_by_key(|r| r.id),
        }
        if descending {
            records.reverse();
        }
        Ok(records.into_iter().skip(offset).take(limit).map(json_of).collect())
    }

    pub(super) fn search_product(&self, arguments: &Map<String, Value>) -> Result<Value, FieldError> {
        let empty = Map::new();
        let filter = arguments.get("filter").and_then(Value::as_object).unwrap_or(&empty);
        let (offset, limit) = paging(filter)?;
        let terms = terms(filter)?;
        let keep = |product: &&Map<String, Value>| {
            terms.iter().all(|t| t.value.is_none_or(|wanted| product.get(t.name) == Some(wanted)))
        };
        let found = self.state.products.values().filter(keep).skip(offset).take(limit);
        Ok(found.cloned().map(Value::Object).collect())
    }
}

fn paging(filter: &Map<String, Value>) -> Result<(usize, usize), FieldError> {
    let member = |name: &str, default: i64| {
        let asked = filter.get("pagination").and_then(|p| p.get(name)).and_then(Value::as_i64);
        asked.unwrap_or(default)
    };
    let (offset, limit) = (member("offset", 0), member("limit", 20));
    if offset < 0 || !(1..=100).contains(&limit) {
        let text = "limit must be between 1 and 100, offset must not be negative".to_owned();
        return Err(FieldError::validation(vec![("pagination".to_owned(), text)]));
    }
    Ok((usize::try_from(offset).unwrap_or(0), usize::try_from(limit).unwrap_or(20)))
}

fn terms(filter: &Map<String, Value>) -> Result<Vec<Term<'_>>, FieldError> {
    let mut terms = Vec::new();
    for (name, member) in filter.iter().filter(|(name, _)| *name != "pagination") {
        let value = member.get("value").filter(|v| !v.is_null());
        let operator = member.get("filterOperator").and_then(Value::as_str).unwrap_or("EQ");
        let allowed: &[&str] = match name.as_str() {
            "legacyConnectionId" | "finalAmount" | "storeCreatedDate" | "storeModifiedDate" => {
                &["EQ", "LT", "LTE", "GT", "GTE"]
            }
            "normalizedStatus" | "isTestOrder" => &["EQ"],
            _ => &["EQ", "CONTAINS"],
        };
        if !allowed.contains(&operator) {
            let text = format!("{operator} does not apply to {name}");
            return Err(FieldError::validation(vec![(name.clone(), text)]));
        }
        let wanted = value.and_then(|value| comparable(name, value));
        terms.push(Term { name, value, operator, wanted });
    }
    Ok(terms)
}

/// Dates as milliseconds, decimals in ten-thousandths, integers likewise.
fn comparable(name: &str, value: &Value) -> Option<i128> {
    if DATES.contains(&name) {
        return value.as_str().and_then(clock::parse).map(i128::from);
    }
    let (negative, whole, fraction) =
        decimal(value).filter(|_| name == "finalAmount" || value.is_number())?;
    let padded = format!("{fraction:0<4}");
    let number = format!("{whole}{}", &padded[..4]).parse::<i128>().ok()?;
    Some(if negative { -number } else { number })
}

fn of_record(name: &str, record: &Record) -> Option<i128> {
    match name {
        "storeCreatedDate" => Some(i128::from(record.created)),
        "storeModifiedDate" => (record.modified != i64::MIN).then(|| i128::from(record.modified)),
        _ => comparable(name, record.order.get(name)?),
    }
}

fn order(name: &str, a: &Record, b: &Record) -> Ordering {
    match (of_record(name, a), of_record(name, b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => {
            let text = |r: &Record| r.order.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            text(a).cmp(&text(b))
        }
    }
}

impl Term<'_> {
    fn holds(&self, record: &Record) -> bool {
        let Some(value) = self.value else { return true };
        if let Some(wanted) = self.wanted {
            let Some(have) = of_record(self.name, record) else {
                return false;
            };
            return match self.operator {
                "LT" => have < wanted,
                "LTE" => have <= wanted,
                "GT" => have > wanted,
                "GTE" => have >= wanted,
                _ => have == wanted,
            };
        }
        match (self.operator, record.order.get(self.name)) {
            (_, None) => false,
            ("CONTAINS", Some(have)) => {
                let part = value.as_str().unwrap_or_default();
                have.as_str().is_some_and(|text| text.contains(part))
            }
            (_, Some(have)) => have == value,
        }
    }
}
