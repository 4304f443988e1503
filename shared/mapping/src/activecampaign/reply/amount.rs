//! Amounts as text, compared without a binary float.

use crate::model::Currency;

/// Digits an amount may have with its exponent written out; more is nothing either side says.
const MAX_DIGITS: u64 = 60;

/// True when two decimal texts are the same amount: `24.5`, `24.50` and `2.45E+1` are. The other side says
/// amounts with or without trailing zeros (activecampaign.md section 1.3).
#[must_use]
pub fn same_amount(left: &str, right: &str) -> bool {
    match (parts(left), parts(right)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// An amount as minor units of a currency; none where the text is none, or says parts of a minor unit.
#[must_use]
pub fn minor_amount(text: &str, currency: Currency) -> Option<i64> {
    let (negative, digits, scale) = parts(text)?;
    if digits.is_empty() {
        return Some(0);
    }
    let places = u32::try_from(scale.checked_add(i64::from(currency.exponent()))?).ok()?;
    let minor = digits.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(places)?)?;
    Some(if negative { -minor } else { minor })
}

/// Sign, digits without zeros at either end, and the power of ten of the last digit.
fn parts(text: &str) -> Option<(bool, String, i64)> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let digits = format!("{whole}{fraction}");
    if digits.is_empty()
        || !digits.bytes().all(|b| b.is_ascii_digit())
        || exponent.unsigned_abs() > MAX_DIGITS
    {
        return None;
    }
    let scale = exponent - i64::try_from(fraction.len()).ok()?;
    let kept = digits.trim_end_matches('0');
    if kept.is_empty() {
        return Some((false, String::new(), 0));
    }
    let dropped = i64::try_from(digits.len() - kept.len()).ok()?;
    Some((negative, kept.trim_start_matches('0').to_owned(), scale + dropped))
}
