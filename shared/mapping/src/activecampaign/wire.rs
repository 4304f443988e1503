//! What goes over the wire, field by field. Empty fields are left out: an empty string would wipe a good value
//! (activecampaign.md section 4.6).

mod contact;
mod order;
mod product;

pub use contact::ContactInput;
pub(super) use order::check;
pub use order::{CreationSource, CustomerData, DiscountInput, LineItemInput, OrderInput};
pub use product::{ImageData, ProductInput};

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::model::Money;

/// Which mutation carries orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// `bulkUpsertOrders`: waits and answers per order.
    Waiting,
    /// `bulkUpsertOrdersAsync`: queued, to be read back.
    Queued,
}

/// A connection to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConnection {
    /// `tillsync-<source>`.
    pub service: String,
    /// The location's id.
    pub externalid: String,
    /// Shown as the store's name on orders.
    pub name: String,
    /// A picture, as the API wants one.
    pub logo_url: String,
    /// Where the connection is managed.
    pub link_url: String,
}

/// An amount as a JSON number in currency units (activecampaign.md section 4.4), digit by digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount(pub(super) Money);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Money::as_number(&self.0, serializer)
    }
}

/// How many hexadecimal digits of the hash are kept: 128 bits.
const FINGERPRINT_LENGTH: usize = 32;

/// JSON of what was built here. Serializing cannot fail: keys are text and amounts are digits. Were it to, the
/// empty body is refused by the other side and nothing wrong is written.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Equal for equal content, in 32 hexadecimal digits.
fn fingerprint<T: Serialize + ?Sized>(value: &T) -> String {
    let mut text = hex::encode(Sha256::digest(json(value)));
    text.truncate(FINGERPRINT_LENGTH);
    text
}
