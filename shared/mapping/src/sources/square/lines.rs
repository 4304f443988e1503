//! Lines as sold (rules.md sections 1 and 8; square.md section 4.3).

use crate::model::{Currency, LineItem, Money, Quantity};

use super::flaw::Flaw;
use super::goods::Goods;
use super::settle::amount_in;
use super::text::slug;
use super::units;
use super::wire::{Line, Order, filled};

/// What an amount without a name is called.
const CUSTOM_AMOUNT: &str = "Custom amount";

/// Every line, as it was sold: refunds do not change it.
pub(crate) fn lines(order: &Order<'_>, goods: &Goods) -> Result<Vec<LineItem>, Flaw> {
    let total = order.total_money.as_ref().ok_or_else(|| Flaw::at("total_money"))?;
    let currency = total.money().map_err(|_| Flaw::at("total_money"))?.currency;
    let read = |(index, item)| {
        line(index, item, currency, goods).map_err(|flaw| flaw.within(&format!("line_items[{index}]")))
    };
    order.line_items.iter().enumerate().map(read).collect()
}

fn line(index: usize, line: &Line<'_>, currency: Currency, goods: &Goods) -> Result<LineItem, Flaw> {
    let quantity = Quantity::parse(line.quantity.trim()).map_err(|_| Flaw::at("quantity"))?;
    let sold = gross(line, &quantity, currency)?;
    let name = filled(&line.name).unwrap_or(CUSTOM_AMOUNT);
    let (name, pieces, unit_price) = match exact(sold, &quantity) {
        Some((pieces, price)) => (name.to_owned(), pieces, price),
        None => (format!("{} x {name}", amount_of(line, &quantity)), 1, sold),
    };
    let variation = filled(&line.catalog_object_id);
    let product = variation.and_then(|id| goods.get(id));
    let product_id = match (product, variation) {
        (Some(product), _) => product.product_id.clone(),
        // The item is gone from the catalogue: the variation still names it.
        (None, Some(id)) => id.to_owned(),
        (None, None) => custom_id(filled(&line.name)),
    };
    Ok(LineItem {
        id: filled(&line.uid).map_or_else(|| format!("line-{}", index + 1), str::to_owned),
        product_id,
        variant_id: variation.map(str::to_owned),
        name,
        quantity: pieces,
        unit_price,
        category: product.and_then(|product| product.category.clone()),
        sku: product.and_then(|product| product.sku.clone()),
        image_url: product.and_then(|product| product.image_url.clone()),
        product_url: None,
    })
}

fn custom_id(name: Option<&str>) -> String {
    let key = slug(name.unwrap_or(CUSTOM_AMOUNT));
    // A name of signs alone leaves nothing of itself.
    if key.is_empty() { format!("custom:{}", slug(CUSTOM_AMOUNT)) } else { format!("custom:{key}") }
}

/// Gross sales: the variation's price with its modifiers, times the quantity. It is absent on orders that were
/// not calculated, so it is then put together from its parts.
fn gross(line: &Line<'_>, quantity: &Quantity, currency: Currency) -> Result<Money, Flaw> {
    if let Some(gross) = &line.gross_sales_money {
        return amount_in(gross, currency, || Flaw::at("gross_sales_money"));
    }
    let flaw = || Flaw::at("gross_sales_money");
    let mut sum = match (&line.variation_total_price_money, &line.base_price_money) {
        (Some(total), _) => amount_in(total, currency, || Flaw::at("variation_total_price_money"))?,
        (None, Some(base)) => {
            let base = amount_in(base, currency, || Flaw::at("base_price_money"))?;
            let pieces = quantity.whole().and_then(|pieces| i64::try_from(pieces).ok()).ok_or_else(flaw)?;
            Money::new(base.minor.checked_mul(pieces).ok_or_else(flaw)?, currency)
        }
        (None, None) => return Err(flaw()),
    };
    for price in line.modifiers.iter().filter_map(|modifier| modifier.total_price_money.as_ref()) {
        sum = sum.plus(amount_in(price, currency, flaw)?).map_err(|_| flaw())?;
    }
    Ok(sum)
}

/// Pieces and the price of one, where the price comes out in whole minor units.
fn exact(sold: Money, quantity: &Quantity) -> Option<(u32, Money)> {
    let pieces =
        quantity.whole().and_then(|pieces| u32::try_from(pieces).ok()).filter(|pieces| *pieces > 0)?;
    let whole = sold.minor.checked_rem(i64::from(pieces)) == Some(0);
    let price = sold.minor.checked_div(i64::from(pieces)).filter(|_| whole)?;
    Some((pieces, Money::new(price, sold.currency)))
}

/// The quantity with its unit, as `0.35 kg`.
fn amount_of(line: &Line<'_>, quantity: &Quantity) -> String {
    let unit = line.quantity_unit.as_ref().and_then(|unit| unit.measurement_unit.as_ref());
    match unit.and_then(units::short) {
        Some(unit) => format!("{quantity} {unit}"),
        None => quantity.to_string(),
    }
}
