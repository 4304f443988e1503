//! The consent page, which the published description does not cover: the seller allows or denies, and the browser goes
//! back with a code or a refusal.

use super::check::ALL_SCOPES;
use super::oauth::{Code, SQUARE_APPLICATION_ID};
use super::{State, clock};
use crate::http::{Call, Reply};
use crate::settings::{Consent, Settings};

/// Pages nobody answered that are kept.
const KEPT: usize = 100;
/// What stands for a list of scopes when none is given.
const DEFAULT_SCOPES: &str = "MERCHANT_PROFILE_READ PAYMENTS_READ SETTLEMENTS_READ BANK_ACCOUNTS_READ";

/// A page that waits for somebody.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    ticket: String,
    redirect: String,
    state: Option<String>,
    scopes: Vec<String>,
}

/// The page (GET), and what is pressed on it (POST).
pub(super) fn answer(call: &Call, settings: &Settings, state: &mut State) -> Reply {
    match call.method.as_str() {
        "GET" => match asked(call, settings, state) {
            Ok(asked) => show(asked, settings, state),
            Err(why) => page(400, "This sign-in cannot be shown", &format!("<p>{}</p>", escaped(&why))),
        },
        "POST" => pressed(call, settings, state),
        _ => page(405, "Method Not Allowed", ""),
    }
}

/// What is asked for; what is wrong with it never reaches the redirect, which may be anybody's.
fn asked(call: &Call, settings: &Settings, state: &mut State) -> Result<Asked, String> {
    let one = |name: &str| -> Result<Option<&str>, String> {
        let mut values =
            call.query.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(format!("{name} is given twice")),
        }
    };
    if one("client_id")? != Some(SQUARE_APPLICATION_ID) {
        return Err("unknown client_id".to_owned());
    }
    let redirect = one("redirect_uri")?.ok_or("no redirect_uri")?;
    match &settings.square_redirect {
        Some(registered) if registered != redirect => {
            return Err("redirect_uri does not match the one that is registered".to_owned());
        }
        _ => {}
    }
    let url = url::Url::parse(redirect).map_err(|_| "redirect_uri is no address")?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    if !(url.scheme() == "https" || (url.scheme() == "http" && local)) || url.fragment().is_some() {
        return Err("redirect_uri must be https".to_owned());
    }
    if one("session")? != Some("false") {
        return Err("session must be false in production".to_owned());
    }
    let scopes = one("scope")?.unwrap_or(DEFAULT_SCOPES);
    let scopes: Vec<String> = scopes.split_whitespace().map(str::to_owned).collect();
    if one("scope")?.is_some()
        && let Some(unknown) = scopes.iter().find(|scope| !ALL_SCOPES.contains(&scope.as_str()))
    {
        return Err(format!("unknown scope {unknown}"));
    }
    let state_given = one("state")?.map(str::to_owned);
    Ok(Asked { ticket: state.cursors.name(), redirect: redirect.to_owned(), state: state_given, scopes })
}

fn show(asked: Asked, settings: &Settings, state: &mut State) -> Reply {
    match settings.square_consent {
        Consent::Allow => return go_back(&asked, true, settings, state),
        Consent::Deny => return go_back(&asked, false, settings, state),
        Consent::Ask => {}
    }
    let scopes: String = asked.scopes.iter().map(|scope| format!("<li>{}</li>", escaped(scope))).collect();
    let body = format!(
        "<p>The application {SQUARE_APPLICATION_ID} asks to read:</p><ul>{scopes}</ul>\
         <form method=\"post\" action=\"/oauth2/authorize\"><input type=\"hidden\" name=\"ticket\" value=\"{}\">\
         <button name=\"answer\" value=\"allow\">Allow</button> <button name=\"answer\" value=\"deny\">Deny</button></form>",
        asked.ticket
    );
    if state.asked.len() >= KEPT {
        state.asked.remove(0);
    }
    state.asked.push(asked);
    page(200, "Allow access to your shop?", &body)
}

fn pressed(call: &Call, settings: &Settings, state: &mut State) -> Reply {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&call.body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let waiting = state.asked.iter().position(|asked| Some(asked.ticket.as_str()) == field("ticket"));
    let Some(waiting) = waiting else { return page(400, "This page was answered already", "") };
    let asked = state.asked.remove(waiting);
    match field("answer") {
        Some("allow") => go_back(&asked, true, settings, state),
        Some("deny") => go_back(&asked, false, settings, state),
        _ => page(400, "Neither Allow nor Deny", ""),
    }
}

fn go_back(asked: &Asked, allowed: bool, settings: &Settings, state: &mut State) -> Reply {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if allowed {
        let code = state.cursors.name();
        let expires = clock::now() + settings.square_code_ttl_ms;
        state.codes.push(Code { code: code.clone(), redirect: asked.redirect.clone(), expires });
        state.grant.scopes.clone_from(&asked.scopes);
        query.append_pair("code", &code).append_pair("response_type", "code");
    } else {
        query.append_pair("error", "access_denied").append_pair("error_description", "user_denied");
    }
    if let Some(state) = &asked.state {
        query.append_pair("state", state);
    }
    let joint = if asked.redirect.contains('?') { '&' } else { '?' };
    page(302, "", "").with("location", format!("{}{joint}{}", asked.redirect, query.finish()))
}

fn page(status: u16, title: &str, body: &str) -> Reply {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    Reply { content_type: "text/html; charset=utf-8", ..Reply::bytes(status, html.into_bytes()) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
