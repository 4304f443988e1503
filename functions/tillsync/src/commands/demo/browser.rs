//! The merchant's browser, as far as signing in needs one: it goes where it is sent, and shows the cookie it was given
//! to whoever gave it.

use std::time::Duration;

use reqwest::header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use reqwest::{Client, redirect};
use tillsync_mapping::model::Secret;
use url::{Origin, Url};

use super::platforms::failed;
use crate::answer::Trouble;

/// Redirects from a link to a page; four are needed.
const MOST: usize = 10;
/// One page.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where it came to in the end.
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) url: Url,
    /// Whom it asked on the way, in order.
    pub(super) asked: Vec<Origin>,
}

/// Opens a link of this machine and follows redirects to a page. Nothing else is ever opened.
pub(super) async fn open(link: &Secret) -> Result<Page, Trouble> {
    let client = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(|error| failed(&format!("no browser: {error}")))?;
    let mut url = Url::parse(link.expose()).map_err(|_| failed("the link is no address"))?;
    let mut cookie: Option<(Origin, HeaderValue)> = None;
    let mut asked = Vec::new();
    for _ in 0..MOST {
        if url.scheme() != "http" || url.host_str() != Some("127.0.0.1") {
            return Err(failed("the browser was sent away from this machine"));
        }
        let mut request = client.get(url.clone());
        if let Some((_, value)) = cookie.as_ref().filter(|(giver, _)| *giver == url.origin()) {
            request = request.header(COOKIE, value.clone());
        }
        // What went wrong may hold the address, and that a code.
        let answer = request.send().await.map_err(|error| failed(&error.without_url().to_string()))?;
        asked.push(url.origin());
        let header = |name| answer.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let given = header(SET_COOKIE).and_then(|text| text.split(';').next());
        if let Some(value) = given.and_then(|pair| HeaderValue::from_str(pair.trim()).ok()) {
            cookie = Some((url.origin(), value));
        }
        match header(LOCATION) {
            Some(place) if answer.status().is_redirection() => {
                url = url.join(place).map_err(|_| failed("the browser was sent to no address"))?;
            }
            _ => return Ok(Page { status: answer.status().as_u16(), url, asked }),
        }
    }
    Err(failed("the browser was sent on and on"))
}
