//! The routes that both hosts serve: the embedded host on a local port, the function `console` behind the HTTP API.

mod pages;
mod sign_in;
mod texts;
mod webhooks;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tillsync_engine::Engine;
use tillsync_engine::ports::{Lane, PortError};

pub use sign_in::{Front, sign_in};

/// Every route but those of [`sign_in`].
pub fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route(webhooks::PATH, webhooks::route())
        .fallback(nothing_here)
        .with_state(engine)
}

/// What platforms send by themselves, and nothing else: for a host where that has a place of its own.
pub fn intake(engine: Arc<Engine>) -> Router {
    Router::new().route(webhooks::PATH, webhooks::route()).fallback(nothing_here).with_state(engine)
}

/// 200 while the queues can be read.
async fn health(State(engine): State<Arc<Engine>>) -> Response {
    let depths = async {
        let live = engine.queue.depth(Lane::Live).await?;
        let history = engine.queue.depth(Lane::History).await?;
        Ok::<_, PortError>((live, history))
    };
    match depths.await {
        Ok((live, history)) => {
            let version = env!("CARGO_PKG_VERSION");
            let body = json!({"ok": true, "version": version, "queued": {"live": live, "history": history}});
            answer(StatusCode::OK, body)
        }
        Err(error) => {
            tracing::error!(%error, "unhealthy");
            answer(StatusCode::SERVICE_UNAVAILABLE, json!({"ok": false, "code": "data.unavailable"}))
        }
    }
}

async fn nothing_here() -> Response {
    answer(StatusCode::NOT_FOUND, json!({"ok": false, "code": "route.unknown"}))
}

/// What is true now is not kept by anybody on the way.
fn answer(status: StatusCode, body: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
