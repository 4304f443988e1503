//! Who may read what; and that a key is replaced, and old files taken over, without a secret lost.

use std::fs;
use std::sync::Arc;

use futures_util::future::join_all;
use tillsync_engine::ports::{Condition, Vault};
use tillsync_mapping::model::Secret;

use super::child::{Running, start};
use super::{open, place, refused};
use crate::{DataDir, DirVault};

pub(super) fn vault(dir: &DataDir) -> DirVault {
    DirVault::open(dir, Arc::new(open(dir)), None).unwrap()
}

fn with_key(dir: &DataDir, key: &str) -> DirVault {
    DirVault::open(dir, Arc::new(open(dir)), Some(Secret::new(key))).unwrap()
}

const ONE: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const TWO: &str = "GFEDCBAzyxwvutsrqponmlkjihgfedcba9876543210";

/// As an older version left it.
fn older(dir: &DataDir, text: &str) {
    fs::write(dir.secrets(), text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir.secrets(), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

async fn seen(vault: &DirVault, owner: &str) -> Option<String> {
    vault.get(owner).await.unwrap().map(|secret| secret.expose().to_owned())
}

/// What the files of a directory hold, one after the other.
fn bytes(dir: &DataDir) -> String {
    let files = fs::read_dir(dir.path()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    String::from_utf8_lossy(&files.flatten().collect::<Vec<u8>>()).into_owned()
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use tillsync_engine::ports::Store;

    use super::*;
    use crate::tests::create;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn all_files_are_private() {
        let place = place();
        let sqlite = open(&place.dir);
        sqlite.write_each(vec![create("a", "1")]).await.unwrap();
        vault(&place.dir).put("DEST#acme", &Secret::new("geheim")).await.unwrap();
        let _owner = crate::Owner::try_take(&place.dir).unwrap();
        assert_eq!(mode(place.dir.path()), 0o700);
        let mut names = Vec::new();
        for entry in fs::read_dir(place.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
        names.sort();
        let expected =
            ["data.key", "owner.lock", "secrets.lock", "tillsync.db", "tillsync.db-shm", "tillsync.db-wal"];
        assert_eq!(names, expected, "nothing temporary is left");
        assert!(!bytes(&place.dir).contains("geheim"), "a secret lies open");
    }

    #[tokio::test]
    async fn a_key_others_can_read_is_refused() {
        let place = place();
        let there = vault(&place.dir);
        there.put("DEST#acme", &Secret::new("geheim")).await.unwrap();
        older(&place.dir, r#"{"version":1,"secrets":{}}"#);
        for path in [place.dir.data_key(), place.dir.secrets()] {
            for open_mode in [0o644, 0o640, 0o604, 0o620] {
                chmod(&path, open_mode);
                let error = refused(DirVault::open(&place.dir, Arc::new(open(&place.dir)), None));
                assert_eq!(error.code(), "data.secrets_readable");
                assert!(error.action().contains("chmod 600"));
                assert_eq!(mode(&path), open_mode, "the mode is the operator's to mend");
            }
            chmod(&path, 0o600);
        }
        chmod(&place.dir.data_key(), 0o644);
        let error = there.get("DEST#acme").await.unwrap_err().to_string();
        assert!(error.contains("data.secrets_readable") && !error.contains("geheim"), "{error}");
        there.put("DEST#other", &Secret::new("x")).await.unwrap_err();
        chmod(&place.dir.data_key(), 0o600);
        assert_eq!(seen(&there, "DEST#acme").await.as_deref(), Some("geheim"));
    }

    #[test]
    fn a_directory_others_can_change_is_refused() {
        let place = place();
        for (open_mode, good) in
            [(0o755, true), (0o775, false), (0o777, false), (0o702, false), (0o700, true)]
        {
            chmod(place.dir.path(), open_mode);
            match DataDir::open(place.dir.path()) {
                Ok(_) => assert!(good, "{open_mode:o}"),
                Err(error) => assert!(!good && error.code() == "data.directory_writable", "{error}"),
            }
        }
    }
}

#[tokio::test]
async fn an_older_directory_is_taken_over_once() {
    let place = place();
    older(&place.dir, r#"{"version":1,"secrets":{"STORE#a#M":"geheim-1","DEST#b":"geheim-2"}}"#);
    fs::write(place.dir.secrets().with_extension("json.new"), "half, geheim-1").unwrap();
    let first = vault(&place.dir);
    assert_eq!(seen(&first, "STORE#a#M").await.as_deref(), Some("geheim-1"));
    assert_eq!(seen(&first, "DEST#b").await.as_deref(), Some("geheim-2"));
    assert!(!place.dir.secrets().exists());
    assert!(!bytes(&place.dir).contains("geheim"), "a secret lies open");
    // Whoever ended before the file was removed had sealed some of it; what was renewed since is newer.
    first.put("DEST#b", &Secret::new("newer")).await.unwrap();
    older(&place.dir, r#"{"version":1,"secrets":{"STORE#a#M":"geheim-1","DEST#b":"geheim-2","DEST#c":"3"}}"#);
    let second = vault(&place.dir);
    for (owner, secret) in [("STORE#a#M", "geheim-1"), ("DEST#b", "newer"), ("DEST#c", "3")] {
        assert_eq!(seen(&second, owner).await.as_deref(), Some(secret));
    }
    assert!(!place.dir.secrets().exists());
}

#[tokio::test]
async fn damaged_files_are_told_without_repeating_them() {
    let place = place();
    let whole = r#"{"version": 1,"secrets":{"A":"geheim"}}"#;
    let damaged = [
        ("{\"version\":1,\"secrets\":{\"A\":geheim}}".to_owned(), "data.secrets_unreadable"),
        ("{\"version\":1,\"secrets\":\"geheim\"}".to_owned(), "data.secrets_unreadable"),
        (String::new(), "data.secrets_unreadable"),
        (whole.replace("\"version\": 1", "\"version\": 2"), "data.newer_version"),
    ];
    let there = vault(&place.dir);
    for (text, code) in damaged {
        older(&place.dir, &text);
        let error = refused(DirVault::open(&place.dir, Arc::new(open(&place.dir)), None));
        assert_eq!(error.code(), code, "{text}");
        assert!(!error.to_string().contains("geheim"), "{error}");
        there.put("B", &Secret::new("x")).await.unwrap_err();
        assert_eq!(fs::read_to_string(place.dir.secrets()).unwrap(), text, "what may be mended stays");
    }
    fs::remove_file(place.dir.secrets()).unwrap();
    there.put("B", &Secret::new("x")).await.unwrap();
    fs::write(place.dir.data_key(), "geheim").unwrap();
    let error = refused(DirVault::open(&place.dir, Arc::new(open(&place.dir)), None));
    assert!(error.code() == "data.secrets_unreadable" && !error.to_string().contains("geheim"), "{error}");
}

#[tokio::test]
async fn a_key_that_is_missing_or_another_is_told_and_nothing_is_lost() {
    let place = place();
    let there = vault(&place.dir);
    there.put("DEST#acme", &Secret::new("geheim")).await.unwrap();
    let away = place.dir.path().join("away");
    fs::rename(place.dir.data_key(), &away).unwrap();
    for error in [
        there.get("DEST#acme").await.unwrap_err(),
        there.put("DEST#other", &Secret::new("x")).await.unwrap_err(),
        with_key(&place.dir, ONE).get("DEST#acme").await.unwrap_err(),
    ] {
        assert!(error.is_key_other(), "{error}");
    }
    assert!(!place.dir.data_key().exists(), "a new key would make the old secrets look lost");
    fs::rename(&away, place.dir.data_key()).unwrap();
    assert_eq!(seen(&there, "DEST#acme").await.as_deref(), Some("geheim"));
    // A key of the environment stands before the file's, which still opens what it sealed.
    let given = with_key(&place.dir, ONE);
    assert_eq!(seen(&given, "DEST#acme").await.as_deref(), Some("geheim"));
    let resealed = given.reseal(&[]).await.unwrap();
    assert_eq!((resealed.secrets, resealed.changed, resealed.left), (1, 1, 0));
    assert!(resealed.note.contains("data.key"), "{}", resealed.note);
    fs::remove_file(place.dir.data_key()).unwrap();
    assert_eq!(seen(&given, "DEST#acme").await.as_deref(), Some("geheim"));
    let both = with_key(&place.dir, &format!("{TWO},{ONE}"));
    assert!(both.reseal(&[]).await.unwrap().note.contains("take the others out"));
    assert_eq!(seen(&with_key(&place.dir, TWO), "DEST#acme").await.as_deref(), Some("geheim"));
}

#[tokio::test]
async fn the_key_is_replaced_under_those_who_use_it() {
    let place = place();
    let there = vault(&place.dir);
    for n in 0..20 {
        there.put(&format!("own-{n}"), &Secret::new("0")).await.unwrap();
    }
    let before = fs::read_to_string(place.dir.data_key()).unwrap();
    let mut child = start("rotate", &place.dir);
    child.says();
    for round in 1..8 {
        for n in 0..20 {
            let owner = format!("own-{n}");
            let held = there.held(&owner).await.unwrap().expect("is there");
            assert_eq!(held.secret.expose(), (round - 1).to_string());
            let next = Secret::new(&round.to_string());
            let done = there.put_if(&owner, &next, Condition::Rev(held.rev)).await.unwrap();
            if done == tillsync_engine::ports::Written::Conflict {
                // Sealed anew in between.
                there.put(&owner, &next).await.unwrap();
            }
        }
    }
    // Killed wherever it is, and taken up again.
    child.kill();
    let resealed = there.reseal(&[]).await.unwrap();
    assert_eq!((resealed.secrets, resealed.left), (20, 0), "{resealed:?}");
    let after = fs::read_to_string(place.dir.data_key()).unwrap();
    assert!(after != before && !after.contains(','), "one key, and another one");
    for n in 0..20 {
        assert_eq!(seen(&vault(&place.dir), &format!("own-{n}")).await.as_deref(), Some("7"));
    }
}

#[tokio::test]
async fn a_rotation_that_ended_at_any_step_goes_on() {
    let place = place();
    let there = vault(&place.dir);
    there.put("A", &Secret::new("geheim")).await.unwrap();
    let old = fs::read_to_string(place.dir.data_key()).unwrap();
    // The new key stands there, and nothing was sealed with it yet.
    fs::write(place.dir.data_key(), format!("{TWO},{old}")).unwrap();
    assert_eq!(seen(&there, "A").await.as_deref(), Some("geheim"));
    assert_eq!(there.reseal(&[]).await.unwrap().changed, 1);
    assert_eq!(fs::read_to_string(place.dir.data_key()).unwrap().trim(), TWO);
    // Everything was sealed, and the old one did not go yet; and a half written file lies about.
    fs::write(place.dir.data_key(), format!("{TWO},{old}")).unwrap();
    fs::write(place.dir.data_key().with_extension("key.new"), "half").unwrap();
    assert_eq!(there.reseal(&[]).await.unwrap().changed, 0);
    assert_eq!(fs::read_to_string(place.dir.data_key()).unwrap().trim(), TWO);
    assert_eq!(seen(&there, "A").await.as_deref(), Some("geheim"));
}

#[tokio::test]
async fn processes_that_keep_secrets_lose_none() {
    let place = place();
    let children: Vec<Running> = (0..2).map(|_| start("keep", &place.dir)).collect();
    let vaults = [vault(&place.dir), vault(&place.dir)];
    let puts = (0..50).map(async |n: usize| {
        vaults[n % 2].put(&format!("own-{n}"), &Secret::new("geheim")).await.unwrap();
    });
    join_all(puts).await;
    children.into_iter().for_each(Running::finish);
    let resealed = vaults[0].reseal(&[]).await.unwrap();
    assert_eq!((resealed.secrets, resealed.left), (100, 0));
}
