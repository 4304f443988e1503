//! The catalogue behind order lines: variation -> item -> first image and category (square.md section 6).
//! Related objects go one level only, so it takes two calls: variations with their items, then images and
//! categories. What is deleted, absent or odd never blocks an order: its line has a name and a price.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use crate::model::Product;
use crate::source::SourceError;

use super::api::{Api, CATALOG_RETRIEVE, OBJECTS_A_CALL, decode};
use super::item::{Draft, draft};
use super::wire::{self, CatalogObject, filled};

/// The most variations, images and categories remembered of each; an entry with its description is some 1 kB.
const MOST_OBJECTS: usize = 10_000;

/// The catalogue as far as it was needed. `None` stands for what the catalogue no longer holds.
#[derive(Default)]
pub(crate) struct Goods {
    variations: BTreeMap<String, Option<Arc<Product>>>,
    images: BTreeMap<String, Option<String>>,
    categories: BTreeMap<String, Option<Category>>,
}

#[derive(Clone)]
struct Category {
    name: String,
    /// Menu and kitchen categories repeat the regular ones.
    regular: bool,
}

impl Goods {
    /// What a variation is, while the catalogue holds it.
    pub(crate) fn get(&self, variation: &str) -> Option<&Arc<Product>> {
        self.variations.get(variation).and_then(Option::as_ref)
    }

    /// Looks up the variations that are not known yet.
    pub(crate) async fn look_up(
        &mut self,
        api: &Api<'_>,
        wanted: &BTreeSet<&str>,
    ) -> Result<(), SourceError> {
        if self.variations.len().saturating_add(wanted.len()) > MOST_OBJECTS
            || self.images.len().max(self.categories.len()) > MOST_OBJECTS
        {
            *self = Self::default();
        }
        let mut unknown: Vec<&str> =
            wanted.iter().copied().filter(|id| !self.variations.contains_key(*id)).collect();
        unknown.sort_unstable();
        for ids in unknown.chunks(OBJECTS_A_CALL) {
            let drafts = self.read_variations(api, ids).await?;
            self.read_parts(api, &drafts).await?;
            for id in ids {
                self.variations.insert((*id).to_owned(), None);
            }
            for draft in drafts {
                let product = self.finish(draft);
                self.variations.insert(product.variant_id.clone(), Some(Arc::new(product)));
            }
        }
        Ok(())
    }

    async fn read_variations(&mut self, api: &Api<'_>, ids: &[&str]) -> Result<Vec<Draft>, SourceError> {
        let Some(body) = retrieve(api, ids, true).await? else {
            return Ok(Vec::new());
        };
        let answer: wire::CatalogAnswer<'_> = decode(CATALOG_RETRIEVE, &body)?;
        let mut items: BTreeMap<String, wire::Item<'_>> = BTreeMap::new();
        let mut variations = Vec::new();
        for object in objects(&answer) {
            self.note_part(&object);
            if let Some(item) = object.item_data {
                items.insert(object.id.to_string(), item);
            } else if let Some(variation) = object.item_variation_data {
                variations.push((object.id, variation));
            }
        }
        let asked: BTreeSet<&str> = ids.iter().copied().collect();
        let known = variations.into_iter().filter(|(id, _)| asked.contains(&**id));
        Ok(known.filter_map(|(id, variation)| draft(&id, &variation, &items)).collect())
    }

    /// Reads the images and categories that the drafts name and that are not known yet.
    async fn read_parts(&mut self, api: &Api<'_>, drafts: &[Draft]) -> Result<(), SourceError> {
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        for draft in drafts {
            wanted
                .extend(draft.images.first().map(String::as_str).filter(|id| !self.images.contains_key(*id)));
            let categories = draft.categories.iter().map(String::as_str);
            wanted.extend(categories.filter(|id| !self.categories.contains_key(*id)));
        }
        let mut wanted: Vec<&str> = wanted.into_iter().collect();
        wanted.sort_unstable();
        for ids in wanted.chunks(OBJECTS_A_CALL) {
            if let Some(body) = retrieve(api, ids, false).await? {
                let answer: wire::CatalogAnswer<'_> = decode(CATALOG_RETRIEVE, &body)?;
                objects(&answer).for_each(|object| self.note_part(&object));
            }
        }
        for draft in drafts {
            if let Some(id) = draft.images.first() {
                self.images.entry(id.clone()).or_insert(None);
            }
            for id in &draft.categories {
                self.categories.entry(id.clone()).or_insert(None);
            }
        }
        Ok(())
    }

    fn note_part(&mut self, object: &CatalogObject<'_>) {
        if let Some(image) = &object.image_data {
            self.images.insert(object.id.to_string(), filled(&image.url).map(str::to_owned));
        }
        if let Some(category) = &object.category_data {
            let kind = filled(&category.category_type).unwrap_or("REGULAR_CATEGORY");
            let named = filled(&category.name)
                .map(|name| Category { name: name.to_owned(), regular: kind == "REGULAR_CATEGORY" });
            self.categories.insert(object.id.to_string(), named);
        }
    }

    fn finish(&self, draft: Draft) -> Product {
        let category = |id: &String| self.categories.get(id).and_then(Option::as_ref);
        let reported = draft.reporting.as_ref().and_then(category);
        let first = || draft.categories.iter().filter_map(category).find(|category| category.regular);
        let name = reported.or_else(first).map(|category| category.name.clone());
        let image = draft.images.first().and_then(|id| self.images.get(id)).cloned().flatten();
        Product { category: name, image_url: image, ..draft.product }
    }
}

/// The objects of an answer; those that cannot be read or are deleted count as absent.
fn objects<'a>(answer: &wire::CatalogAnswer<'a>) -> impl Iterator<Item = CatalogObject<'a>> {
    let all = answer.objects.iter().chain(answer.related_objects.iter());
    all.filter_map(|raw| serde_json::from_str::<CatalogObject<'a>>(raw.get()).ok())
        .filter(|object| object.is_deleted != Some(true))
}

async fn retrieve(api: &Api<'_>, ids: &[&str], related: bool) -> Result<Option<Vec<u8>>, SourceError> {
    let body = json!({"object_ids": ids, "include_related_objects": related});
    api.post_or_none(CATALOG_RETRIEVE, "/v2/catalog/batch-retrieve", &body).await
}
