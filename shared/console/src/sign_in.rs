//! The routes of signing in. Each changes something, so each answers GET alone: a look ahead (HEAD) must not use up
//! what counts once.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::routing::{MethodRouter, get};
use axum::{Extension, Router};
use tillsync_engine::sign_in::{self, Entered, Intent, Refusal};
use tillsync_engine::{Engine, Fault, connect};
use tillsync_mapping::model::Secret;
use tillsync_mapping::sources;

use crate::pages;
use crate::texts::EN;

/// Who may ask under which name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// A port of this machine: only its own names and the public one, so that no page elsewhere can point a name of
    /// its own at it.
    Port,
    /// A gateway, which lets nothing through under another name.
    Gateway,
}

/// The one-time link and the way to a source and back; where a port is served, a page that begins it too.
pub fn sign_in(engine: Arc<Engine>, front: Front) -> Router {
    let router = Router::new()
        .route("/enter/{token}", only_get(get(enter)))
        .route("/oauth/{source}/start", only_get(get(start)))
        .route("/oauth/{source}/callback", only_get(get(callback).layer(Extension(front))));
    let router = match front {
        Front::Port => {
            router.route("/", only_get(get(home))).layer(from_fn_with_state(Arc::clone(&engine), own_name))
        }
        Front::Gateway => router,
    };
    router.layer(map_response(async |response: Response<Body>| pages::guarded(response))).with_state(engine)
}

type Handler = MethodRouter<Arc<Engine>>;

fn only_get(handler: Handler) -> Handler {
    handler.head(other_method).fallback(other_method)
}

async fn other_method(method: Method) -> Response<Body> {
    let mut response =
        refused(&Fault::usage("sign_in.method", format!("{method} is not answered here")).into());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    response
}

fn refused(refusal: &Refusal) -> Response<Body> {
    tracing::info!(code = refusal.fault.code, "a sign-in was refused");
    pages::refused(&EN, refusal)
}

/// A page elsewhere may point its own name at 127.0.0.1; its requests still carry that name.
async fn own_name(State(engine): State<Arc<Engine>>, request: Request, next: Next) -> Response<Body> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_own(host, &engine.config.public_url) {
        return next.run(request).await;
    }
    let detail = "this installation is not reached by that name";
    refused(&Fault::usage("sign_in.host_refused", detail).into())
}

/// Whether a `Host` is this machine's own or that of the public URL. Ports are no names.
fn is_own(host: &str, public_url: &str) -> bool {
    let name = |host: &str| {
        let bare = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        let bare = bare.map_or(host, |(name, _)| name);
        bare.trim_end_matches('.').to_ascii_lowercase()
    };
    let authority = public_url.split_once("://").map_or(public_url, |(_, rest)| rest);
    let public = name(authority.split('/').next().unwrap_or_default());
    let host = name(host);
    !host.is_empty() && (matches!(host.as_str(), "127.0.0.1" | "localhost" | "[::1]") || host == public)
}

/// What the cookie of a session is called. The prefix has browsers refuse it from anywhere else (RFC 6265bis section
/// 4.1.3.2); without https there is none.
fn cookie(engine: &Engine) -> (&'static str, &'static str) {
    if engine.config.public_url.starts_with("https://") {
        ("__Host-tillsync", "; Secure")
    } else {
        ("tillsync", "")
    }
}

/// The session a browser shows; one that shows two shows none.
fn session(engine: &Engine, headers: &HeaderMap) -> Option<Secret> {
    let (name, _) = cookie(engine);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(Secret::new(value)),
        _ => None,
    }
}

fn go_to(place: &str) -> Response<Body> {
    let Ok(place) = HeaderValue::from_str(place) else {
        return refused(&Fault::reject("data.corrupt", "an address that cannot be sent").into());
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, place);
    response
}

/// The one part of a path that is not ours. What is no text was never given to anybody.
fn part(path: Result<Path<String>, PathRejection>) -> String {
    path.map_or_else(|_| char::REPLACEMENT_CHARACTER.to_string(), |Path(part)| part)
}

async fn enter(
    State(engine): State<Arc<Engine>>,
    token: Result<Path<String>, PathRejection>,
) -> Response<Body> {
    let token = part(token);
    let Entered { session, lasts, next } = match sign_in::enter(&engine, &Secret::new(&token)).await {
        Ok(entered) => entered,
        Err(fault) => return refused(&fault.into()),
    };
    let (name, secure) = cookie(&engine);
    let text = session.expose();
    let cookie =
        format!("{name}={text}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", lasts.as_secs());
    let mut response = go_to(&next);
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A page elsewhere must not begin what only who came by a link may begin; its visitor may, by a click on a page of ours.
/// Browsers that do not tell are let through: the state binds what comes back to the session all the same.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get_all("sec-fetch-site").iter().any(|site| site.as_bytes() == b"cross-site")
}

async fn start(
    State(engine): State<Arc<Engine>>,
    source: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let source = part(source);
    let session = session(&engine, &headers);
    if is_from_elsewhere(&headers) {
        let detail = "a page of another site led here";
        let again = engine.source(&source).ok().map(|known| {
            let query = query.as_deref().map_or_else(String::new, |query| format!("?{query}"));
            format!("/oauth/{}/start{query}", known.name())
        });
        return refused(&Refusal { again, ..Fault::usage("sign_in.cross_site", detail).into() });
    }
    let begun = match Intent::read(query.as_deref().unwrap_or_default()) {
        Ok(intent) => sign_in::begin(&engine, session.as_ref(), &source, intent).await,
        Err(fault) => Err(fault),
    };
    match begun {
        Ok(url) => go_to(&url),
        Err(fault) => refused(&fault.into()),
    }
}

async fn callback(
    State(engine): State<Arc<Engine>>,
    Extension(front): Extension<Front>,
    source: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let source = part(source);
    let session = session(&engine, &headers);
    let query = query.unwrap_or_default();
    // A task of its own: a browser that hangs up must not end an exchange in the middle, since its code is used up.
    let work = {
        let engine = Arc::clone(&engine);
        async move { sign_in::callback(&engine, &source, session.as_ref(), &query).await }
    };
    match tokio::spawn(work).await {
        Ok(Ok(signed)) => pages::signed(&EN, front, &signed),
        Ok(Err(refusal)) => refused(&refusal),
        Err(_) => refused(&Fault::retry("data.unavailable", "the sign-in ended in the middle").into()),
    }
}

/// Where a browser that came by the link of `serve` begins.
async fn home(State(engine): State<Arc<Engine>>, headers: HeaderMap) -> Response<Body> {
    let known = match session(&engine, &headers) {
        Some(session) => sign_in::is_session(&engine, &session).await,
        None => Ok(false),
    };
    match known {
        Ok(true) => {}
        Ok(false) => {
            let detail = "this browser came by no sign-in link";
            return refused(&Fault::usage("sign_in.session_missing", detail).into());
        }
        Err(fault) => return refused(&fault.into()),
    }
    let (mut ready, mut missing) = (Vec::new(), Vec::new());
    for source in sources::all() {
        match connect::application(&engine, source) {
            Ok(_) => ready.push((source.title().to_owned(), format!("/oauth/{}/start", source.name()))),
            Err(fault) if fault.code == "config.missing" => {
                missing.push(fault.detail.split(':').next().unwrap_or_default().to_owned());
            }
            Err(_) => {}
        }
    }
    pages::home(&EN, &ready, &missing.join(", "))
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn only_names_of_this_installation_are_answered() {
        const PUBLIC: &str = "https://till.example.com/base";
        let own = [
            "127.0.0.1:8787",
            "127.0.0.1",
            "localhost:8787",
            "LOCALHOST",
            "[::1]:8787",
            "till.example.com",
            "Till.Example.Com:443",
            "till.example.com.",
        ];
        for host in own {
            assert!(is_own(host, PUBLIC), "{host}");
        }
        let others = [
            "",
            "evil.example",
            "evil.example:8787",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "till.example.com.evil.example",
            "xtill.example.com",
            "till.example.com@evil.example",
            "10.0.0.1",
            "0.0.0.0:8787",
            "127.0.0.2",
            "till.example.com:80:80",
            ":8787",
        ];
        for host in others {
            assert!(!is_own(host, PUBLIC), "{host}");
        }
    }
}
