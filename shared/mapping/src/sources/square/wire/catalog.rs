//! The catalogue (square.md section 6).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Amount, List, Text};

/// Answer of BatchRetrieveCatalogObjects.
#[derive(Deserialize)]
pub(crate) struct CatalogAnswer<'a> {
    #[serde(borrow, default)]
    pub(crate) objects: List<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) related_objects: List<&'a RawValue>,
}

#[derive(Deserialize)]
pub(crate) struct CatalogObject<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    pub(crate) is_deleted: Option<bool>,
    #[serde(borrow)]
    pub(crate) item_variation_data: Option<Variation<'a>>,
    #[serde(borrow)]
    pub(crate) item_data: Option<Item<'a>>,
    #[serde(borrow)]
    pub(crate) image_data: Option<Image<'a>>,
    #[serde(borrow)]
    pub(crate) category_data: Option<Category<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Variation<'a> {
    #[serde(borrow)]
    pub(crate) item_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) sku: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) price_money: Option<Amount<'a>>,
    #[serde(borrow, default)]
    pub(crate) image_ids: List<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Item<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) description: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) description_html: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) description_plaintext: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) reporting_category: Option<CategoryRef<'a>>,
    #[serde(borrow, default)]
    pub(crate) categories: List<CategoryRef<'a>>,
    /// Deprecated since 2023-12-13, still filled on old items.
    #[serde(borrow)]
    pub(crate) category_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) image_ids: List<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct CategoryRef<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Text<'a>>,
    pub(crate) ordinal: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct Image<'a> {
    #[serde(borrow)]
    pub(crate) url: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Category<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) category_type: Option<Text<'a>>,
}
