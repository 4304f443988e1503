//! `ProductInput` (activecampaign.md section 4.10): what is left out keeps its value.

use serde::Serialize;

use super::{Amount, fingerprint};

/// A product as the mutation takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductInput {
    /// Key, first part: the connection's id.
    pub legacy_connection_id: i64,
    /// Key, second part: the variant.
    pub store_primary_id: String,
    /// The product; groups its variants.
    pub store_base_product_id: String,
    /// Name of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_product_name: Option<String>,
    /// Plain text of at most 4,096 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_product_description: Option<String>,
    /// Pictures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub base_product_images: Vec<ImageData>,
    /// The categories it is reported under.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Name of the variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant_name: Option<String>,
    /// Stock keeping unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant_sku: Option<String>,
    /// List price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) variant_price_amount: Option<Amount>,
    /// Its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant_price_currency: Option<&'static str>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageData {
    /// Where it is.
    pub url: String,
}

impl ProductInput {
    /// As [`super::OrderInput::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(self)
    }
}
