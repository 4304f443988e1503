//! Rows of the one table: read as every type there is, and what could be read is written as it was.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tillsync_engine::ports::{Item, Key, Write};
use tillsync_engine::state::{
    Address, Connection, Cursor, Flight, Gathered, LedgerRow, Merged, PeopleRuns, Row, Run, Tagged, WindowRow,
};

use super::text;
use crate::{Target, quiet};

pub(super) const TARGET: Target = Target { name: "row", run, fixtures: super::none, weight: 10 };

fn run(data: &[u8]) {
    let body = text(data);
    of::<Connection>(&body);
    of::<Cursor>(&body);
    of::<LedgerRow>(&body);
    of::<Run>(&body);
    of::<WindowRow>(&body);
    of::<Flight>(&body);
    of::<Address>(&body);
    of::<Merged>(&body);
    of::<PeopleRuns>(&body);
    of::<Gathered>(&body);
}

fn of<T: Serialize + DeserializeOwned + Tagged + Debug>(body: &str) {
    let item = |body: &str| Item {
        key: Key::new("P", "S"),
        rev: 3,
        tag: String::new(),
        body: body.to_owned(),
        expires: None,
    };
    let row: Row<T> = match Row::parse(&item(body)) {
        Ok(row) => row,
        Err(fault) => {
            assert_eq!(fault.code, "data.corrupt");
            return quiet::fault(&fault);
        }
    };
    let Some(written) = stored(&row) else { return };
    let again = Row::<T>::parse(&item(&written)).ok();
    assert!(again.is_some(), "what was written cannot be read");
    assert_eq!(again.as_ref().and_then(stored), Some(written), "not the same written again");
}

fn stored<T: Serialize + DeserializeOwned + Tagged>(row: &Row<T>) -> Option<String> {
    match row.put().ok()? {
        Write::Put { item, .. } => Some(item.body),
        _ => None,
    }
}
