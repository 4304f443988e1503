//! Faults that a test arms: which operation, how often, and what goes wrong.

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::http::Reply;

/// What goes wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// 429 without being over any limit.
    RateLimited {
        /// `Retry-After` in seconds; left out when absent.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// 503.
    Unavailable {
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
        /// `Retry-After` as an HTTP date that many seconds from now.
        #[serde(default)]
        retry_date: Option<u64>,
    },
    /// 403 in the platform's shape.
    Forbidden,
    /// 401 in the platform's shape.
    Unauthorized,
    /// Any status with a body of the test's choice.
    Status {
        /// The status.
        status: u16,
        /// The body, sent as JSON.
        #[serde(default)]
        body: serde_json::Value,
    },
    /// The request is carried out and its answer cut in half.
    CutJson,
    /// An HTML page, as a proxy in the way answers.
    Html {
        /// 502 when absent.
        #[serde(default)]
        status: Option<u16>,
    },
    /// The connection is reset and nothing was applied.
    ResetBefore,
    /// The request is carried out and the connection reset: the reply is lost.
    ResetAfter,
    /// The request waits before it is carried out, even if its caller gives up.
    Delay {
        /// How long.
        ms: u64,
    },
    /// The request is carried out at once and its answer waits.
    DelayReply {
        /// How long.
        ms: u64,
    },
    /// The connection is reset at once, and the request carried out after that: an old one that a network held up.
    LandLate {
        /// How long after.
        ms: u64,
    },
    /// The request is carried out and answered with a server error.
    FailAfter {
        /// The status.
        status: u16,
    },
    /// An import is taken, stops after this many contacts, and says so.
    InterruptImport {
        /// How many are imported.
        after: usize,
    },
    /// A cursor sent with the request counts as expired.
    ExpireCursor,
    /// The page has at most this many records, with a cursor to go on.
    ClipPage {
        /// How many, 0 included.
        to: usize,
    },
    /// One record of the page is of a form nobody promised.
    SpoilRecord {
        /// Which, counted from 0.
        at: usize,
    },
}

/// A fault with the calls it hits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// `square` or `activecampaign`.
    pub platform: String,
    /// Operation name, a prefix ending in `*`, or `*`.
    pub operation: String,
    /// Matching calls to let pass first.
    #[serde(default)]
    pub skip: u32,
    /// Matching calls to hit after that.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them.
    pub fault: Fault,
}

fn once() -> u32 {
    1
}

impl FaultRule {
    fn matches(&self, platform: &str, operation: &str) -> bool {
        self.platform == platform
            && match self.operation.strip_suffix('*') {
                Some(prefix) => operation.starts_with(prefix),
                None => self.operation == operation,
            }
    }
}

/// The fault for this call, if one is armed. Rules are asked in the order they were given.
pub(crate) fn take(rules: &mut Vec<FaultRule>, platform: &str, operation: &str) -> Option<Fault> {
    let mut hit = None;
    for rule in rules.iter_mut() {
        if !rule.matches(platform, operation) || rule.times == 0 {
            continue;
        }
        if rule.skip > 0 {
            rule.skip -= 1;
            continue;
        }
        rule.times -= 1;
        hit = Some(rule.fault.clone());
        break;
    }
    rules.retain(|rule| rule.times > 0);
    hit
}

/// The answer of those faults that replace the answer altogether.
pub(crate) fn replacement(fault: &Fault, platform: &str) -> Option<Reply> {
    let square = platform == "square";
    let reply = match fault {
        Fault::RateLimited { retry_after } => {
            let reply = shaped(square, 429, "RATE_LIMIT_ERROR", "RATE_LIMITED", "Too Many Requests");
            match retry_after {
                Some(seconds) => reply.with("retry-after", seconds),
                None => reply,
            }
        }
        Fault::Unavailable { retry_after, retry_date } => {
            let reply = shaped(square, 503, "API_ERROR", "SERVICE_UNAVAILABLE", "Service Unavailable");
            match (retry_after, retry_date) {
                (Some(seconds), _) => reply.with("retry-after", seconds),
                (None, Some(seconds)) => {
                    let ms = i64::try_from(*seconds).unwrap_or(0) * clock::SECOND;
                    reply.with("retry-after", clock::http_date(clock::now() + ms))
                }
                (None, None) => reply,
            }
        }
        Fault::Forbidden => shaped(square, 403, "AUTHENTICATION_ERROR", "FORBIDDEN", "Forbidden"),
        Fault::Unauthorized => shaped(square, 401, "AUTHENTICATION_ERROR", "UNAUTHORIZED", "Unauthorized"),
        Fault::Status { status, body } => Reply::json(*status, body),
        Fault::Html { status } => {
            let page = b"<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>";
            let mut reply = Reply::bytes(status.unwrap_or(502), page.to_vec());
            reply.content_type = "text/html";
            reply
        }
        _ => return None,
    };
    Some(reply)
}

/// The page with one of its records spoiled: what ought to be a list or an object is a text.
pub(crate) fn spoiled(body: &[u8], at: usize) -> Vec<u8> {
    let mut page: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let lists = page.as_object_mut().into_iter().flat_map(|members| members.values_mut());
    let record = lists.filter_map(|member| member.as_array_mut()?.get_mut(at)).next();
    for (name, value) in record.and_then(|record| record.as_object_mut()).into_iter().flatten() {
        if name != "id" && (value.is_array() || value.is_object()) {
            *value = serde_json::Value::from("spoiled");
        }
    }
    page.to_string().into_bytes()
}

fn shaped(square: bool, status: u16, category: &str, code: &str, message: &str) -> Reply {
    if square {
        let error = serde_json::json!({"category": category, "code": code, "detail": message});
        Reply::json(status, &serde_json::json!({"errors": [error]}))
    } else {
        Reply::json(status, &serde_json::json!({"message": message}))
    }
}
