//! Who may read what.

use std::fs;

use futures_util::future::join_all;
use tillsync_engine::ports::Vault;
use tillsync_mapping::model::Secret;

use super::child::{Running, start};
use super::{place, refused};
use crate::FileVault;

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use tillsync_engine::ports::Store;

    use super::*;
    use crate::DataDir;
    use crate::tests::{create, open};

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
        let vault = FileVault::open(&place.dir).unwrap();
        vault.put("DEST#acme", &Secret::new("geheim")).await.unwrap();
        let _owner = crate::Owner::try_take(&place.dir).unwrap();
        assert_eq!(mode(place.dir.path()), 0o700);
        let mut names = Vec::new();
        for entry in fs::read_dir(place.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
        names.sort();
        let expected = [
            "owner.lock",
            "secrets.json",
            "secrets.lock",
            "tillsync.db",
            "tillsync.db-shm",
            "tillsync.db-wal",
        ];
        assert_eq!(names, expected, "nothing temporary is left");
    }

    #[tokio::test]
    async fn secrets_others_can_read_are_refused() {
        let place = place();
        let vault = FileVault::open(&place.dir).unwrap();
        vault.put("DEST#acme", &Secret::new("geheim")).await.unwrap();
        let path = place.dir.secrets();
        for open_mode in [0o644, 0o640, 0o604, 0o620] {
            chmod(&path, open_mode);
            let error = refused(FileVault::open(&place.dir));
            assert_eq!(error.code(), "data.secrets_readable");
            assert!(error.action().contains("chmod 600"));
            let error = vault.get("DEST#acme").await.unwrap_err().to_string();
            assert!(error.contains("data.secrets_readable") && !error.contains("geheim"), "{error}");
            vault.put("DEST#other", &Secret::new("x")).await.unwrap_err();
            vault.forget("DEST#acme").await.unwrap_err();
            assert_eq!(mode(&path), open_mode, "the mode is the operator's to mend");
        }
        chmod(&path, 0o600);
        assert_eq!(vault.get("DEST#acme").await.unwrap().unwrap().expose(), "geheim");
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
async fn what_a_crash_left_is_no_hindrance() {
    let place = place();
    fs::write(place.dir.secrets().with_extension("json.new"), "half").unwrap();
    let vault = FileVault::open(&place.dir).unwrap();
    vault.put("A", &Secret::new("1")).await.unwrap();
    assert_eq!(vault.get("A").await.unwrap().unwrap().expose(), "1");
}

#[tokio::test]
async fn damaged_secrets_are_told_without_repeating_them() {
    let place = place();
    let vault = FileVault::open(&place.dir).unwrap();
    vault.put("A", &Secret::new("geheim")).await.unwrap();
    let whole = fs::read_to_string(place.dir.secrets()).unwrap();
    let damaged = [
        ("{\"version\":1,\"secrets\":{\"A\":geheim}}".to_owned(), "data.secrets_unreadable"),
        ("{\"version\":1,\"secrets\":\"geheim\"}".to_owned(), "data.secrets_unreadable"),
        (String::new(), "data.secrets_unreadable"),
        (whole.replace("\"version\": 1", "\"version\": 2"), "data.newer_version"),
    ];
    for (text, code) in damaged {
        fs::write(place.dir.secrets(), &text).unwrap();
        let error = refused(FileVault::open(&place.dir));
        assert_eq!(error.code(), code, "{text}");
        assert!(!error.to_string().contains("geheim"), "{error}");
        vault.put("B", &Secret::new("x")).await.unwrap_err();
        assert_eq!(
            fs::read_to_string(place.dir.secrets()).unwrap(),
            text,
            "what may be mended is not overwritten"
        );
    }
}

#[tokio::test]
async fn processes_that_keep_secrets_lose_none() {
    let place = place();
    let children: Vec<Running> = (0..2).map(|_| start("keep", &place.dir)).collect();
    let vaults = [FileVault::open(&place.dir).unwrap(), FileVault::open(&place.dir).unwrap()];
    let puts = (0..50).map(async |n: usize| {
        vaults[n % 2].put(&format!("own-{n}"), &Secret::new("geheim")).await.unwrap();
    });
    join_all(puts).await;
    children.into_iter().for_each(Running::finish);
    let text = fs::read_to_string(place.dir.secrets()).unwrap();
    assert_eq!(text.matches("geheim").count(), 100);
}
