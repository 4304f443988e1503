//! A variation with its item, made into a product whose image and category are still to be looked up.

use std::collections::BTreeMap;

use crate::model::Product;

use super::text::plain;
use super::wire::{self, filled};

/// A description longer than this is cut: Square allows 65,535 characters (square.md section 6).
const LONGEST_DESCRIPTION: usize = 4_000;

/// A variation with its item, whose image and category are still ids.
pub(crate) struct Draft {
    pub(crate) product: Product,
    pub(crate) images: Vec<String>,
    /// The one it is reported under first, then the others by ordinal.
    pub(crate) categories: Vec<String>,
    pub(crate) reporting: Option<String>,
}

pub(crate) fn draft(
    id: &str,
    variation: &wire::Variation<'_>,
    items: &BTreeMap<String, wire::Item<'_>>,
) -> Option<Draft> {
    let item_id = filled(&variation.item_id)?;
    let item = items.get(item_id)?;
    let images = if variation.image_ids.is_empty() { &item.image_ids } else { &variation.image_ids };
    let reporting = item.reporting_category.as_ref().and_then(|category| filled(&category.id));
    let product = Product {
        product_id: item_id.to_owned(),
        variant_id: id.to_owned(),
        name: filled(&item.name).or_else(|| filled(&variation.name)).unwrap_or(id).to_owned(),
        variant_name: filled(&variation.name).map(str::to_owned),
        description: description(item),
        category: None,
        sku: filled(&variation.sku).map(str::to_owned),
        image_url: None,
        price: variation.price_money.as_ref().and_then(|price| price.money().ok()),
    };
    let images = images.iter().map(|id| id.to_string()).collect();
    Some(Draft { product, images, categories: categories(item), reporting: reporting.map(str::to_owned) })
}

/// Reporting category, then the others by ordinal; the deprecated single field where there is nothing else.
fn categories(item: &wire::Item<'_>) -> Vec<String> {
    let mut others: Vec<&wire::CategoryRef<'_>> = item.categories.iter().collect();
    others.sort_by_key(|category| category.ordinal.unwrap_or(i64::MAX));
    let reporting = item.reporting_category.as_ref().and_then(|category| filled(&category.id));
    let mut ids: Vec<String> = Vec::new();
    for id in reporting.into_iter().chain(others.iter().filter_map(|category| filled(&category.id))) {
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    if ids.is_empty() {
        ids.extend(filled(&item.category_id).map(str::to_owned));
    }
    ids
}

fn description(item: &wire::Item<'_>) -> Option<String> {
    let written = filled(&item.description_plaintext).map(str::to_owned);
    let marked = || filled(&item.description).or_else(|| filled(&item.description_html)).map(plain);
    let text = written.or_else(marked).filter(|text| !text.is_empty())?;
    Some(text.chars().take(LONGEST_DESCRIPTION).collect())
}
