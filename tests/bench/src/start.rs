//! One start of a function: the stand-in of the Runtime API waits for its first question.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a start took.
pub(crate) struct Start {
    /// From the start of the process to its first question.
    pub(crate) micros: u64,
    /// The most memory it held by then.
    pub(crate) kib: u64,
}

/// Starts a function and waits for its first question.
pub(crate) fn started(binary: &Path, endpoint: &str, secret: &str) -> Result<Start, String> {
    let name = binary.file_name().and_then(|name| name.to_str()).unwrap_or("?");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 512];
            let read = stream.read(&mut request).unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            // The stream goes along, so that the function waits for its answer as it would.
            if said.send((Instant::now(), text, stream)).is_err() {
                return;
            }
        }
    });
    let mut command = Command::new(binary);
    command.env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    for (name, value) in environment(endpoint, secret) {
        command.env(name, value);
    }
    let begun = Instant::now();
    let mut child =
        command.env("AWS_LAMBDA_RUNTIME_API", address.to_string()).spawn().map_err(|e| format!("{name}: {e}"))?;
    let outcome = heard.recv_timeout(Duration::from_secs(20));
    let kib = peak(&child);
    stop(&mut child);
    match outcome {
        Ok((at, text, _stream)) if text.contains("/invocation/next") => {
            let micros = u64::try_from(at.duration_since(begun).as_micros()).unwrap_or(u64::MAX);
            Ok(Start { micros, kib })
        }
        Ok((_, text, _)) => Err(format!("{name} said instead: {}", text.lines().next().unwrap_or_default())),
        Err(_) => Err(format!("{name} did not ask for work")),
    }
}

fn stop(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

fn environment(endpoint: &str, secret: &str) -> Vec<(&'static str, String)> {
    let queue = |name: &str| format!("{endpoint}/000000000000/{name}");
    vec![
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_REGION", "us-east-1".into()),
        ("AWS_ACCESS_KEY_ID", "bench".into()),
        ("AWS_SECRET_ACCESS_KEY", "bench".into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench".into()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".into()),
        ("TILLSYNC_TABLE", "bench".into()),
        ("TILLSYNC_LIVE_QUEUE_URL", queue("live")),
        ("TILLSYNC_HISTORY_QUEUE_URL", queue("history")),
        ("TILLSYNC_LIVE_DEAD_URL", queue("live-dead")),
        ("TILLSYNC_HISTORY_DEAD_URL", queue("history-dead")),
        ("TILLSYNC_SECRET", secret.to_owned()),
        ("TILLSYNC_INSTALL", "bench".into()),
        ("TILLSYNC_STAGE", "bench".into()),
    ]
}
