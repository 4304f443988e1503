use std::time::Duration;

use tillsync_engine::alerts::Receiver;

use super::Program;

/// A script, and whether it counts as having taken the document.
const SCRIPTS: [(&str, bool); 5] = [
    ("cat > /dev/null", true),
    ("exit 0", true),
    ("cat > /dev/null; exit 3", false),
    ("kill -9 $$", false),
    // It would end well, long after it was given up.
    ("exec sleep 600", false),
];

#[cfg(unix)]
#[tokio::test]
async fn a_program_has_taken_an_alert_if_it_ends_well_and_in_time() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    for (n, (script, taken)) in SCRIPTS.into_iter().enumerate() {
        let path = folder.path().join(format!("alert{n}"));
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        let program = Program { path, patience: Duration::from_secs(5) };
        assert_eq!(program.tell("{}".to_owned()).await, taken, "{script}");
    }
    let nowhere = Program { path: folder.path().join("nowhere"), patience: Duration::from_secs(5) };
    assert!(!nowhere.tell("{}".to_owned()).await);
}
