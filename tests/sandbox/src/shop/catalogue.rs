//! Items, variations, categories and images.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::clock;
use crate::rng::Rng;

/// An object as it is served, with the ids it refers to.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) updated: i64,
    pub(crate) related: Vec<String>,
    pub(crate) bytes: Vec<u8>,
}

/// What an order line needs of a variation.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) variation_id: String,
    pub(crate) name: String,
    pub(crate) variation: String,
    pub(crate) price: i64,
    pub(crate) by_weight: bool,
    pub(crate) version: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) objects: Vec<Object>,
    pub(crate) ids: HashMap<String, usize>,
    pub(crate) products: Vec<Product>,
}

const NAMES: [&str; 20] = [
    "Croissant",
    "Pain au chocolat",
    "Baguette tradition",
    "Tarte aux pommes",
    "Éclair café",
    "Café crème",
    "Thé vert",
    "抹茶ラテ",
    "Limonade",
    "Crème brûlée",
    "Flan",
    "Brioche",
    "Financier",
    "Madeleine",
    "Quiche",
    "Salade niçoise",
    "Grains de café",
    "Miel",
    "Confiture",
    "Tote bag",
];
const SIZES: [&str; 3] = ["Petit", "Moyen", "Grand"];
const CATEGORIES: [&str; 6] = ["Viennoiserie", "Pain", "Pâtisserie", "Boissons", "Épicerie", "Boutique"];

pub(crate) fn make(rng: &mut Rng, items: usize, now: i64) -> Catalogue {
    let mut all = Catalogue::default();
    let updated = now - 20 * clock::DAY;
    let mut regular = Vec::new();
    for name in CATEGORIES {
        let id = rng.id("", 24).to_ascii_uppercase();
        let data = json!({"name": name, "category_type": "REGULAR_CATEGORY", "is_top_level": true});
        all.add(id.clone(), "CATEGORY", updated, Vec::new(), "category_data", data);
        regular.push(id);
    }
    let menu = rng.id("", 24).to_ascii_uppercase();
    let data = json!({"name": "Carte d’été", "category_type": "MENU_CATEGORY", "is_top_level": true});
    all.add(menu.clone(), "CATEGORY", updated, Vec::new(), "category_data", data);
    for index in 0..items {
        item(rng, &mut all, index, &regular, &menu, updated + index as i64 * clock::HOUR);
    }
    all
}

fn item(rng: &mut Rng, all: &mut Catalogue, index: usize, regular: &[String], menu: &str, updated: i64) {
    let item_id = rng.id("", 24).to_ascii_uppercase();
    let name = match index / NAMES.len() {
        0 => NAMES[index % NAMES.len()].to_owned(),
        round => format!("{} n° {}", NAMES[index % NAMES.len()], round + 1),
    };
    let category = regular[index % regular.len()].clone();
    let mut related = vec![category.clone()];
    let mut categories = vec![json!({"id": category, "ordinal": 5})];
    if index.is_multiple_of(4) {
        // The menu comes first by ordinal: taking the first category blindly shows.
        categories.insert(0, json!({"id": menu, "ordinal": 1}));
        related.push(menu.to_owned());
    }
    let image = (!index.is_multiple_of(5)).then(|| rng.id("", 24).to_ascii_uppercase());
    let mut data = json!({
        "name": name, "categories": categories,
        "description_html": format!("<p>{name}, <b>fait maison</b>.</p>"),
        "description_plaintext": format!("{name}, fait maison."), "product_type": "REGULAR", "is_archived": false,
    });
    if !index.is_multiple_of(3) {
        data["reporting_category"] = json!({"id": category, "ordinal": 5});
    }
    if let Some(image) = &image {
        data["image_ids"] = json!([image]);
        related.push(image.clone());
        let picture = json!({"name": name, "url": format!("https://images.example.com/{image}.jpg")});
        all.add(image.clone(), "IMAGE", updated, Vec::new(), "image_data", picture);
    }
    let variations = variations(rng, all, &item_id, &name, index, updated);
    data["variations"] = Value::Array(variations);
    all.add(item_id, "ITEM", updated, related, "item_data", data);
}

fn variations(
    rng: &mut Rng,
    all: &mut Catalogue,
    item: &str,
    name: &str,
    index: usize,
    updated: i64,
) -> Vec<Value> {
    let mut out = Vec::new();
    let by_weight = name.starts_with("Grains");
    let count = if by_weight { 1 } else { 1 + index % 3 };
    for size in SIZES.iter().take(count) {
        let id = rng.id("", 24).to_ascii_uppercase();
        let price = rng.between(90, 2_400);
        let label = if count == 1 { "Normal" } else { size };
        let data = json!({
            "item_id": item, "name": label, "sku": format!("SKU-{index}-{}", out.len()), "ordinal": out.len(),
            "pricing_type": "FIXED_PRICING", "price_money": {"amount": price, "currency": "EUR"},
        });
        let object = all.add(
            id.clone(),
            "ITEM_VARIATION",
            updated,
            vec![item.to_owned()],
            "item_variation_data",
            data,
        );
        out.push(object);
        all.products.push(Product {
            variation_id: id,
            name: name.to_owned(),
            variation: label.to_owned(),
            price,
            by_weight,
            version: updated,
        });
    }
    out
}

impl Catalogue {
    fn add(
        &mut self,
        id: String,
        kind: &'static str,
        updated: i64,
        related: Vec<String>,
        member: &str,
        data: Value,
    ) -> Value {
        let mut json = json!({
            "type": kind, "id": id, "updated_at": clock::rfc3339(updated), "version": updated,
            "is_deleted": false, "present_at_all_locations": true,
        });
        json[member] = data;
        self.ids.insert(id.clone(), self.objects.len());
        self.objects.push(Object { id, kind, updated, related, bytes: json.to_string().into_bytes() });
        json
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Object> {
        self.ids.get(id).and_then(|index| self.objects.get(*index))
    }
}
