//! Errors, the token and locations (square.md sections 1.5, 2 and 8.1).

use serde::Deserialize;

use super::{List, Text};

/// `{"errors":[...]}`.
#[derive(Default, Deserialize)]
pub(crate) struct ErrorsAnswer<'a> {
    #[serde(borrow, default)]
    pub(crate) errors: List<ErrorItem<'a>>,
}

/// One error. Its `detail` can repeat values of the request, so it is not declared.
#[derive(Deserialize)]
pub(crate) struct ErrorItem<'a> {
    #[serde(borrow)]
    pub(crate) code: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) field: Option<Text<'a>>,
}

/// Answer of RetrieveTokenStatus.
#[derive(Deserialize)]
pub(crate) struct TokenStatus<'a> {
    #[serde(borrow, default)]
    pub(crate) scopes: List<Text<'a>>,
    #[serde(borrow)]
    pub(crate) merchant_id: Option<Text<'a>>,
}

/// Answer of ObtainToken (square.md section 1.3).
#[derive(Deserialize)]
pub(crate) struct TokenAnswer<'a> {
    #[serde(borrow)]
    pub(crate) access_token: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) token_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) expires_at: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) merchant_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) refresh_token: Option<Text<'a>>,
}

/// Answer of RevokeToken.
#[derive(Deserialize)]
pub(crate) struct RevokeAnswer {
    pub(crate) success: Option<bool>,
}

/// Answer of ListLocations: all of them, no pages.
#[derive(Deserialize)]
pub(crate) struct LocationsAnswer<'a> {
    #[serde(borrow, default)]
    pub(crate) locations: List<Place<'a>>,
}

/// A location.
#[derive(Deserialize)]
pub(crate) struct Place<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) currency: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) timezone: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) language_code: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) merchant_id: Option<Text<'a>>,
    pub(crate) status: Option<PlaceStatus>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum PlaceStatus {
    Active,
    Inactive,
    #[serde(other)]
    Unknown,
}
