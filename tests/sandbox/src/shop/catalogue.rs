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
    pub(crate) deleted: bool,
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
    /// The catalogue no longer tells what it belongs to.
    pub(crate) gone: bool,
    pub(crate) shelf: Shelf,
    pub(crate) version: i64,
}

/// What the catalogue tells of a product beside its name and price.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    pub(crate) item_id: Option<String>,
    pub(crate) category: Option<String>,
    /// The id of the picture that is shown.
    pub(crate) image: Option<String>,
    pub(crate) sku: Option<String>,
}

/// Where a picture is.
pub(crate) fn picture_url(id: &str) -> String {
    format!("https://images.example.com/{id}.jpg")
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

/// The categories an item may be in, by what they are.
struct Shelves {
    regular: Vec<String>,
    menu: String,
    kitchen: String,
    /// Of a type nobody knows.
    season: String,
    deleted: String,
}

pub(crate) fn make(rng: &mut Rng, items: usize, now: i64) -> Catalogue {
    let mut all = Catalogue::default();
    let updated = now - 20 * clock::DAY;
    let mut category = |rng: &mut Rng, name: &str, kind: &str, deleted: bool| {
        let id = rng.id("", 24).to_ascii_uppercase();
        let data = json!({"name": name, "category_type": kind, "is_top_level": true});
        all.add(id.clone(), "CATEGORY", updated, Vec::new(), ("category_data", data), deleted);
        id
    };
    let regular =
        CATEGORIES.iter().map(|name| category(rng, name, "REGULAR_CATEGORY", false)).collect::<Vec<_>>();
    let shelves = Shelves {
        menu: category(rng, "Carte d’été", "MENU_CATEGORY", false),
        kitchen: category(rng, "Four 2", "KITCHEN_CATEGORY", false),
        season: category(rng, "Saison", "SEASONAL_CATEGORY", false),
        deleted: category(rng, "Ancienne", "REGULAR_CATEGORY", true),
        regular,
    };
    for index in 0..items {
        item(rng, &mut all, index, &shelves, updated + index as i64 * clock::HOUR);
    }
    orphans(rng, &mut all, updated);
    all
}

fn item(rng: &mut Rng, all: &mut Catalogue, index: usize, shelves: &Shelves, updated: i64) {
    let item_id = rng.id("", 24).to_ascii_uppercase();
    let name = match index / NAMES.len() {
        0 => NAMES[index % NAMES.len()].to_owned(),
        round => format!("{} n° {}", NAMES[index % NAMES.len()], round + 1),
    };
    let kinds = shelves.regular.len();
    let category = shelves.regular[index % kinds].clone();
    let mut shelf = Shelf { item_id: Some(item_id.clone()), ..Shelf::default() };
    shelf.category = Some(CATEGORIES[index % kinds].to_owned());
    let mut categories = vec![(category.as_str(), 5)];
    // What comes first by ordinal is no shelf a buyer knows: taking the first blindly shows.
    for (every, id) in
        [(4, &shelves.menu), (7, &shelves.kitchen), (9, &shelves.season), (10, &shelves.deleted)]
    {
        if index.is_multiple_of(every) {
            categories.insert(0, (id, 1));
        }
    }
    let mut related: Vec<String> = categories.iter().map(|(id, _)| (*id).to_owned()).collect();
    let listed: Vec<Value> = categories.iter().map(|(id, n)| json!({"id": id, "ordinal": n})).collect();
    let mut data = json!({
        "name": name, "categories": listed,
        "description_html": format!("<p>{name}, <b>fait maison</b> &amp; bon.<br>Du jour.</p>"),
        "product_type": "REGULAR", "is_archived": false,
    });
    if !index.is_multiple_of(11) {
        data["description_plaintext"] = Value::from(format!("{name}, fait maison & bon."));
    }
    if !index.is_multiple_of(3) {
        // Reported under another one than it lies in.
        let other = (index + 1) % kinds;
        data["reporting_category"] = json!({"id": shelves.regular[other], "ordinal": 5});
        related.push(shelves.regular[other].clone());
        shelf.category = Some(CATEGORIES[other].to_owned());
    }
    if !index.is_multiple_of(5) {
        let image = picture(rng, all, &name, updated);
        data["image_ids"] = json!([image]);
        shelf.image = Some(image.clone());
        related.push(image);
    }
    data["variations"] = Value::Array(variations(rng, all, &shelf, &name, index, updated));
    all.add(item_id, "ITEM", updated, related, ("item_data", data), false);
}

fn picture(rng: &mut Rng, all: &mut Catalogue, name: &str, updated: i64) -> String {
    let id = rng.id("", 24).to_ascii_uppercase();
    let data = json!({"name": name, "url": picture_url(&id)});
    all.add(id.clone(), "IMAGE", updated, Vec::new(), ("image_data", data), false);
    id
}

fn variations(
    rng: &mut Rng,
    all: &mut Catalogue,
    of_item: &Shelf,
    name: &str,
    index: usize,
    updated: i64,
) -> Vec<Value> {
    let mut out = Vec::new();
    let item = of_item.item_id.as_deref().unwrap_or_default();
    let by_weight = name.starts_with("Grains");
    let count = if by_weight { 1 } else { 1 + index % 3 };
    for size in SIZES.iter().take(count) {
        let id = rng.id("", 24).to_ascii_uppercase();
        let price = rng.between(90, 2_400);
        let label = if count == 1 { "Normal" } else { size };
        let related = vec![item.to_owned()];
        let sku = format!("SKU-{index}-{}", out.len());
        let mut shelf = Shelf { sku: Some(sku.clone()), ..of_item.clone() };
        let mut data = json!({
            "item_id": item, "name": label, "sku": sku, "ordinal": out.len(),
            "pricing_type": "FIXED_PRICING", "price_money": {"amount": price, "currency": "EUR"},
        });
        if index % 6 == 2 {
            // A picture of its own stands before that of the item. The item alone counts as related.
            let image = picture(rng, all, label, updated);
            data["image_ids"] = json!([image]);
            shelf.image = Some(image);
        }
        let member = ("item_variation_data", data);
        out.push(all.add(id.clone(), "ITEM_VARIATION", updated, related, member, false));
        let (name, variation) = (name.to_owned(), label.to_owned());
        let (gone, version) = (false, updated);
        let product = Product { variation_id: id, name, variation, price, by_weight, gone, shelf, version };
        all.products.push(product);
    }
    out
}

/// Variations that cannot be followed: of a deleted item, of one that is gone, and of none at all.
fn orphans(rng: &mut Rng, all: &mut Catalogue, updated: i64) {
    for (name, deleted, item) in
        [("Article supprimé", true, true), ("Article orphelin", false, true), ("Article isolé", false, false)]
    {
        let id = rng.id("", 24).to_ascii_uppercase();
        let item_id = rng.id("", 24).to_ascii_uppercase();
        let mut data = json!({"name": "Normal", "ordinal": 0, "pricing_type": "VARIABLE_PRICING"});
        if item {
            data["item_id"] = Value::from(item_id.as_str());
        }
        let member = ("item_variation_data", data);
        all.add(id.clone(), "ITEM_VARIATION", updated, vec![item_id.clone()], member, deleted);
        if deleted {
            let member = ("item_data", json!({"name": name}));
            all.add(item_id, "ITEM", updated, Vec::new(), member, true);
        }
        all.products.push(Product {
            variation_id: id,
            name: name.to_owned(),
            variation: "Normal".to_owned(),
            price: 720,
            by_weight: false,
            gone: true,
            shelf: Shelf::default(),
            version: updated,
        });
    }
}

impl Catalogue {
    fn add(
        &mut self,
        id: String,
        kind: &'static str,
        updated: i64,
        related: Vec<String>,
        (member, data): (&str, Value),
        deleted: bool,
    ) -> Value {
        let mut json = json!({
            "type": kind, "id": id, "updated_at": clock::rfc3339(updated), "version": updated,
            "is_deleted": deleted, "present_at_all_locations": true,
        });
        json[member] = data;
        self.ids.insert(id.clone(), self.objects.len());
        self.objects.push(Object {
            id,
            kind,
            updated,
            related,
            deleted,
            bytes: json.to_string().into_bytes(),
        });
        json
    }

    /// What the id stands for; of what was deleted only when that is asked for.
    pub(crate) fn get(&self, id: &str, deleted: bool) -> Option<&Object> {
        self.ids.get(id).and_then(|index| self.objects.get(*index)).filter(|o| deleted || !o.deleted)
    }
}
