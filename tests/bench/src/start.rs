//! One start of a function. The service's side is one listener that answers at once, so that what is measured is
//! ours: the Runtime API's first question ends the start; before it come a reading of the table and of the secret.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
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

/// Where most systems have their root certificates in one file. With a folder of them as well, as Debian has, a
/// start takes twice as long; functions meet one file.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Starts a function and waits for its first question.
pub(crate) fn started(binary: &Path) -> Result<Start, String> {
    let name = binary.file_name().and_then(|name| name.to_str()).unwrap_or("?");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let said = said.clone();
            std::thread::spawn(move || answer(stream, &said));
        }
    });
    let mut command = Command::new(binary);
    command.env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    command.envs(environment(&format!("http://{address}")));
    if Path::new(BUNDLE).exists() {
        command.env("SSL_CERT_FILE", BUNDLE);
    }
    let begun = Instant::now();
    let mut child = command
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .spawn()
        .map_err(|e| format!("{name}: {e}"))?;
    let outcome = heard.recv_timeout(Duration::from_secs(20));
    let kib = peak(&child);
    stop(&mut child);
    match outcome {
        Ok((at, line)) if line.contains("/invocation/next") => {
            let micros = u64::try_from(at.duration_since(begun).as_micros()).unwrap_or(u64::MAX);
            Ok(Start { micros, kib })
        }
        Ok((_, line)) => Err(format!("{name} said instead: {line}")),
        Err(_) => Err(format!("{name} did not ask for work")),
    }
}

/// Answers one connection; what concerns the Runtime API ends the start and is not answered.
fn answer(mut stream: TcpStream, said: &mpsc::Sender<(Instant, String)>) {
    let mut request = [0; 16 * 1024];
    // It is a loopback: should it refuse, the figure is larger, not wrong.
    let _ = stream.set_nodelay(true);
    while let Ok(read @ 1..) = stream.read(&mut request) {
        let text = String::from_utf8_lossy(&request[..read]);
        if text.contains("/runtime/") {
            let line = text.lines().next().unwrap_or_default().to_owned();
            // The other end is gone once a start was measured.
            let _ = said.send((Instant::now(), line));
            std::thread::sleep(Duration::from_secs(1));
            return;
        }
        let key = "k".repeat(64);
        let secret = serde_json::json!({"TILLSYNC_DATA_KEY": key}).to_string();
        let body = if text.contains("GetSecretValue") {
            serde_json::json!({"Name": "bench", "SecretString": secret})
        } else {
            serde_json::json!({})
        };
        let body = body.to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: ";
        if stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).is_err() {
            return;
        }
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

pub(crate) fn environment(endpoint: &str) -> Vec<(&'static str, String)> {
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
        ("TILLSYNC_SECRET", "bench".into()),
        ("TILLSYNC_INSTALL", "bench".into()),
        ("TILLSYNC_STAGE", "bench".into()),
    ]
}
