//! How a function says no: to an event, and to its own start.

use lambda_runtime::{Diagnostic, Error};
use serde_json::{Value, json};
use tillsync_engine::{Fault, Kind, explained};

/// An answer, or a function error: the service's console turns red and shows code, message and what to do.
///
/// # Errors
/// The fault as the service shows it: its type is the stable code.
pub(crate) fn answer(result: Result<Value, Fault>) -> Result<Value, Diagnostic> {
    result.map_err(|fault| {
        tracing::warn!(code = fault.code, "an event was refused");
        Diagnostic { error_type: fault.code.to_owned(), error_message: words(&fault) }
    })
}

fn words(fault: &Fault) -> String {
    let action = explained(fault.code).map_or("", |text| text.action);
    let end = if fault.detail.ends_with(['.', '?']) { "" } else { "." };
    // What a run tries again by itself, an event does not.
    let again = if fault.kind == Kind::Retry { "Send the event again in a while. If it stays: " } else { "" };
    format!("{}{end} Do: {again}{action}", fault.detail)
}

/// Tells the service why the function cannot start (Lambda developer guide, "Runtime API: initialization error"),
/// so that the reason stands in the answer of whoever called, and not in the log only.
pub async fn refuse_to_start(fault: Fault) -> Error {
    tracing::error!(code = fault.code, detail = fault.detail, "the function cannot start");
    let text = format!("{} {}", fault.code, words(&fault));
    if let Some(api) = crate::settings::optional("AWS_LAMBDA_RUNTIME_API") {
        let url = format!("http://{api}/2018-06-01/runtime/init/error");
        let body = json!({"errorType": fault.code, "errorMessage": words(&fault), "stackTrace": []});
        let call = reqwest::Client::builder().no_proxy().build().map(|client| {
            client
                .post(url)
                .header("Lambda-Runtime-Function-Error-Type", fault.code)
                .body(body.to_string())
                .send()
        });
        if let Ok(call) = call {
            // The log has it already.
            let _ = call.await;
        }
    }
    text.into()
}
