//! Which hosts may be called.

use tillsync_mapping::http::HttpError;
use url::{Host, Url};

/// What the hosts of ActiveCampaign accounts end with (activecampaign.md section 1.1).
pub const ACTIVECAMPAIGN_SUFFIXES: [&str; 2] = [".api-us1.com", ".activehosted.com"];

/// Which hosts may be called. Names only: an address in figures never may, but for the loopback one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Whole names, as `api.example.com`: of the platforms, and what the operator adds.
    pub hosts: Vec<String>,
    /// Ends of names, as `.api-us1.com`: at least one label must stand before them.
    pub suffixes: Vec<String>,
    /// Whether this machine may be called on its loopback address, by http and on any port. For tests and the
    /// demo.
    pub loopback: bool,
}

/// A host or suffix of the allow-list that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no host name that can be allowed")]
pub struct InvalidHost(pub String);

impl Allow {
    /// The list in lower case, every entry a name of at least two labels.
    pub(crate) fn checked(self) -> Result<Self, InvalidHost> {
        let name = |text: &str| -> Result<String, InvalidHost> {
            let lower = text.to_ascii_lowercase();
            if is_name(&lower) { Ok(lower) } else { Err(InvalidHost(text.to_owned())) }
        };
        let suffix = |text: &String| -> Result<String, InvalidHost> {
            let rest = text.strip_prefix('.').ok_or_else(|| InvalidHost(text.clone()))?;
            Ok(format!(".{}", name(rest)?))
        };
        Ok(Self {
            hosts: self.hosts.iter().map(|host| name(host)).collect::<Result<_, _>>()?,
            suffixes: self.suffixes.iter().map(suffix).collect::<Result<_, _>>()?,
            loopback: self.loopback,
        })
    }

    /// The address, if its host may be called.
    pub(crate) fn parse(&self, text: &str) -> Result<Url, HttpError> {
        let Ok(url) = Url::parse(text) else {
            return Err(HttpError::Forbidden("of an address that cannot be read".to_owned()));
        };
        if is_as_written(text, &url) && (self.names(&url) || (self.loopback && is_loopback(&url))) {
            Ok(url)
        } else {
            Err(HttpError::Forbidden(url.host_str().unwrap_or("that is missing").to_owned()))
        }
    }

    /// https, the usual port, a name of the list.
    fn names(&self, url: &Url) -> bool {
        let Some(Host::Domain(name)) = url.host() else {
            return false;
        };
        let ends = |suffix: &String| name.strip_suffix(suffix.as_str()).is_some_and(is_labels);
        let known = self.hosts.iter().any(|host| host == name) || self.suffixes.iter().any(ends);
        url.scheme() == "https" && url.port().is_none() && known
    }
}

/// True when the parser mended nothing: no user, no other spelling of the host (figures, escapes, wide
/// letters), no blanks or line breaks left out, no backslash taken for a slash. Whoever reads the text and
/// whoever connects then mean the same host.
fn is_as_written(text: &str, url: &Url) -> bool {
    if text.chars().any(|c| c == '\\' || c.is_whitespace() || c.is_control()) {
        return false;
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let written = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    scheme.eq_ignore_ascii_case(url.scheme())
        && !host.is_empty()
        && (written.eq_ignore_ascii_case(host)
            || with_port.is_some_and(|whole| written.eq_ignore_ascii_case(&whole)))
}

fn is_loopback(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    here && matches!(url.scheme(), "http" | "https")
}

/// Two labels or more, the last of them no figure.
fn is_name(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    text.contains('.') && is_labels(text) && !last.bytes().all(|b| b.is_ascii_digit())
}

fn is_labels(text: &str) -> bool {
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.len() <= 253 && text.split('.').all(label)
}
