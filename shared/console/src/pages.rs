//! Small pages that need nothing but themselves: no script, no image, no third party.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use tillsync_engine::sign_in::{Refusal, Signed};
use tillsync_engine::{Fault, Kind, explained};

use crate::sign_in::Front;
use crate::texts::{Texts, filled};

/// Readable in the light and in the dark; links are underlined, so that colour alone says nothing.
const STYLE: &str = ":root{color-scheme:light dark}body{margin:0;font:1.05rem/1.6 system-ui,sans-serif;background:#fff;color:#1b1f24}\
main{max-width:38rem;margin:3rem auto;padding:0 1.25rem;overflow-wrap:anywhere}h1{font-size:1.6rem;line-height:1.25}\
code{font-family:ui-monospace,monospace;font-size:.95em;background:#eef0f3;padding:.1em .35em;border-radius:.25em}\
a{color:#0b4fa8;display:inline-block;min-height:1.6rem}\
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e8eaed}code{background:#2a2f36}a{color:#8ab8ff}}";

/// The style is allowed by its digest, and nothing else is.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = BASE64.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// What goes with every answer about signing in: its addresses carry codes, so nothing is kept, told on or framed.
pub(crate) fn guarded(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Text as HTML shows it, in an element or an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A text of somebody else must not turn the direction of ours.
            letter if letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter) => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// A page made of paragraphs.
struct Page<'a> {
    texts: &'a Texts,
    title: &'a str,
    body: String,
}

impl<'a> Page<'a> {
    fn new(texts: &'a Texts, title: &'a str) -> Self {
        Self { texts, title, body: String::new() }
    }

    fn say(mut self, text: &str) -> Self {
        // Writing to a text does not fail.
        let _ = writeln!(self.body, "<p>{}</p>", escaped(text));
        self
    }

    /// A text, with something to copy after it.
    fn show(mut self, text: &str, code: &str) -> Self {
        let _ = writeln!(self.body, "<p>{} <code>{}</code></p>", escaped(text), escaped(code));
        self
    }

    /// A way on. Only paths of ours.
    fn link(mut self, text: &str, path: &str) -> Self {
        let _ = writeln!(self.body, "<p><a href=\"{}\">{}</a></p>", escaped(path), escaped(text));
        self
    }

    fn answer(self, status: StatusCode) -> Response<Body> {
        let Self { texts, title, body } = self;
        let title = escaped(title);
        let html = format!(
            "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
             <style>{STYLE}</style></head>\n<body><main><h1>{title}</h1>\n{body}</main></body></html>\n",
            texts.language,
        );
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    }
}

/// What a fault is among the answers of the web.
fn status(fault: &Fault) -> StatusCode {
    match fault.code {
        "sign_in.session_missing" | "sign_in.other_session" | "sign_in.refused" | "sign_in.cross_site" => {
            StatusCode::FORBIDDEN
        }
        "sign_in.link_unknown" | "source.unknown" | "draft.unknown" | "connection.unknown" => {
            StatusCode::NOT_FOUND
        }
        "sign_in.host_refused" => StatusCode::MISDIRECTED_REQUEST,
        "sign_in.method" => StatusCode::METHOD_NOT_ALLOWED,
        "sign_in.too_long" => StatusCode::URI_TOO_LONG,
        "config.missing" => StatusCode::SERVICE_UNAVAILABLE,
        _ if fault.kind == Kind::Retry => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What happened, its code, and what to do.
pub(crate) fn refused(texts: &Texts, refusal: &Refusal) -> Response<Body> {
    let Refusal { fault, again } = refusal;
    let known = explained(fault.code);
    let (meaning, action) = known.map_or((fault.detail.as_str(), ""), |text| (text.meaning, text.action));
    let mut page = Page::new(texts, texts.refused_title).say(meaning);
    if fault.detail != meaning && !fault.detail.is_empty() {
        page = page.say(&capital(&fault.detail));
    }
    if !action.is_empty() {
        page = page.say(&format!("{} {action}", texts.next));
    }
    if let Some(path) = again {
        page = page.link(texts.again, path);
    }
    page.show(texts.code, fault.code).answer(status(fault))
}

/// A detail as a sentence.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// The store is authorised. Behind a gateway nobody has a command line: there an event goes on.
pub(crate) fn signed(texts: &Texts, front: Front, signed: &Signed) -> Response<Body> {
    let lead = filled(texts.signed_store, signed.title);
    let page = Page::new(texts, texts.signed_title).show(&lead, &signed.store);
    let page = match (&signed.draft, &signed.connection) {
        (Some(draft), _) if front == Front::Gateway => {
            page.show(texts.signed_event, &format!(r#"{{"action": "connect_oauth", "draft": "{draft}"}}"#))
        }
        (Some(draft), _) => page.show(texts.signed_draft, &format!("tillsync connect --resume {draft}")),
        (None, Some(_)) => page.say(texts.signed_connection),
        (None, None) => page,
    };
    page.say(texts.close).answer(StatusCode::OK)
}

/// Where to sign in: the title and the path of each source, or the settings that are missing.
pub(crate) fn home(texts: &Texts, sources: &[(String, String)], missing: &str) -> Response<Body> {
    let page = Page::new(texts, texts.home_title);
    if sources.is_empty() {
        return page.show(texts.home_none, missing).answer(StatusCode::OK);
    }
    let mut page = page.say(texts.home_lead);
    for (title, path) in sources {
        page = page.link(&filled(texts.home_connect, title), path);
    }
    page.answer(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn whatever_is_shown_stays_text() {
        let cases = [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("\" onload=\"x", "&quot; onload=&quot;x"),
            ("' onload='x", "&#39; onload=&#39;x"),
            ("&lt;", "&amp;lt;"),
            ("a\u{0}b\u{202e}c\nd", "a b c d"),
        ];
        for (text, shown) in cases {
            assert_eq!(escaped(text), shown);
        }
    }
}
