//! Order lines, their discounts and their taxes, in whole minor units.

use serde_json::{Value, json};

use super::catalogue::Product;
use crate::rng::Rng;

/// A price as Square writes it.
pub(crate) fn money(amount: i64, currency: &str) -> Value {
    json!({"amount": amount, "currency": currency})
}

/// `amount * share / of`, rounded half up.
pub(crate) fn portion(amount: i64, share: i64, of: i64) -> i64 {
    if of == 0 { 0 } else { (amount * share * 2 + of) / (of * 2) }
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    uid: String,
    product: Option<Product>,
    /// Absent for a nameless custom amount.
    name: Option<String>,
    /// Thousandths.
    quantity: i64,
    unit: i64,
    modifier: i64,
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

impl Line {
    pub(crate) fn make(rng: &mut Rng, number: usize, products: &[Product]) -> Self {
        let uid = format!("line-{}", number + 1);
        let roll = rng.below(1000);
        let picked = rng.pick(products).cloned();
        let (product, name, unit) = match (roll, picked) {
            (0..15, _) => (None, None, rng.between(100, 4_000)),
            (15..35, _) => (None, Some("Commande spéciale".to_owned()), rng.between(100, 4_000)),
            (_, Some(product)) => {
                let (name, unit) = (product.name.clone(), product.price);
                (Some(product), Some(name), unit)
            }
            (_, None) => (None, Some("Divers".to_owned()), rng.between(100, 900)),
        };
        let weighed = product.as_ref().is_some_and(|p| p.by_weight);
        let quantity = if weighed { rng.between(100, 3_000) } else { rng.between(1, 4) * 1_000 };
        let modifier =
            if product.is_some() && !weighed && rng.per_mille(120) { rng.between(20, 150) } else { 0 };
        let gross = portion(unit + modifier, quantity, 1_000);
        Self { uid, product, name, quantity, unit, modifier, gross, discount: 0, line_discount: 0, tax: 0 }
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

    pub(crate) fn json(&self, currency: &str, tax: Tax, order_discount: bool) -> Value {
        let zero = money(0, currency);
        let mut out = json!({
            "uid": self.uid, "quantity": quantity(self.quantity, self.product.as_ref()),
            "item_type": if self.product.is_some() { "ITEM" } else { "CUSTOM_AMOUNT" },
            "base_price_money": money(self.unit, currency), "gross_sales_money": money(self.gross, currency),
            "variation_total_price_money": money(portion(self.unit, self.quantity, 1_000), currency),
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
                out["quantity_unit"] = json!({"measurement_unit": {"weight_unit": "METRIC_KILOGRAM", "type": "TYPE_WEIGHT"}, "precision": 3});
            }
        }
        self.extras(&mut out, currency, tax, order_discount);
        out
    }

    fn extras(&self, out: &mut Value, currency: &str, tax: Tax, order_discount: bool) {
        if self.modifier > 0 {
            let total = self.gross - portion(self.unit, self.quantity, 1_000);
            out["modifiers"] = json!([{
                "uid": format!("{}-m", self.uid), "name": "Lait d’avoine",
                "base_price_money": money(self.modifier, currency), "total_price_money": money(total, currency),
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

/// Square keeps the precision of the scale for weighed goods: 2 kg may be "2" or "2.000".
fn quantity(thousandths: i64, product: Option<&Product>) -> String {
    let (whole, part) = (thousandths / 1_000, thousandths % 1_000);
    if product.is_some_and(|p| p.by_weight) { format!("{whole}.{part:03}") } else { whole.to_string() }
}
