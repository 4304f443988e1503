//! Square's units of measure in short (enumerations `MeasurementUnit*` of Square's OpenAPI description).

use super::wire::{Unit, filled};

/// The unit in short, as `kg`; none for plain pieces and for words not known here.
pub(crate) fn short<'u>(unit: &'u Unit<'_>) -> Option<&'u str> {
    if let Some(custom) = &unit.custom_unit {
        return filled(&custom.abbreviation).or_else(|| filled(&custom.name));
    }
    let named = [&unit.weight_unit, &unit.volume_unit, &unit.length_unit, &unit.area_unit, &unit.time_unit];
    named.into_iter().find_map(filled).and_then(abbreviation)
}

fn abbreviation(word: &str) -> Option<&'static str> {
    Some(match word {
        "METRIC_MILLIGRAM" => "mg",
        "METRIC_GRAM" => "g",
        "METRIC_KILOGRAM" => "kg",
        "IMPERIAL_WEIGHT_OUNCE" => "oz",
        "IMPERIAL_POUND" => "lb",
        "IMPERIAL_STONE" => "st",
        "METRIC_MILLILITER" => "ml",
        "METRIC_LITER" => "l",
        "GENERIC_FLUID_OUNCE" => "fl oz",
        "GENERIC_SHOT" => "shot",
        "GENERIC_CUP" => "cup",
        "GENERIC_PINT" => "pt",
        "GENERIC_QUART" => "qt",
        "GENERIC_GALLON" => "gal",
        "IMPERIAL_CUBIC_INCH" => "in³",
        "IMPERIAL_CUBIC_FOOT" => "ft³",
        "IMPERIAL_CUBIC_YARD" => "yd³",
        "METRIC_MILLIMETER" => "mm",
        "METRIC_CENTIMETER" => "cm",
        "METRIC_METER" => "m",
        "METRIC_KILOMETER" => "km",
        "IMPERIAL_INCH" => "in",
        "IMPERIAL_FOOT" => "ft",
        "IMPERIAL_YARD" => "yd",
        "IMPERIAL_MILE" => "mi",
        "METRIC_SQUARE_CENTIMETER" => "cm²",
        "METRIC_SQUARE_METER" => "m²",
        "METRIC_SQUARE_KILOMETER" => "km²",
        "IMPERIAL_ACRE" => "ac",
        "IMPERIAL_SQUARE_INCH" => "in²",
        "IMPERIAL_SQUARE_FOOT" => "ft²",
        "IMPERIAL_SQUARE_YARD" => "yd²",
        "IMPERIAL_SQUARE_MILE" => "mi²",
        "GENERIC_MILLISECOND" => "ms",
        "GENERIC_SECOND" => "s",
        "GENERIC_MINUTE" => "min",
        "GENERIC_HOUR" => "h",
        "GENERIC_DAY" => "d",
        _ => return None,
    })
}
