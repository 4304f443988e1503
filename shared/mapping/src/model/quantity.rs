//! Decimal quantities, exact.

/// How many were sold: a non-negative decimal, as `3` or `0.350`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// The whole part.
    whole: u64,
    /// The digits behind the point, without trailing zeros.
    fraction: String,
}

/// The text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal quantity")]
pub struct InvalidQuantity;

impl Quantity {
    /// Parses digits with at most one point.
    ///
    /// # Errors
    /// [`InvalidQuantity`] for signs, exponents, blanks and more than 12 digits on a side.
    pub fn parse(text: &str) -> Result<Self, InvalidQuantity> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.len() <= 12 && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return Err(InvalidQuantity);
        }
        let whole = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| InvalidQuantity)? };
        Ok(Self { whole, fraction: fraction.trim_end_matches('0').to_owned() })
    }

    /// The value when it is whole: `2.000` is 2, `0.350` is none.
    #[must_use]
    pub fn whole(&self) -> Option<u64> {
        self.fraction.is_empty().then_some(self.whole)
    }

    /// True when nothing was sold.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.whole == 0 && self.fraction.is_empty()
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.whole)?;
        if self.fraction.is_empty() { Ok(()) } else { write!(f, ".{}", self.fraction) }
    }
}
