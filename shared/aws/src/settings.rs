//! What a function's environment must say, besides what both hosts have.

use tillsync_engine::Fault;

/// A variable of the environment that must be there.
///
/// # Errors
/// `config.missing` names it.
pub(crate) fn required(name: &str) -> Result<String, Fault> {
    optional(name).ok_or_else(|| {
        Fault::usage(
            "config.missing",
            format!("{name}: the function's environment does not have it; the template sets it"),
        )
    })
}

/// A variable of the environment; one without letters is none.
#[must_use]
pub(crate) fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
