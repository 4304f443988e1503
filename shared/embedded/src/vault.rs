//! Secrets in a file only its owner can read.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tillsync_engine::ports::{Condition, Held, PortError, Vault, Written};
use tillsync_mapping::model::Secret;

use crate::dir::DataDir;
use crate::error::{DataError, Kind};
use crate::permissions;

/// The version of the file's shape.
const VERSION: u32 = 1;

/// The vault over `secrets.json`. The file is read anew for every secret and replaced whole under a lock, so any
/// number of processes may use it at once, and a crash leaves either the old file or the new one.
#[derive(Clone, Debug)]
pub struct FileVault {
    dir: DataDir,
}

/// The file. No `Debug`: it would print them all.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    version: u32,
    secrets: BTreeMap<String, String>,
}

impl FileVault {
    /// Opens the vault of a data directory; proves at once that the file can be used, if there is one.
    pub fn open(dir: &DataDir) -> Result<Self, DataError> {
        let vault = Self { dir: dir.clone() };
        vault.read()?;
        Ok(vault)
    }

    fn read(&self) -> Result<BTreeMap<String, String>, DataError> {
        let path = self.dir.secrets();
        let failed = |error: io::Error| DataError::from_io(&path, &error);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(failed(error)),
        };
        // Of the open file, not of the path: what was checked is what is read.
        if permissions::others_may_read(&file.metadata().map_err(failed)?) {
            return Err(DataError::new(Kind::SecretsReadable, &path, "other users may read it"));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let damaged = |what: String| DataError::new(Kind::SecretsUnreadable, &path, what);
        // The parser's own message may quote what it stumbled over, so only the place is told.
        let held: Secrets = serde_json::from_str(&text)
            .map_err(|error| damaged(format!("line {}, column {}", error.line(), error.column())))?;
        if held.version > VERSION {
            let what = format!("version {} is newer than {VERSION}", held.version);
            return Err(DataError::new(Kind::NewerVersion, &path, what));
        }
        Ok(held.secrets)
    }

    /// Changes the secrets under the lock, so that of two processes neither undoes the other.
    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, String>) -> bool) -> Result<(), DataError> {
        let lock_path = self.dir.secrets_lock();
        let lock = permissions::open_private(&lock_path).and_then(|file| file.lock().map(|()| file));
        let _lock = lock.map_err(|error| DataError::from_io(&lock_path, &error))?;
        let mut secrets = self.read()?;
        if !change(&mut secrets) {
            return Ok(());
        }
        self.replace(secrets).map_err(|error| DataError::from_io(&self.dir.secrets(), &error))
    }

    fn replace(&self, secrets: BTreeMap<String, String>) -> io::Result<()> {
        let path = self.dir.secrets();
        let fresh = path.with_extension("json.new");
        // Left by a crash; opening it again would keep whatever mode it has.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = permissions::private(OpenOptions::new().write(true).create_new(true)).open(&fresh)?;
        serde_json::to_writer_pretty(&mut file, &Secrets { version: VERSION, secrets })?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        permissions::sync_dir(self.dir.path())
    }

    /// Files block, so they are used on a thread that may.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, DataError> + Send + 'static,
    ) -> Result<T, PortError> {
        let vault = self.clone();
        match tokio::task::spawn_blocking(move || work(&vault)).await {
            Ok(done) => done.map_err(|error| error.for_port("vault")),
            Err(error) => Err(PortError { what: "vault", detail: error.to_string() }),
        }
    }
}

/// A number of what is held: another text has another one.
fn rev(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[async_trait]
impl Vault for FileVault {
    async fn held(&self, owner: &str) -> Result<Option<Held>, PortError> {
        let owner = owner.to_owned();
        let held = |text: &String| Held { secret: Secret::new(text), rev: rev(text) };
        self.blocking(move |vault| Ok(vault.read()?.get(&owner).map(held))).await
    }

    async fn put_if(&self, owner: &str, secret: &Secret, when: Condition) -> Result<Written, PortError> {
        let (owner, secret) = (owner.to_owned(), secret.clone());
        self.blocking(move |vault| {
            let mut written = Written::Conflict;
            vault.change(|secrets| {
                let before = secrets.get(&owner).map(|text| rev(text));
                let holds = before
                    == match when {
                        Condition::Absent => None,
                        Condition::Rev(rev) => Some(rev),
                    };
                if holds {
                    secrets.insert(owner, secret.expose().to_owned());
                    written = Written::Done;
                }
                holds
            })?;
            Ok(written)
        })
        .await
    }

    async fn put(&self, owner: &str, secret: &Secret) -> Result<(), PortError> {
        let (owner, secret) = (owner.to_owned(), secret.clone());
        self.blocking(move |vault| {
            vault.change(|secrets| {
                let text = secret.expose().to_owned();
                secrets.insert(owner, text.clone()).as_ref() != Some(&text)
            })
        })
        .await
    }

    async fn forget(&self, owner: &str) -> Result<(), PortError> {
        let owner = owner.to_owned();
        self.blocking(move |vault| vault.change(|secrets| secrets.remove(&owner).is_some())).await
    }
}
