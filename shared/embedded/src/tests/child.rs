//! Other processes: this test binary again, told by the environment what to do.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tillsync_engine::ports::{Lane, Queue, Store, Vault};
use tillsync_mapping::model::Secret;

use super::secrets::vault;
use super::several::increment;
use super::{create, open};
use crate::{DataDir, Owner};

const ROLE: &str = "TILLSYNC_TEST_CHILD_ROLE";
const DIR: &str = "TILLSYNC_TEST_CHILD_DIR";

/// A child at work; it is killed when the test is over.
pub(super) struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

pub(super) fn start(role: &str, dir: &DataDir) -> Running {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["tests::child::as_a_child", "--exact", "--nocapture"])
        .env(ROLE, role)
        .env(DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    Running { child, lines }
}

impl Running {
    /// What the child says next.
    pub(super) fn says(&mut self) -> String {
        loop {
            let line = self.lines.next().expect("the child ended before it spoke").unwrap();
            if let Some((_, said)) = line.split_once("child: ") {
                return said.to_owned();
            }
        }
    }

    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn finish(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does nothing in an ordinary run.
#[tokio::test]
async fn as_a_child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let dir = DataDir::open(PathBuf::from(std::env::var(DIR).unwrap())).unwrap();
    match role.as_str() {
        "own" => own(&dir).await,
        "write" => write_for_ever(&dir).await,
        "increment" => increment(&open(&dir), 40).await,
        "open" => println!("child: {}", open(&dir).check().await.is_ok()),
        "keep" => keep(&dir).await,
        "rotate" => rotate(&dir).await,
        role => panic!("no such role: {role}"),
    }
}

/// Owns the directory and a message until it is killed.
async fn own(dir: &DataDir) {
    let owner = Owner::try_take(dir).unwrap();
    let sqlite = open(dir);
    let taken = sqlite.receive(Lane::Live, 10, Duration::from_secs(600)).await.unwrap();
    println!("child: {} {}", owner.is_some(), taken.len());
    std::thread::sleep(Duration::from_secs(120));
    drop(owner);
}

/// Writes and tells what was answered, until it is killed.
async fn write_for_ever(dir: &DataDir) {
    let sqlite = open(dir);
    for n in 0_u64.. {
        let writes = (0..20).map(|m| create(&format!("{n:06}-{m:02}"), "1")).collect();
        sqlite.write_each(writes).await.unwrap();
        sqlite.send(Lane::Live, "g", vec![n.to_string()], Duration::ZERO).await.unwrap();
        println!("child: {n}");
    }
}

/// Keeps secrets of its own beside those of others.
async fn keep(dir: &DataDir) {
    let vault = vault(dir);
    for n in 0..25 {
        vault.put(&format!("{}-{n}", std::process::id()), &Secret::new("geheim")).await.unwrap();
    }
}

/// Replaces the data key until it is killed.
async fn rotate(dir: &DataDir) {
    let vault = vault(dir);
    for n in 0..1_000 {
        let resealed = vault.reseal(&[]).await.unwrap();
        println!("child: {n} {}", resealed.left);
    }
}
