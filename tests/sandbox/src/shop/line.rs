//! Order lines, their discounts and their taxes, in whole minor units.

use serde_json::{Value, json};

use super::catalogue::{Product, picture_url};
use crate::rng::Rng;

/// A price as Square writes it.
pub(crate) fn money(amount: i64, currency: &str) -> Value {
    json!({"amount": amount, "currency": currency})
}

/// `amount * share / of`, rounded half up.
pub(crate) fn portion(amount: i64, share: i64, of: i64) -> i64 {
    if of == 0 { 0 } else { (amount * share * 2 + of) / (of * 2) }
}

/// How much of a thing: thousandths, and the digits Square writes.
#[derive(Debug, Clone)]
struct Quantity {
    thousandths: i64,
    written: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    uid: String,
    product: Option<Product>,
    item_type: &'static str,
    /// Absent for a nameless custom amount.
    name: Option<String>,
    quantity: Quantity,
    unit: i64,
    /// Of one piece; of the whole line when `flat`.
    modifier: i64,
    flat: bool,
    pub(crate) gross: i64,
    pub(crate) discount: i64,
    line_discount: i64,
    tax: i64,
}

/// How an order is taxed: the rate, and whether prices contain it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tax {
    None,
    Additive(i64),
    Inclusive(i64),
}

/// A sum a discount takes, declared as a percentage or as an amount.
#[derive(Debug, Clone)]
pub(crate) struct Discount {
    pub(crate) name: &'static str,
    pub(crate) percentage: Option<i64>,
    pub(crate) applied: i64,
}

/// A line as the destination must show it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// How much it was, where the quantity does not say it.
    pub(crate) amount: Option<String>,
    pub(crate) name: String,
    pub(crate) quantity: i64,
    pub(crate) price: i64,
    product: Option<Product>,
}

impl Shown {
    pub(crate) fn json(&self) -> Value {
        let name = match &self.amount {
            Some(amount) => format!("{amount} x {}", self.name),
            None => self.name.clone(),
        };
        let mut out = json!({"name": name, "quantity": self.quantity, "price_minor": self.price});
        if let Some(product) = &self.product {
            let shelf = &product.shelf;
            // Of what the catalogue no longer knows the variation is all there is.
            out["product"] = Value::from(shelf.item_id.as_deref().unwrap_or(&product.variation_id));
            out["variant"] = Value::from(product.variation_id.as_str());
            out["category"] = json!(shelf.category);
            out["sku"] = json!(shelf.sku);
            out["image_url"] = json!(shelf.image.as_deref().map(picture_url));
        }
        out
    }
}

impl Line {
    fn new(uid: String, item_type: &'static str, name: Option<String>, unit: i64, pieces: i64) -> Self {
        let quantity = Quantity { thousandths: pieces * 1_000, written: pieces.to_string() };
        let mut line = Self {
            uid,
            product: None,
            item_type,
            name,
            quantity,
            unit,
            modifier: 0,
            flat: false,
            gross: 0,
            discount: 0,
            line_discount: 0,
            tax: 0,
        };
        line.sum();
        line
    }

    /// An amount with a name or without.
    pub(crate) fn custom(number: usize, name: Option<&str>, price: i64) -> Self {
        Self::new(format!("line-{}", number + 1), "CUSTOM_AMOUNT", name.map(str::to_owned), price, 1)
    }

    pub(crate) fn gift_card(number: usize, value: i64) -> Self {
        let name = Some("Carte cadeau".to_owned());
        Self::new(format!("line-{}", number + 1), "GIFT_CARD", name, value, 1)
    }

    /// A product of the catalogue, in whole pieces or by weight.
    pub(crate) fn product(rng: &mut Rng, number: usize, product: &Product) -> Self {
        let pieces = rng.between(1, 4);
        let uid = format!("line-{}", number + 1);
        let mut line = Self::new(uid, "ITEM", Some(product.name.clone()), product.price, pieces);
        if product.by_weight {
            line.quantity = weight(rng);
        } else if rng.per_mille(100) {
            line.modifier = rng.between(20, 150);
        }
        line.product = Some(product.clone());
        line.sum();
        line
    }

    pub(crate) fn make(rng: &mut Rng, number: usize, products: &[Product]) -> Self {
        let roll = rng.below(1000);
        match (roll, rng.pick(products)) {
            (0..10, _) => Self::custom(number, None, rng.between(100, 4_000)),
            (10..20, _) => Self::custom(number, Some("Commande spéciale"), rng.between(100, 4_000)),
            (_, Some(product)) => Self::product(rng, number, product),
            (_, None) => Self::custom(number, Some("Divers"), rng.between(100, 900)),
        }
    }

    /// A modifier on every piece.
    pub(crate) fn modify(&mut self, price: i64) {
        self.modifier = price;
        self.sum();
    }

    /// Three pieces and a modifier charged once: the price of one is no whole number.
    pub(crate) fn make_uneven(&mut self) {
        self.quantity = Quantity { thousandths: 3_000, written: "3".to_owned() };
        (self.modifier, self.flat) = (100, true);
        self.sum();
    }

    /// A word in the place of the item's type that nobody knows.
    pub(crate) fn estrange(&mut self) {
        self.item_type = "SUBSCRIPTION_BOX";
    }

    /// This much of it, in these digits.
    pub(crate) fn weighed(mut self, thousandths: i64, written: &str) -> Self {
        self.quantity = Quantity { thousandths, written: written.to_owned() };
        self.sum();
        self
    }

    /// At this price, one of it.
    pub(crate) fn priced(mut self, price: i64) -> Self {
        self.quantity = Quantity { thousandths: 1_000, written: "1".to_owned() };
        (self.unit, self.modifier) = (price, 0);
        self.sum();
        self
    }

    fn base(&self) -> i64 {
        portion(self.unit, self.quantity.thousandths, 1_000)
    }

    fn sum(&mut self) {
        let each = if self.flat { self.unit } else { self.unit + self.modifier };
        let once = if self.flat { self.modifier } else { 0 };
        self.gross = portion(each, self.quantity.thousandths, 1_000) + once;
    }

    /// Takes a percentage off this line alone.
    pub(crate) fn discount(&mut self, percent: i64) -> i64 {
        self.line_discount = portion(self.gross, percent, 100);
        self.discount += self.line_discount;
        self.line_discount
    }

    fn net(&self) -> i64 {
        self.gross - self.discount
    }

    fn apply(&mut self, tax: Tax) {
        self.tax = match tax {
            Tax::None => 0,
            Tax::Additive(rate) => portion(self.net(), rate, 100),
            Tax::Inclusive(rate) => self.net() - portion(self.net(), 100, 100 + rate),
        };
    }

    pub(crate) fn tax(&self) -> i64 {
        self.tax
    }

    pub(crate) fn total(&self, tax: Tax) -> i64 {
        self.net() + if matches!(tax, Tax::Additive(_)) { self.tax } else { 0 }
    }

    /// The rules for lines, from what was drawn.
    pub(crate) fn shown(&self) -> Shown {
        let name = self.name.as_deref().unwrap_or("Custom amount");
        let product = self.product.clone();
        let (whole, rest) = (self.quantity.thousandths / 1_000, self.quantity.thousandths % 1_000);
        if rest == 0 && whole > 0 && self.gross % whole == 0 {
            let price = self.gross / whole;
            return Shown { amount: None, name: name.to_owned(), quantity: whole, price, product };
        }
        let digits = format!("{whole}.{rest:03}");
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        let unit = if self.product.as_ref().is_some_and(|p| p.by_weight) { " kg" } else { "" };
        let amount = Some(format!("{digits}{unit}"));
        Shown { amount, name: name.to_owned(), quantity: 1, price: self.gross, product }
    }

    /// What is worth knowing of the line.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &'static str> {
        let whole = self.quantity.thousandths % 1_000 == 0;
        let weighed = self.product.as_ref().is_some_and(|p| p.by_weight);
        let custom = self.item_type == "CUSTOM_AMOUNT";
        [
            (custom && self.name.is_some(), "custom_amount"),
            (custom && self.name.is_none(), "custom_amount_nameless"),
            (self.item_type == "GIFT_CARD", "gift_card_sold"),
            (weighed && !whole, "weighed"),
            (weighed && whole, "weighed_whole"),
            (self.modifier > 0 && !self.flat, "modifier"),
            (self.flat && self.gross % (self.quantity.thousandths / 1_000).max(1) != 0, "uneven_price"),
            (self.line_discount > 0, "line_discount"),
            (self.product.as_ref().is_some_and(|p| p.gone), "product_gone"),
        ]
        .into_iter()
        .filter(|(held, _)| *held)
        .map(|(_, name)| name)
    }

    pub(crate) fn json(&self, currency: &str, tax: Tax, order_discount: bool) -> Value {
        let zero = money(0, currency);
        let mut out = json!({
            "uid": self.uid, "quantity": self.quantity.written, "item_type": self.item_type,
            "base_price_money": money(self.unit, currency), "gross_sales_money": money(self.gross, currency),
            "variation_total_price_money": money(self.base(), currency),
            "total_tax_money": money(self.tax, currency), "total_discount_money": money(self.discount, currency),
            "total_money": money(self.total(tax), currency), "total_service_charge_money": zero,
        });
        if let Some(name) = &self.name {
            out["name"] = Value::from(name.as_str());
        }
        if let Some(product) = &self.product {
            out["catalog_object_id"] = Value::from(product.variation_id.as_str());
            out["catalog_version"] = Value::from(product.version);
            out["variation_name"] = Value::from(product.variation.as_str());
            if product.by_weight {
                let precision = self.quantity.written.split_once('.').map_or(0, |(_, digits)| digits.len());
                out["quantity_unit"] = json!({"precision": precision,
                    "measurement_unit": {"weight_unit": "METRIC_KILOGRAM", "type": "TYPE_WEIGHT"}});
            }
        }
        self.extras(&mut out, currency, tax, order_discount);
        out
    }

    fn extras(&self, out: &mut Value, currency: &str, tax: Tax, order_discount: bool) {
        if self.modifier > 0 {
            out["modifiers"] = json!([{
                "uid": format!("{}-m", self.uid), "name": "Lait d’avoine", "quantity": "1",
                "base_price_money": money(self.modifier, currency),
                "total_price_money": money(self.gross - self.base(), currency),
            }]);
        }
        let mut discounts = Vec::new();
        let shared = self.discount - self.line_discount;
        for (uid, applied) in
            [(format!("d-{}", self.uid), self.line_discount), ("d-order".to_owned(), shared)]
        {
            if applied > 0 || (uid == "d-order" && order_discount) {
                discounts.push(json!({"uid": format!("{}-{uid}", self.uid), "discount_uid": uid,
                    "applied_money": money(applied, currency)}));
            }
        }
        if !discounts.is_empty() {
            out["applied_discounts"] = Value::Array(discounts);
        }
        if tax != Tax::None {
            out["applied_taxes"] = json!([{"uid": format!("{}-t", self.uid), "tax_uid": "tax",
                "applied_money": money(self.tax, currency)}]);
        }
    }

    /// The discount entry of the order that belongs to this line alone.
    pub(crate) fn discount_json(&self, percent: i64, currency: &str) -> Value {
        json!({"uid": format!("d-{}", self.uid), "name": "Fin de journée", "type": "FIXED_PERCENTAGE",
            "percentage": percent.to_string(), "scope": "LINE_ITEM",
            "applied_money": money(self.line_discount, currency)})
    }
}

/// Square keeps the precision of the scale: 2 kg may be "2.000", and 1.7 kg "1.70000".
fn weight(rng: &mut Rng) -> Quantity {
    let (thousandths, written) = match rng.index(6) {
        0 => (350, "0.35".to_owned()),
        1 => (1_700, "1.70000".to_owned()),
        2 => (2_000, "2.000".to_owned()),
        _ => {
            let drawn = rng.between(100, 3_000);
            (drawn, format!("{}.{:03}", drawn / 1_000, drawn % 1_000))
        }
    };
    Quantity { thousandths, written }
}

/// Shares an order's discount out over its lines, the last one taking what rounding left, and taxes them.
pub(crate) fn settle(lines: &mut [Line], order_discount: i64, tax: Tax) {
    let whole: i64 = lines.iter().map(Line::net).sum();
    let mut left = order_discount.min(whole);
    let last = lines.len().saturating_sub(1);
    for (index, line) in lines.iter_mut().enumerate() {
        let share = if index == last { left } else { portion(order_discount, line.net(), whole).min(left) };
        let share = share.min(line.net());
        left -= share;
        line.discount += share;
        line.apply(tax);
    }
}
