//! What delivery cost and how it goes (rules.md sections 1 and 8). Square has no field for the cost: it is a
//! service charge, told by its name (square.md section 4.3).

use crate::model::Money;

use super::flaw::Flaw;
use super::text::words;
use super::wire::{FulfillmentKind, Order, filled};

/// Names of a shipping charge by language: each entry is a run of whole words. English stands beside every
/// language, as it is what applications write who do not translate.
const ENGLISH: &[&[&str]] = &[&["shipping"], &["delivery"], &["postage"]];
const OTHERS: &[(&str, &[&[&str]])] = &[
    ("fr", &[&["livraison"], &["expédition"], &["expedition"], &["frais", "de", "port"], &["envoi"]]),
    ("es", &[&["envío"], &["envio"], &["entrega"], &["gastos", "de", "envío"]]),
    ("ca", &[&["enviament"], &["lliurament"]]),
    ("de", &[&["versand"], &["versandkosten"], &["lieferung"], &["liefergebühr"]]),
    ("it", &[&["spedizione"], &["consegna"]]),
    ("pt", &[&["envio"], &["entrega"], &["frete"]]),
    ("nl", &[&["verzending"], &["verzendkosten"], &["bezorging"]]),
];
/// Japanese does not part its words, so these are looked for anywhere.
const JAPANESE: &[&str] = &["送料", "配送", "配達", "宅配"];

/// The sum of the service charges named after shipping or delivery; none where there is none.
pub(crate) fn cost(order: &Order<'_>, language: Option<&str>) -> Result<Option<Money>, Flaw> {
    let mut sum: Option<Money> = None;
    for (index, charge) in order.service_charges.iter().enumerate() {
        let place = || Flaw::at(format!("service_charges[{index}].applied_money"));
        let shipping = filled(&charge.name).is_some_and(|name| is_shipping(name, language));
        let amount = charge.applied_money.as_ref().or(charge.amount_money.as_ref());
        if let (true, Some(amount)) = (shipping, amount) {
            let amount = amount.money().map_err(|_| place())?;
            sum = Some(match sum {
                Some(sum) => sum.plus(amount).map_err(|_| place())?,
                None => amount,
            });
        }
    }
    match (sum, order.total_money.as_ref().and_then(|total| total.money().ok())) {
        (Some(sum), Some(total)) if sum.currency != total.currency => Err(Flaw::at("service_charges")),
        _ => Ok(sum),
    }
}

/// `shipping_type` of the first shipment or delivery, else its type. What is picked up is not delivered.
pub(crate) fn method(order: &Order<'_>) -> Option<String> {
    order.fulfillments.iter().find_map(|fulfillment| {
        let (details, word) = match fulfillment.kind? {
            FulfillmentKind::Shipment => (&fulfillment.shipment_details, "SHIPMENT"),
            FulfillmentKind::Delivery => (&fulfillment.delivery_details, "DELIVERY"),
            FulfillmentKind::Pickup | FulfillmentKind::Unknown => return None,
        };
        let named = details.as_ref().and_then(|details| filled(&details.shipping_type));
        Some(named.unwrap_or(word).to_owned())
    })
}

fn is_shipping(name: &str, language: Option<&str>) -> bool {
    let language = language.unwrap_or("en").split(['-', '_']).next().unwrap_or("en").to_ascii_lowercase();
    if language == "ja" && JAPANESE.iter().any(|word| name.contains(word)) {
        return true;
    }
    let said = words(name);
    let own = OTHERS.iter().filter(|(key, _)| *key == language).flat_map(|(_, phrases)| *phrases);
    ENGLISH.iter().chain(own).any(|phrase| said.windows(phrase.len()).any(|run| run == *phrase))
}
