//! An address parsed once.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest address that can be delivered to (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const MAX_LENGTH: usize = 254;
/// The longest part before the `@` (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_LENGTH: usize = 64;

/// A plausible e-mail address. Compared without regard to case; printed only on purpose.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Email(String);

/// The text is no e-mail address. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct InvalidEmail;

impl Email {
    /// Parses an address: surrounding blanks are dropped, the rest must be one local part, one `@`, a domain
    /// with a dot, and nothing that could break out of a field.
    ///
    /// # Errors
    /// [`InvalidEmail`], which holds nothing of the text.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(InvalidEmail)?;
        let fits = text.len() <= MAX_LENGTH && !local.is_empty() && local.len() <= MAX_LOCAL_LENGTH;
        if fits && local_is_plain(local) && domain_is_plain(domain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEmail)
        }
    }

    /// The address as it was given. For the wire only, never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The form by which two addresses are the same person.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.0.to_lowercase()
    }
}

fn local_is_plain(local: &str) -> bool {
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let breaks_out = |c: char| {
        c.is_control() || c.is_whitespace() || is_unseen(c) || "\"(),:;<>[\\]@\u{ff20}\u{fe6b}".contains(c)
    };
    dots && !local.chars().any(breaks_out)
}

/// Characters that show nothing or turn the direction of what follows: two addresses that look the same would
/// be two people (the format characters of Unicode that are in use).
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn domain_is_plain(domain: &str) -> bool {
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|c| c == '-' || c.is_alphanumeric())
    };
    // The last label is a name: figures there make an IP address, not a domain.
    let named = domain.rsplit('.').next().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()));
    domain.contains('.') && named && domain.split('.').all(label)
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for Email {}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email([redacted])")
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
