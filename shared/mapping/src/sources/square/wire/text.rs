//! Text, lists and amounts, shared by every answer.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::model::{Currency, Money, MoneyError};

/// Text that borrows from the answer unless it holds escapes. (`Option<Cow<str>>` would always copy.)
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Take<'a> {
            type Value = Text<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }
        deserializer.deserialize_str(Take(PhantomData))
    }
}

/// The text without surrounding blanks, where anything is left.
pub(crate) fn filled<'t>(text: &'t Option<Text<'_>>) -> Option<&'t str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// A list; absent and null are empty (square.md section 8.5).
pub(crate) struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Vec<T>>::deserialize(deserializer).map(|list| Self(list.unwrap_or_default()))
    }
}

impl<T> List<T> {
    /// The list as it is.
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0
    }
}

/// An amount in minor units (square.md section 8.5).
#[derive(Deserialize)]
pub(crate) struct Amount<'a> {
    /// Minor units; absent means nothing.
    amount: Option<i64>,
    #[serde(borrow)]
    currency: Option<Text<'a>>,
}

impl Amount<'_> {
    /// Minor units alone, for comparing with zero.
    pub(crate) fn minor(&self) -> i64 {
        self.amount.unwrap_or(0)
    }

    /// The amount with its currency.
    pub(crate) fn money(&self) -> Result<Money, MoneyError> {
        let currency = Currency::parse(self.currency.as_deref().unwrap_or(""))?;
        Ok(Money::new(self.minor(), currency))
    }
}
