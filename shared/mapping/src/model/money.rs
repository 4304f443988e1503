//! Money in whole minor units, with the exponent of ISO 4217.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// A currency of ISO 4217, by its three letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(iso_currency::Currency);

/// Why an amount cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The three letters are no currency of ISO 4217.
    #[error("{0:?} is not an ISO 4217 currency")]
    UnknownCurrency(String),
    /// Two amounts of different currencies met.
    #[error("amounts in {0} and {1} cannot be combined")]
    Mixed(Currency, Currency),
    /// The result does not fit 64 bits.
    #[error("the amount is too large")]
    Overflow,
}

impl Currency {
    /// Parses three letters, as `EUR`.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] when ISO 4217 does not list them.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(code)
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency(code.chars().take(8).collect()))
    }

    /// The three letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many digits follow the decimal point: 2 for EUR, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

/// An amount in the smallest unit of its currency (cents of EUR, yen of JPY).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Whole minor units.
    pub minor: i64,
    /// The currency they are of.
    pub currency: Currency,
}

impl Money {
    /// An amount of `minor` units.
    #[must_use]
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Adds an amount of the same currency.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] or [`MoneyError::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// Takes away an amount of the same currency.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] or [`MoneyError::Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The amount in currency units with every digit of the exponent, as `24.50`, `1000` for JPY.
    #[must_use]
    pub fn decimal(self) -> String {
        let exponent = self.currency.exponent() as usize;
        let digits = format!("{:0width$}", self.minor.unsigned_abs(), width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        let point = if exponent == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }

    /// Serializes as a JSON number in currency units, digit by digit: no binary float is on the way.
    ///
    /// # Errors
    /// Only those of the serializer.
    pub fn as_number<S: Serializer>(money: &Self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(money.decimal()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::Mixed(self.currency, other.currency))
        }
    }
}
