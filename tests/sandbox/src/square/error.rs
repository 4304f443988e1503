//! Square's error shape.

use serde_json::json;

use crate::http::Reply;
use crate::schema::Problem;

/// A refusal on its way to becoming an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fail {
    pub(crate) status: u16,
    pub(crate) problems: Vec<Problem>,
}

impl Fail {
    pub(crate) fn new(status: u16, code: &'static str, field: &str, detail: impl Into<String>) -> Self {
        Self { status, problems: vec![Problem::new(code, field, detail)] }
    }

    pub(crate) fn bad(code: &'static str, field: &str, detail: impl Into<String>) -> Self {
        Self::new(400, code, field, detail)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, "NOT_FOUND", "", format!("Resource not found: {what}"))
    }

    pub(crate) fn reply(&self) -> Reply {
        let category = match self.status {
            401 | 403 => "AUTHENTICATION_ERROR",
            429 => "RATE_LIMIT_ERROR",
            500.. => "API_ERROR",
            _ => "INVALID_REQUEST_ERROR",
        };
        let errors: Vec<_> = self
            .problems
            .iter()
            .take(20)
            .map(|problem| {
                let mut error = json!({"category": category, "code": problem.code, "detail": problem.detail});
                if !problem.field.is_empty() {
                    error["field"] = json!(problem.field);
                }
                error
            })
            .collect();
        Reply::json(self.status, &json!({"errors": errors}))
    }
}
