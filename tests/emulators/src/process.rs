//! A process that listens on a port and ends with the test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a tool may take to answer; they take two to five seconds on a quiet machine.
const READY_IN: Duration = Duration::from_secs(90);

/// Runs what follows in a group of its own and ends the group when standard input is closed. The test holds the
/// other end of it, so the group ends with the test, however that ends.
const WATCHED: &str = r#"set -m; "$@" </dev/null & cat >/dev/null; kill -9 -- "-$!"; wait "$!""#;

/// A tool that listens.
pub(crate) struct Process {
    pub(crate) url: String,
    child: Child,
    /// Where it works and writes what it says.
    place: TempDir,
}

impl Process {
    /// Starts a tool on a free port and waits until it answers.
    ///
    /// # Panics
    /// Where the tool is not there or does not answer.
    pub(crate) async fn start(tool: &Path, command: impl FnOnce(&mut Command, u16)) -> Self {
        assert!(tool.exists(), "{} is missing: run tests/tools", tool.display());
        let place = tempfile::Builder::new().prefix("tillsync-emulator").tempdir().unwrap();
        let log = File::create(place.path().join("log")).unwrap();
        let port = free_port();
        let mut shell = Command::new("bash");
        shell.args(["-c", WATCHED, "emulator"]);
        command(&mut shell, port);
        shell.current_dir(place.path()).env("TMPDIR", place.path());
        shell.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = shell.spawn().expect("bash starts");
        let process = Self { url: format!("http://127.0.0.1:{port}"), child, place };
        process.ready(port).await;
        process
    }

    async fn ready(&self, port: u16) {
        let start = Instant::now();
        while start.elapsed() < READY_IN {
            if answers(port).await.is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let said = std::fs::read_to_string(self.place.path().join("log")).unwrap_or_default();
        panic!("no answer at {} after {READY_IN:?}; it says:\n{said}", self.url);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its input ends the group; then the folder is nobody's and can go.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Whether anything speaks HTTP there.
async fn answers(port: u16) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await.ok()?;
    let mut start = [0; 5];
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut start)).await;
    (read.ok()?.is_ok() && &start == b"HTTP/").then_some(())
}

/// A port nobody listens on. Another process may take it in the moment between; the system hands out ports in
/// turns, so that is rare.
fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A path below `target/tools` of the workspace.
pub(crate) fn tool(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    root.join("target/tools").join(path)
}
