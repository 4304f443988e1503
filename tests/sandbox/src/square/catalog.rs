//! The catalogue: by id, by list, by search. Related objects go one level and no further.

use serde_json::{Value, json};

use super::Context;
use super::error::Fail;
use super::page::{Body, strings};
use crate::clock;
use crate::http::Reply;
use crate::shop::Shop;
use crate::shop::catalogue::Object;

/// Types a list shows unless it is asked for others.
const TOP: [&str; 2] = ["ITEM", "CATEGORY"];

pub(crate) fn info() -> Reply {
    Reply::json(
        200,
        &json!({"limits": {
            "batch_delete_max_object_ids": 200, "batch_retrieve_max_object_ids": 1000,
            "batch_upsert_max_objects_per_batch": 1000, "batch_upsert_max_total_objects": 10000,
            "search_max_page_limit": 1000, "update_item_modifier_lists_max_item_ids": 1000,
            "update_item_modifier_lists_max_modifier_lists_to_disable": 1000,
            "update_item_modifier_lists_max_modifier_lists_to_enable": 1000,
            "update_item_taxes_max_item_ids": 1000, "update_item_taxes_max_taxes_to_disable": 1000,
            "update_item_taxes_max_taxes_to_enable": 1000,
        }}),
    )
}

impl Context<'_> {
    pub(super) fn batch_retrieve_catalog(&mut self) -> Result<Reply, Fail> {
        let ids = strings(&self.body, "/object_ids");
        match ids.len() {
            0 => return Err(Fail::bad("ARRAY_EMPTY", "object_ids", "at least one object id")),
            1..=1000 => {}
            _ => {
                return Err(Fail::bad("ARRAY_LENGTH_TOO_LONG", "object_ids", "at most 1000 object ids"));
            }
        }
        let mut found: Vec<&Object> = Vec::new();
        for id in ids {
            if let Some(object) = self.shop.catalogue.get(id, self.deleted_too())
                && !found.iter().any(|f| f.id == object.id)
            {
                found.push(object);
            }
        }
        let related = self.related(self.shop, &found, self.body.get("include_related_objects"));
        let body = Body::default().list("objects", found.iter().map(|o| o.bytes.as_slice()));
        Ok(body.list("related_objects", related.iter().map(|o| o.bytes.as_slice())).reply())
    }

    fn deleted_too(&self) -> bool {
        self.body.get("include_deleted_objects") == Some(&Value::Bool(true))
    }

    fn related<'s>(&self, shop: &'s Shop, found: &[&'s Object], asked: Option<&Value>) -> Vec<&'s Object> {
        if asked != Some(&Value::Bool(true)) {
            return Vec::new();
        }
        let mut related: Vec<&'s Object> = Vec::new();
        for id in found.iter().flat_map(|o| o.related.iter()) {
            let known = found.iter().chain(related.iter()).any(|o| o.id == *id);
            if let Some(object) = shop.catalogue.get(id, self.deleted_too()).filter(|_| !known) {
                related.push(object);
            }
        }
        related
    }

    pub(super) fn catalog_object(&mut self, id: &str) -> Result<Reply, Fail> {
        let object = self.shop.catalogue.get(id, false).ok_or_else(|| Fail::not_found(id))?;
        let asked = self.call.param("include_related_objects") == Some("true");
        let related = self.related(self.shop, &[object], Some(&Value::Bool(asked)));
        let json: Value = serde_json::from_slice(&object.bytes).unwrap_or_default();
        let body = Body::default().value("object", Some(json));
        Ok(body.list("related_objects", related.iter().map(|o| o.bytes.as_slice())).reply())
    }

    pub(super) fn list_catalog(&mut self) -> Result<Reply, Fail> {
        let types = self.call.param("types").unwrap_or_default().to_uppercase();
        let types: Vec<&str> = types.split(',').map(str::trim).filter(|t| !t.is_empty()).collect();
        self.objects(&types, i64::MIN, 100, false)
    }

    pub(super) fn search_catalog(&mut self) -> Result<Reply, Fail> {
        if self.body.get("query").is_some_and(|q| !q.is_null()) {
            return Err(Fail::new(501, "NOT_IMPLEMENTED", "query", "queries are not part of this stand-in"));
        }
        let set = |name: &str| self.body.get(name) == Some(&Value::Bool(true));
        if set("include_deleted_objects") && set("include_category_path_to_root") {
            let detail = "include_deleted_objects and include_category_path_to_root exclude each other";
            return Err(Fail::bad("BAD_REQUEST", "include_category_path_to_root", detail));
        }
        let body = self.body.clone();
        let types = strings(&body, "/object_types");
        let begin = body.get("begin_time").and_then(Value::as_str).and_then(clock::parse).unwrap_or(i64::MIN);
        // A limit out of range is ignored here, unlike elsewhere.
        let limit =
            body.get("limit").and_then(Value::as_u64).filter(|l| (1..=1000).contains(l)).unwrap_or(1000);
        self.objects(&types, begin, usize::try_from(limit).unwrap_or(1000), true)
    }

    fn objects(&mut self, types: &[&str], begin: i64, limit: usize, search: bool) -> Result<Reply, Fail> {
        let resume = self.resume()?;
        let from = resume.after.map_or(0, |(_, index)| index);
        let types = if types.is_empty() { &TOP[..] } else { types };
        let limit = self.clip(limit);
        let shop = self.shop;
        let deleted = self.deleted_too();
        let mut page: Vec<(usize, &Object)> = shop
            .catalogue
            .objects
            .iter()
            .enumerate()
            .skip(from)
            .filter(|(_, o)| types.contains(&o.kind) && o.updated > begin && (deleted || !o.deleted))
            .take(limit + 1)
            .collect();
        let next = (page.len() > limit).then(|| page.pop()).flatten().map(|(index, _)| (0, index));
        let found: Vec<&Object> = page.iter().map(|(_, o)| *o).collect();
        let related = self.related(self.shop, &found, self.body.get("include_related_objects"));
        let cursor = self.cursor(next, resume.until);
        let body = Body::default().list("objects", found.iter().map(|o| o.bytes.as_slice()));
        let body = body.list("related_objects", related.iter().map(|o| o.bytes.as_slice()));
        let latest = self.shop.catalogue.objects.iter().map(|o| o.updated).max().filter(|_| search);
        Ok(body
            .value("cursor", cursor)
            .value("latest_time", latest.map(|t| clock::rfc3339(t).into()))
            .reply())
    }
}
