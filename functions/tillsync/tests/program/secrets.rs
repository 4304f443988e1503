//! The key of all secrets: replaced while the directory is in use, missed when it is away.

use serde_json::json;

use crate::harness::{Program, shop};

#[test]
fn the_key_is_replaced_and_everything_goes_on() {
    let program = Program::new(shop(20));
    program.connect();
    let key = program.data.path().join("data").join("data.key");
    let before = std::fs::read_to_string(&key).unwrap();
    let said = program.ask(&["rotate-key"]).with(0);
    assert_eq!((&said["ok"], &said["left"]), (&json!(true), &json!(0)), "{said}");
    assert_eq!(said["changed"], said["secrets"], "{said}");
    let after = std::fs::read_to_string(&key).unwrap();
    assert!(before != after && !after.contains(','), "one key, and another one");
    program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
    // Away, and back again.
    std::fs::rename(&key, program.data.path().join("data").join("away")).unwrap();
    let report = program.ask(&["doctor"]).with(1);
    assert!(report.to_string().contains("data.key_other"), "{report:#}");
    assert_eq!(program.ask(&["rotate-key"]).code(1), "data.key_other");
    std::fs::rename(program.data.path().join("data").join("away"), &key).unwrap();
    program.ask(&["doctor"]).with(0);
}
