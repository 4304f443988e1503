//! Settings, the same names in both hosts, read once; an error names the variable and its form.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;
use tillsync_engine::Fault;
use tillsync_engine::budget::DESTINATION_CALLS_PER_SECOND;
use tillsync_engine::intake::Hooks;
use tillsync_http::Allow;
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::Application;
use tillsync_mapping::sources;
use url::Url;

use crate::seal::DataKey;

/// The most calls a second the destination allows the whole account.
const MAX_CALLS_PER_SECOND: u32 = 5;
/// Minutes from one poll to the next (requirements R2.2).
const DEFAULT_POLL_MINUTES: i64 = 30;
/// Seconds a write queued at the destination may take to appear (rules.md section 4).
const DEFAULT_QUEUE_SECONDS: i64 = 900;

/// What the environment says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Opens 127.0.0.1, for tests and the demo.
    pub loopback: bool,
    /// Calls in a second to a destination.
    pub calls_per_second: u32,
    /// Where the platforms are, by source.
    pub api_urls: BTreeMap<String, String>,
    /// The operator's applications, by source.
    pub applications: BTreeMap<String, Application>,
    /// What secrets are sealed with, newest first; none: as the host keeps it.
    pub data_key: Option<Secret>,
    /// Hosts of destinations besides the usual ones.
    pub destination_hosts: Vec<String>,
    /// The address connections are managed at.
    pub public_url: String,
    /// Whether the operator said so; else it is where the program listens.
    pub public_url_given: bool,
    /// From one poll of a connection to the next.
    pub poll_every: SignedDuration,
    /// How long a write queued at the destination may take to appear, before it is written again.
    pub queued_for: SignedDuration,
    /// The address alerts are sent to; whoever knows it may send there, so it is kept as a secret.
    pub alert_url: Option<Secret>,
    /// The program alerts are given to.
    pub alert_command: Option<PathBuf>,
    /// What is given for webhooks, by source.
    pub hooks: Hooks,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn from_env() -> Result<Self, Fault> {
        Self::read(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
    }

    /// Reads settings from wherever `get` looks.
    ///
    /// # Errors
    /// `config.invalid` names the variable and its form.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Fault> {
        let loopback = flag(&get, "TILLSYNC_ALLOW_LOOPBACK")?;
        let mut api_urls = BTreeMap::new();
        for source in sources::all() {
            let name = format!("TILLSYNC_{}_API_URL", source.name().to_uppercase());
            if let Some(text) = get(&name) {
                api_urls.insert(source.name().to_owned(), address(&name, &text, loopback)?);
            }
        }
        let applications = Self::applications(|name| get(name).map(|text| Secret::new(&text)))?;
        let public_url_given = get("TILLSYNC_PUBLIC_URL").is_some();
        let data_key = get("TILLSYNC_DATA_KEY").map(|text| Secret::new(&text));
        if let Some(Err(error)) = data_key.as_ref().map(DataKey::parse) {
            return Err(Fault::usage("config.invalid", format!("TILLSYNC_DATA_KEY: {error}")));
        }
        let public_url = match get("TILLSYNC_PUBLIC_URL") {
            Some(text) => public_address(&text)?,
            None => "http://127.0.0.1:8787".into(),
        };
        let hosts = get("TILLSYNC_DESTINATION_HOSTS").unwrap_or_default();
        let destination_hosts =
            hosts.split(',').map(|host| host.trim().to_lowercase()).filter(|host| !host.is_empty()).collect();
        let calls_per_second = number(
            &get,
            "TILLSYNC_CALLS_PER_SECOND",
            (1, MAX_CALLS_PER_SECOND),
            DESTINATION_CALLS_PER_SECOND,
        )?;
        let minutes = number(&get, "TILLSYNC_POLL_MINUTES", (5, 1_440), DEFAULT_POLL_MINUTES)?;
        let poll_every = SignedDuration::from_mins(minutes);
        let seconds = number(&get, "TILLSYNC_QUEUE_SECONDS", (60, 86_400), DEFAULT_QUEUE_SECONDS)?;
        let queued_for = SignedDuration::from_secs(seconds);
        let alert_url = get("TILLSYNC_ALERT_URL").map(|text| alert_url(&text, loopback)).transpose()?;
        let alert_command = get("TILLSYNC_ALERT_COMMAND").map(|text| alert_command(&text)).transpose()?;
        Ok(Self {
            loopback,
            calls_per_second,
            api_urls,
            applications,
            data_key,
            destination_hosts,
            public_url,
            public_url_given,
            poll_every,
            queued_for,
            alert_url,
            alert_command,
            hooks: hooks(|name| get(name).map(|text| Secret::new(&text))),
        })
    }

    /// Reads the operator's applications at the platforms from wherever `get` looks: the environment, or a stack's
    /// secret, which holds the same names.
    ///
    /// # Errors
    /// `config.missing` where one of the two is there without the other; `config.invalid` for what cannot be sent.
    pub fn applications(
        get: impl Fn(&str) -> Option<Secret>,
    ) -> Result<BTreeMap<String, Application>, Fault> {
        let mut applications = BTreeMap::new();
        for source in sources::all().iter().filter(|source| source.sign_in().is_some()) {
            let id = format!("TILLSYNC_{}_APPLICATION_ID", source.name().to_uppercase());
            let secret = format!("TILLSYNC_{}_APPLICATION_SECRET", source.name().to_uppercase());
            let missing = |name: &str, other: &str| {
                let detail = format!("{name}: {other} is set, and is of no use without it");
                Fault::usage("config.missing", detail)
            };
            let (found_id, found_secret) = match (get(&id), get(&secret)) {
                (None, None) => continue,
                (Some(found_id), Some(found_secret)) => (found_id, found_secret),
                (None, Some(_)) => return Err(missing(&id, &secret)),
                (Some(_), None) => return Err(missing(&secret, &id)),
            };
            for (name, text) in [(&id, &found_id), (&secret, &found_secret)] {
                if !text.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
                    let detail = format!("{name}: give it alone, as one word of plain characters");
                    return Err(Fault::usage("config.invalid", detail));
                }
            }
            let application = Application { id: found_id.expose().to_owned(), secret: found_secret };
            applications.insert(source.name().to_owned(), application);
        }
        Ok(applications)
    }

    /// Settings for stand-ins on this machine.
    #[must_use]
    pub fn local() -> Self {
        Self {
            loopback: true,
            calls_per_second: DESTINATION_CALLS_PER_SECOND,
            api_urls: BTreeMap::new(),
            applications: BTreeMap::new(),
            data_key: None,
            destination_hosts: Vec::new(),
            public_url: "http://127.0.0.1:8787".into(),
            public_url_given: false,
            poll_every: SignedDuration::from_mins(DEFAULT_POLL_MINUTES),
            queued_for: SignedDuration::from_secs(DEFAULT_QUEUE_SECONDS),
            alert_url: None,
            alert_command: None,
            hooks: Hooks::default(),
        }
    }

    /// The hosts that may be called.
    #[must_use]
    pub fn allow(&self) -> Allow {
        let of = |url: &str| Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let mut hosts: Vec<String> =
            sources::all().iter().filter_map(|source| of(source.default_api_url())).collect();
        hosts.extend(self.api_urls.values().filter_map(|url| of(url)).filter(|host| host != "127.0.0.1"));
        hosts.extend(self.destination_hosts.clone());
        let suffixes = vec![".api-us1.com".into(), ".activehosted.com".into()];
        Allow { hosts, suffixes, loopback: self.loopback }
    }

    /// The one host alerts are sent to, which may be called for nothing else; this machine where that is open.
    #[must_use]
    pub fn alert_allow(&self) -> Allow {
        let url = self.alert_url.as_ref().and_then(|url| Url::parse(url.expose()).ok());
        let host = url.and_then(|url| url.host_str().map(str::to_owned)).filter(|host| host != "127.0.0.1");
        Allow { hosts: host.into_iter().collect(), suffixes: Vec::new(), loopback: self.loopback }
    }
}

/// What is given for webhooks, from wherever `get` looks. Of a signature key there may be several, with commas between,
/// while one takes the place of another.
pub fn hooks(get: impl Fn(&str) -> Option<Secret>) -> Hooks {
    let mut hooks = Hooks::default();
    for source in sources::all().iter().filter(|source| source.webhooks().is_some()) {
        let name = source.name().to_owned();
        if let Some(text) = get(&format!("TILLSYNC_{}_WEBHOOK_KEY", name.to_uppercase())) {
            let keys = text.expose().split(',').map(Secret::new).filter(|key| !key.is_empty());
            hooks.keys.insert(name.clone(), keys.collect());
        }
        if let Some(token) = get(&format!("TILLSYNC_{}_SUBSCRIPTION_TOKEN", name.to_uppercase())) {
            hooks.owners.insert(name, token);
        }
    }
    hooks
}

/// Where alerts are sent: any path and query, since services put their keys there. Never said in a message.
fn alert_url(text: &str, loopback: bool) -> Result<Secret, Fault> {
    let wrong = |why: &str| {
        let form = "give an address as https://example.com/path";
        Fault::usage("config.invalid", format!("TILLSYNC_ALERT_URL: {why}; {form}"))
    };
    let text = text.trim();
    let url = Url::parse(text).map_err(|_| wrong("not an address"))?;
    match (url.scheme(), url.domain(), url.host_str()) {
        ("https", Some(name), _) if name.contains('.') && url.port().is_none() => {}
        ("http", _, Some("127.0.0.1")) if loopback => {}
        ("http", _, Some("127.0.0.1")) => return Err(wrong("needs TILLSYNC_ALLOW_LOOPBACK=true")),
        ("https", ..) => return Err(wrong("needs a host by name, on the usual port")),
        _ => return Err(wrong("only https is called")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("holds more than a host, a path and a query"));
    }
    Ok(Secret::new(text))
}

/// The program alerts are given to: by its whole path, since a service is started anywhere.
fn alert_command(text: &str) -> Result<PathBuf, Fault> {
    let path = PathBuf::from(text.trim());
    if path.is_absolute() {
        return Ok(path);
    }
    let form = "give the whole path of a program, without arguments, as /usr/local/bin/alert";
    Err(Fault::usage("config.invalid", format!("TILLSYNC_ALERT_COMMAND: {form}")))
}

fn flag(get: &impl Fn(&str) -> Option<String>, name: &str) -> Result<bool, Fault> {
    match get(name).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Fault::usage("config.invalid", format!("{name}: give true or false"))),
    }
}

/// A whole number within bounds.
fn number<N>(
    get: &impl Fn(&str) -> Option<String>,
    name: &str,
    (least, most): (N, N),
    default: N,
) -> Result<N, Fault>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let Some(text) = get(name) else { return Ok(default) };
    let number = text.trim().parse().ok().filter(|number| (&least..=&most).contains(&number));
    number.ok_or_else(|| {
        Fault::usage("config.invalid", format!("{name}: give a whole number from {least} to {most}"))
    })
}

/// An https address; http only on the loopback address, and only where that is open.
/// Where browsers reach this installation. Pages, cookies and links begin at the root of a host, so a path would lead
/// nowhere after the first page.
fn public_address(text: &str) -> Result<String, Fault> {
    const NAME: &str = "TILLSYNC_PUBLIC_URL";
    let url = address(NAME, text, true)?;
    if Url::parse(&url).is_ok_and(|url| url.path() != "/") {
        let detail = format!(
            "{NAME}: holds a path; give the host alone, as https://example.com, and have the proxy in front pass all of it on"
        );
        return Err(Fault::usage("config.invalid", detail));
    }
    Ok(url)
}

fn address(name: &str, text: &str, loopback: bool) -> Result<String, Fault> {
    let wrong = |why: &str| {
        let form = "give an address as https://example.com";
        Fault::usage("config.invalid", format!("{name}: {why}; {form}"))
    };
    let url = Url::parse(text.trim()).map_err(|_| wrong("not an address"))?;
    let host = url.host_str().ok_or_else(|| wrong("no host"))?;
    match url.scheme() {
        "https" => {}
        "http" if host == "127.0.0.1" && loopback => {}
        "http" if host == "127.0.0.1" => return Err(wrong("needs TILLSYNC_ALLOW_LOOPBACK=true")),
        _ => return Err(wrong("only https is called")),
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(wrong("holds more than a host and a path"));
    }
    Ok(text.trim().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::Settings;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let get =
            |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::read(get).map_err(|fault| format!("{} {}", fault.code, fault.detail))
    }

    #[test]
    fn malformed_settings_name_the_variable_and_its_form() {
        let cases = [
            ("TILLSYNC_ALLOW_LOOPBACK", "yes", "give true or false"),
            ("TILLSYNC_CALLS_PER_SECOND", "0", "from 1 to 5"),
            ("TILLSYNC_CALLS_PER_SECOND", "6", "from 1 to 5"),
            ("TILLSYNC_CALLS_PER_SECOND", "many", "from 1 to 5"),
            ("TILLSYNC_POLL_MINUTES", "4", "from 5 to 1440"),
            ("TILLSYNC_POLL_MINUTES", "30m", "from 5 to 1440"),
            ("TILLSYNC_QUEUE_SECONDS", "59", "from 60 to 86400"),
            ("TILLSYNC_SQUARE_API_URL", "connect.squareup.com", "https://example.com"),
            ("TILLSYNC_SQUARE_API_URL", "http://connect.squareup.com", "https://example.com"),
            ("TILLSYNC_SQUARE_API_URL", "http://127.0.0.1:9", "TILLSYNC_ALLOW_LOOPBACK=true"),
            ("TILLSYNC_SQUARE_API_URL", "https://a:b@example.com", "https://example.com"),
            ("TILLSYNC_PUBLIC_URL", "ftp://example.com", "https://example.com"),
            ("TILLSYNC_PUBLIC_URL", "https://example.com/base", "the host alone"),
            ("TILLSYNC_ALERT_URL", "alerts.example.com", "https://example.com/path"),
            ("TILLSYNC_ALERT_URL", "http://alerts.example.com/x", "https://example.com/path"),
            ("TILLSYNC_ALERT_URL", "https://10.0.0.7/x", "a host by name"),
            ("TILLSYNC_ALERT_URL", "https://alerts.example.com:8443/x", "the usual port"),
            ("TILLSYNC_ALERT_URL", "https://a:b@alerts.example.com/x", "https://example.com/path"),
            ("TILLSYNC_ALERT_URL", "http://127.0.0.1:9/x", "TILLSYNC_ALLOW_LOOPBACK=true"),
            ("TILLSYNC_SQUARE_APPLICATION_ID", "sq0idp-1", "SECRET"),
            ("TILLSYNC_SQUARE_APPLICATION_SECRET", "sq0csp-1", "APPLICATION_ID"),
            ("TILLSYNC_DATA_KEY", "short", "random letters"),
            ("TILLSYNC_ALERT_COMMAND", "alert", "the whole path"),
            ("TILLSYNC_ALERT_COMMAND", "./alert --now", "the whole path"),
        ];
        for (name, value, form) in cases {
            let error = read(&[(name, value)]).expect_err(value);
            assert!(error.starts_with("config.") && error.contains(name), "{error}");
            assert!(error.contains(form), "{error}");
        }
    }

    #[test]
    fn the_host_of_alerts_is_allowed_for_alerts_alone_and_its_address_is_never_shown() {
        let url = "https://alerts.example.com/hooks/key?sig=key";
        let settings = read(&[("TILLSYNC_ALERT_URL", url)]).expect("settings");
        assert_eq!(settings.alert_allow().hosts, ["alerts.example.com"]);
        assert!(settings.alert_allow().suffixes.is_empty());
        assert!(!settings.allow().hosts.iter().any(|host| host.contains("alerts")));
        let shown = format!("{settings:?}");
        assert!(!shown.contains("hooks/") && !shown.contains("sig="), "{shown}");
        assert_eq!(read(&[]).expect("settings").alert_allow(), tillsync_http::Allow::default());
    }

    #[test]
    fn several_signature_keys_are_taken_and_none_is_shown() {
        let given = [
            ("TILLSYNC_SQUARE_WEBHOOK_KEY", " canary-a, canary-b,"),
            ("TILLSYNC_SQUARE_SUBSCRIPTION_TOKEN", "canary-c"),
        ];
        let settings = read(&given).expect("settings");
        let keys: Vec<_> =
            settings.hooks.keys["square"].iter().map(tillsync_mapping::model::Secret::expose).collect();
        assert_eq!(keys, ["canary-a", "canary-b"]);
        assert_eq!(settings.hooks.owners["square"].expose(), "canary-c");
        assert!(!format!("{settings:?}").contains("canary"));
        assert!(read(&[]).expect("settings").hooks.keys.is_empty());
    }

    #[test]
    fn an_application_is_two_words_and_is_never_shown() {
        let pairs = |secret| {
            [("TILLSYNC_SQUARE_APPLICATION_ID", "sq0idp-1"), ("TILLSYNC_SQUARE_APPLICATION_SECRET", secret)]
        };
        let settings = read(&pairs("sq0csp-canary")).expect("settings");
        assert_eq!(settings.applications["square"].id, "sq0idp-1");
        assert!(!format!("{settings:?}").contains("canary"));
        let error = read(&pairs("two words-canary")).expect_err("two words");
        assert!(error.contains("APPLICATION_SECRET") && !error.contains("canary"), "{error}");
        assert!(read(&[]).expect("settings").applications.is_empty());
    }

    #[test]
    fn loopback_opens_only_on_request() {
        let config =
            read(&[("TILLSYNC_ALLOW_LOOPBACK", "true"), ("TILLSYNC_SQUARE_API_URL", "http://127.0.0.1:9/")])
                .expect("settings");
        assert_eq!(config.api_urls["square"], "http://127.0.0.1:9");
        assert!(config.allow().loopback);
        assert!(!read(&[]).expect("settings").allow().loopback);
    }
}
