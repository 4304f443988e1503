//! What platforms send by themselves. The body is taken byte for byte; whom the request names as its host is not looked
//! at, since a proxy may stand before us (reliability.md I26).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use serde_json::json;
use tillsync_engine::Engine;
use tillsync_engine::intake::{Answer, MAX_BODY, accept};

/// Where they are taken.
pub(crate) const PATH: &str = "/webhooks/{source}/{path_token}";

/// The route's one method.
pub(crate) fn route() -> MethodRouter<Arc<Engine>> {
    post(take).layer(DefaultBodyLimit::max(MAX_BODY))
}

async fn take(
    State(engine): State<Arc<Engine>>,
    Path((source, token)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = match body {
        Ok(body) => {
            let named = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            accept(&engine, (&source, &token), &named.collect::<Vec<_>>(), &body).await
        }
        Err(rejected) if rejected.status() == StatusCode::PAYLOAD_TOO_LARGE => Answer::TooLarge,
        // The sender broke off.
        Err(_) => Answer::Refused,
    };
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let body = match answer {
        Answer::Taken => json!({"ok": true}),
        Answer::Unknown => json!({"ok": false, "code": "route.unknown"}),
        Answer::Refused | Answer::TooLarge => json!({"ok": false}),
        Answer::Unavailable => json!({"ok": false, "code": "data.unavailable"}),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}
