//! A function that does what its event says: what the harness itself is tried with.

use std::time::Duration;

use lambda_runtime::{Diagnostic, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    if let Ok(name) = std::env::var("STAND_IN_MISSING") {
        return Err(format!("{name} is missing").into());
    }
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let payload = &event.payload;
    match payload["do"].as_str() {
        Some("sleep") => {
            tokio::time::sleep(Duration::from_millis(payload["ms"].as_u64().unwrap_or(0))).await;
            Ok(json!("slept"))
        }
        Some("fail") => {
            Err(Diagnostic { error_type: "stand_in.failed".into(), error_message: "asked to".into() })
        }
        Some("exit") => std::process::exit(3),
        Some("say") => {
            use std::io::Write;
            // A reader that went away is nothing to stop for.
            let _ = writeln!(std::io::stdout().lock(), "{}", payload["line"].as_str().unwrap_or_default());
            Ok(Value::Null)
        }
        _ => Ok(json!({
            "echo": payload, "id": event.context.request_id, "arn": event.context.invoked_function_arn,
            "process": std::process::id(), "deadline": event.context.deadline,
        })),
    }
}
