//! Five requests a second for everybody; bulk import has a counter of its own.

use serde_json::json;

use super::State;
use crate::clock;
use crate::http::{Call, Reply};
use crate::settings::Settings;

/// The import counter works by the minute.
const MINUTE: i64 = clock::MINUTE;

impl State {
    /// Lets a request in, or answers for it.
    pub(crate) fn enter(&mut self, call: &Call, settings: &Settings) -> Option<Reply> {
        let now = clock::now();
        if call.method == "POST" && call.path.ends_with("/import/bulk_import") {
            return self.enter_import(call, settings, now);
        }
        if self.window.admit(now, clock::SECOND, settings.activecampaign_per_second) {
            return None;
        }
        let reply = Reply::json(429, &json!({"message": "Too Many Requests"}));
        Some(reply.with("retry-after", settings.activecampaign_retry_after))
    }

    /// Over its limit an import is refused with 400 and a body of its own, not with 429.
    fn enter_import(&mut self, call: &Call, settings: &Settings, now: i64) -> Option<Reply> {
        let contacts = call.json().and_then(|body| body.get("contacts")?.as_array().map(Vec::len));
        let admitted = if contacts == Some(1) {
            self.single_imports.admit(now, MINUTE, settings.import_single_per_minute)
        } else {
            self.imports_window.admit(now, MINUTE, settings.import_per_minute)
        };
        let body = json!({"success": 0, "message": "Rate limit exceeded.",
            "failureReasons": ["Rate limit exceeded. Please wait and try again."]});
        (!admitted).then(|| Reply::json(400, &body))
    }

    /// On every answer, refusals too.
    pub(crate) fn stamp(&self, reply: Reply, settings: &Settings) -> Reply {
        let limit = settings.activecampaign_per_second;
        reply.with("ratelimit-limit", limit).with("ratelimit-remaining", self.window.remaining(limit))
    }
}
