//! The page of an order at Square. No format is documented; these are in use by maintained integrations
//! (square.md section 4.7).

use crate::source::Access;

use super::api::segment;
use super::payment::Payment;
use super::wire::Order;

/// The sandbox's address, which has a dashboard of its own.
const SANDBOX: &str = "https://connect.squareupsandbox.com";

/// The transaction page of the first completed payment, else the order page; the public receipt where the
/// connection asks for it and there is one. A custom API address uses the production dashboard.
pub(crate) fn of(access: &Access, order: &Order<'_>, first: Option<&Payment>) -> String {
    let domain = if access.api_url == SANDBOX { "squareupsandbox.com" } else { "squareup.com" };
    let Some(payment) = first else {
        return format!("https://app.{domain}/dashboard/orders/overview/{}", segment(&order.id));
    };
    match &payment.receipt_url {
        Some(receipt) if access.options.link_to_receipt && receipt.starts_with("https://") => receipt.clone(),
        _ => format!("https://{domain}/dashboard/sales/transactions/{}", segment(&payment.id)),
    }
}
