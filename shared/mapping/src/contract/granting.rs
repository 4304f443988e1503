//! Signing in: what a platform is asked, and which of its answers are believed.

use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::Value;

use super::parts::{changed, oddities, places};
use super::wire::run;
use super::{Platform, Promise};
use crate::http::{Effect, Http, HttpError, Request, Response};
use crate::model::Secret;
use crate::source::{Application, Grant, Next, SignIn, SourceError, is_reference};

pub(crate) const SIGN_IN: &[Promise] = &[
    ("whoever can be signed in at has a sample of a grant", sampled),
    ("the consent page gets what it needs, each once, and no secret", address),
    ("a code and a refresh token are asked with once, out of sight", asked_once),
    ("a refusal of a code ends it, one of a refresh token needs somebody", refusals),
    ("what is away for now is asked again later", away),
    ("a grant of any form is whole, or is not believed", hostile),
];

/// What a platform answers about authorisations.
pub(crate) trait Granting {
    /// A grant, as it answers one.
    fn grant(&self) -> Value;

    /// Status and body of refusing what it was asked with.
    fn refusals(&self) -> Vec<(u16, &'static str)>;
}

const BACK: &str = "https://till.example/oauth/source/callback";
const SECRETS: [&str; 3] = ["canary-secret", "canary-code", "canary-refresh"];

struct Says {
    answer: Result<(u16, Vec<u8>), HttpError>,
    asked: Mutex<Vec<Request>>,
}

#[async_trait]
impl Http for Says {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.asked.lock().unwrap().push(request);
        let (status, body) = self.answer.clone()?;
        Ok(Response { status, retry_after: None, date: None, body })
    }
}

fn says(status: u16, body: &[u8]) -> Says {
    Says { answer: Ok((status, body.to_vec())), asked: Mutex::default() }
}

fn of(platform: &dyn Platform) -> Option<(&dyn Granting, &dyn SignIn)> {
    let (granting, sign_in) = (platform.granting(), platform.source().sign_in());
    assert_eq!(granting.is_some(), sign_in.is_some(), "it can be signed in at: say what it answers");
    granting.zip(sign_in)
}

fn application() -> Application {
    Application { id: "app-1".to_owned(), secret: Secret::new(SECRETS[0]) }
}

/// What came of asking for a grant by a code, and by a refresh token.
fn both(platform: &dyn Platform, sign_in: &dyn SignIn, http: &Says) -> [Result<Grant, SourceError>; 2] {
    let base = platform.access().api_url;
    let (code, refresh) = (Secret::new(SECRETS[1]), Secret::new(SECRETS[2]));
    [
        run(sign_in.exchange(http, &base, &application(), &code, BACK)),
        run(sign_in.refresh(http, &base, &application(), &refresh)),
    ]
}

fn sampled(platform: &dyn Platform) {
    let Some((granting, sign_in)) = of(platform) else { return };
    for grant in both(platform, sign_in, &says(200, granting.grant().to_string().as_bytes())) {
        let grant = grant.unwrap_or_else(|error| panic!("{error}"));
        assert!(!grant.access.is_empty() && is_reference(&grant.store));
    }
}

fn address(platform: &dyn Platform) {
    let Some((_, sign_in)) = of(platform) else { return };
    for state in ["plain", "a&b=c", "#x", "100%", "two words", "\"<>", "ä"] {
        for back in [BACK, "https://till.example/oauth/source/callback?x=1&state=other#y"] {
            let text = sign_in.authorize_url(&platform.access().api_url, &application(), state, back);
            let url = url::Url::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let values = |wanted: &str| {
                url.query_pairs()
                    .filter(|(_, value)| value == wanted)
                    .map(|(name, _)| name.into_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(values(state), ["state"], "{text}");
            assert_eq!((values(back).len(), values("app-1").len()), (1, 1), "{text}");
            assert!(url.fragment().is_none() && !text.contains("canary"), "{text}");
        }
    }
}

fn asked_once(platform: &dyn Platform) {
    let Some((granting, sign_in)) = of(platform) else { return };
    let http = says(200, granting.grant().to_string().as_bytes());
    assert!(both(platform, sign_in, &http).iter().all(Result::is_ok));
    let asked = http.asked.lock().unwrap();
    assert_eq!(asked.len(), 2, "once each");
    for (request, used) in asked.iter().zip(&SECRETS[1..]) {
        assert_eq!(request.effect, Effect::Write, "it is not repeated blindly");
        assert!(request.url.starts_with(&platform.access().api_url) && !request.url.contains("canary"));
        assert!(String::from_utf8_lossy(&request.body).contains(used));
        assert!(request.headers.iter().all(|(_, value)| !value.contains("canary")));
    }
}

/// No error repeats what was asked with or answered.
fn discreet(error: &SourceError) {
    assert!(!error.detail.contains("canary") && !error.detail.contains("Mallory"), "{error}");
}

fn refusals(platform: &dyn Platform) {
    let Some((granting, sign_in)) = of(platform) else { return };
    let all = granting.refusals();
    assert!(!all.is_empty());
    for (status, body) in all {
        let [code, refresh] = both(platform, sign_in, &says(status, body.as_bytes())).map(Result::unwrap_err);
        assert_eq!((code.next, refresh.next), (Next::Reject, Next::Reconnect), "{status} {body}");
        [code, refresh].iter().for_each(discreet);
    }
}

fn away(platform: &dyn Platform) {
    let Some((_, sign_in)) = of(platform) else { return };
    let lost = Says { answer: Err(HttpError::Unknown), asked: Mutex::default() };
    let texts = ["", "{}", "<html>", "null"];
    let broken =
        [429, 500, 502, 503].into_iter().flat_map(|status| texts.map(|text| says(status, text.as_bytes())));
    for http in broken.chain([lost]).chain(texts.map(|text| says(200, text.as_bytes()))) {
        for error in both(platform, sign_in, &http).map(Result::unwrap_err) {
            assert_eq!(error.next, Next::Retry, "{error}");
            discreet(&error);
        }
    }
}

fn hostile(platform: &dyn Platform) {
    let Some((granting, sign_in)) = of(platform) else { return };
    let whole = granting.grant();
    let plain =
        |token: &Secret| !token.is_empty() && token.expose().bytes().all(|byte| byte.is_ascii_graphic());
    for place in places(&whole) {
        for odd in oddities() {
            let other = changed(&whole, &place, odd.as_ref()).to_string();
            for answer in both(platform, sign_in, &says(200, other.as_bytes())) {
                match answer {
                    Ok(grant) => {
                        assert!(plain(&grant.access) && grant.refresh.as_ref().is_none_or(plain), "{other}");
                        assert!(is_reference(&grant.store), "{other}");
                    }
                    Err(error) => discreet(&error),
                }
            }
        }
    }
}
