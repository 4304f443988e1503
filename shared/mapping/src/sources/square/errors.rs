//! From a status, a body or a lost reply to what to do next (square.md section 8.1).

use crate::http::{HttpError, Response};
use crate::source::{CodeText, Next, SourceError};

use super::wire::{ErrorsAnswer, filled};

pub(crate) const TOKEN_REVOKED: &str = "square.token_revoked";
pub(crate) const TOKEN_EXPIRED: &str = "square.token_expired";
pub(crate) const CODE_REFUSED: &str = "square.code_refused";
pub(crate) const APPLICATION_REFUSED: &str = "square.application_refused";
pub(crate) const SCOPE_MISSING: &str = "square.scope_missing";
pub(crate) const LOCATION_CLOSED: &str = "square.location_closed";
pub(crate) const CURSOR_EXPIRED: &str = "square.cursor_expired";
pub(crate) const THROTTLED: &str = "square.throttled";
pub(crate) const UNAVAILABLE: &str = "square.unavailable";
pub(crate) const REFUSED: &str = "square.refused";
pub(crate) const UNREADABLE: &str = "square.unreadable";

/// Every code of this source.
pub(crate) const CODES: &[CodeText] = &[
    CodeText {
        code: TOKEN_REVOKED,
        meaning: "Square does not accept the store's token: it was revoked or is not a token of this store.",
        action: "Authorise the store again: `tillsync reauthorise CONNECTION` (as an event, `sign_in`); where a token was pasted, connect the location again with a new one. Once is enough for all its locations.",
    },
    CodeText {
        code: TOKEN_EXPIRED,
        meaning: "The store's Square token has run out.",
        action: "It is renewed by itself when the store was connected by sign-in; else give a new access token.",
    },
    CodeText {
        code: CODE_REFUSED,
        meaning: "Square does not take the code that the sign-in came back with: it was used already, is older than five minutes, or is for another application.",
        action: "Sign in again. If it happens each time, compare TILLSYNC_SQUARE_APPLICATION_ID, TILLSYNC_SQUARE_APPLICATION_SECRET and the redirect URL with the application's page in Square's Developer Console.",
    },
    CodeText {
        code: APPLICATION_REFUSED,
        meaning: "Square does not take the application's id, its secret or its redirect URL, or has disabled the application.",
        action: "Copy TILLSYNC_SQUARE_APPLICATION_ID and TILLSYNC_SQUARE_APPLICATION_SECRET anew from Square's Developer Console, both of production or both of the sandbox, and register the redirect URL there. No authorisation is lost meanwhile.",
    },
    CodeText {
        code: SCOPE_MISSING,
        meaning: "The store's Square token does not allow a read that is needed.",
        action: "Reconnect the store and grant MERCHANT_PROFILE_READ, PAYMENTS_READ, ORDERS_READ, CUSTOMERS_READ and ITEMS_READ.",
    },
    CodeText {
        code: LOCATION_CLOSED,
        meaning: "Square says the location is closed or not one of the store's.",
        action: "Open the location again at Square and connect it again; if it stays closed, nothing more is to be done.",
    },
    CodeText {
        code: CURSOR_EXPIRED,
        meaning: "Square forgot where a reading had come to, as it does after about five minutes.",
        action: "Nothing: the reading begins again at its checkpoint.",
    },
    CodeText {
        code: THROTTLED,
        meaning: "Square asks to be called less often.",
        action: "Nothing: the call is made again later.",
    },
    CodeText {
        code: UNAVAILABLE,
        meaning: "Square could not be reached, or answered that it cannot serve now.",
        action: "Nothing: the call is made again later. If it lasts, look at issquareup.com.",
    },
    CodeText {
        code: REFUSED,
        meaning: "Square refused a request in a way that trying again will not mend.",
        action: "Look at the field named with it; if it is not a setting of yours, report it.",
    },
    CodeText {
        code: UNREADABLE,
        meaning: "Something Square sent does not have the form it promises, or was cut short.",
        action: "A whole answer is read again by itself. For one record, look at it at Square; when it changes there it is read again. If it stays, report the place that its record names.",
    },
];

/// An error of this source.
pub(crate) fn error(next: Next, code: &'static str, detail: String) -> SourceError {
    SourceError { next, code, detail }
}

/// An answer that cannot be read: cut short on the way, most likely, so it is worth another try.
pub(crate) fn unreadable(operation: &str, what: &str) -> SourceError {
    error(Next::Retry, UNREADABLE, format!("{operation}: {what}"))
}

/// The most answers that are followed for one question: far beyond what any needs, so a store that hands out
/// cursors for ever does not hold a worker for ever.
pub(crate) const MOST_ANSWERS: usize = 2_000;

/// A list that goes on past [`MOST_ANSWERS`].
pub(crate) fn endless(operation: &str) -> SourceError {
    error(Next::Retry, UNAVAILABLE, format!("{operation}: the list does not end"))
}

/// No reply at all.
pub(crate) fn from_http(operation: &str, lost: &HttpError) -> SourceError {
    let (next, code) = match lost {
        HttpError::Forbidden(_) | HttpError::Withdrawn => (Next::Reject, REFUSED),
        HttpError::NotSent | HttpError::Unknown => (Next::Retry, UNAVAILABLE),
        HttpError::Throttled => (Next::Retry, THROTTLED),
    };
    error(next, code, format!("{operation}: {lost}"))
}

/// A reply that is no success. With several errors the status follows the first (square.md section 8.1).
pub(crate) fn from_reply(operation: &'static str, scope: &str, reply: &Response) -> SourceError {
    let answer: ErrorsAnswer<'_> = serde_json::from_slice(&reply.body).unwrap_or_default();
    let first = answer.errors.first();
    let word = plain(first.and_then(|item| filled(&item.code)).unwrap_or(""));
    let field = plain(first.and_then(|item| filled(&item.field)).unwrap_or(""));
    let (next, code) = judge(reply.status, &word, &field);
    let mut detail = format!("{operation}: {} {word}", reply.status).trim_end().to_owned();
    if !field.is_empty() {
        detail.push_str(", field ");
        detail.push_str(&field);
    }
    if code == SCOPE_MISSING {
        detail.push_str(", needs ");
        detail.push_str(scope);
    }
    error(next, code, detail)
}

/// The reply of a question about an authorisation; `denied` is what a refusal for no other reason means. No table of
/// codes is published (square.md section 1.3), so only what names the application is laid to it.
pub(crate) fn from_authority(
    operation: &'static str,
    denied: (Next, &'static str),
    reply: &Response,
) -> SourceError {
    let answer: ErrorsAnswer<'_> = serde_json::from_slice(&reply.body).unwrap_or_default();
    let first = answer.errors.first();
    let word = plain(first.and_then(|item| filled(&item.code)).unwrap_or(""));
    let field = plain(first.and_then(|item| filled(&item.field)).unwrap_or(""));
    let (next, code) = match (reply.status, word.as_str(), field.as_str()) {
        (_, "CLIENT_DISABLED" | "APPLICATION_DISABLED", _)
        | (400..=499, _, "client_id" | "client_secret" | "redirect_uri") => {
            (Next::Reject, APPLICATION_REFUSED)
        }
        (429, ..) | (_, "RATE_LIMITED", _) => (Next::Retry, THROTTLED),
        (408 | 500..=599, ..) => (Next::Retry, UNAVAILABLE),
        (400 | 401 | 403 | 404, ..) => denied,
        _ => (Next::Reject, REFUSED),
    };
    error(next, code, format!("{operation}: {} {word}", reply.status).trim_end().to_owned())
}

fn judge(status: u16, word: &str, field: &str) -> (Next, &'static str) {
    match word {
        "ACCESS_TOKEN_EXPIRED" => return (Next::Reconnect, TOKEN_EXPIRED),
        "ACCESS_TOKEN_REVOKED" | "CLIENT_DISABLED" | "APPLICATION_DISABLED" => {
            return (Next::Reconnect, TOKEN_REVOKED);
        }
        "INSUFFICIENT_SCOPES" | "FORBIDDEN" => return (Next::Reconnect, SCOPE_MISSING),
        "INVALID_CURSOR" => return (Next::Restart, CURSOR_EXPIRED),
        "INVALID_LOCATION" => return (Next::Reject, LOCATION_CLOSED),
        "RATE_LIMITED" => return (Next::Retry, THROTTLED),
        _ => {}
    }
    match status {
        401 => (Next::Reconnect, TOKEN_REVOKED),
        403 => (Next::Reconnect, SCOPE_MISSING),
        400 if field.ends_with("cursor") => (Next::Restart, CURSOR_EXPIRED),
        429 => (Next::Retry, THROTTLED),
        408 | 500..=599 => (Next::Retry, UNAVAILABLE),
        _ => (Next::Reject, REFUSED),
    }
}

/// A word of Square's own making, or nothing: what is no plain word could hold a value of the request.
fn plain(word: &str) -> String {
    let fits = word.len() <= 60 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.[]".contains(&b));
    if fits { word.to_owned() } else { String::new() }
}
