//! A person who is erased is off the disk.

use std::path::Path;

use serde_json::json;

use crate::harness::{Program, shop, until};

/// How often a text stands in the files of the database, whatever they say of it.
fn in_files(data: &Path, text: &str) -> usize {
    let count = |name: &str| {
        let bytes = std::fs::read(data.join(name)).unwrap_or_default();
        bytes.windows(text.len()).filter(|part| part.eq_ignore_ascii_case(text.as_bytes())).count()
    };
    count("tillsync.db") + count("tillsync.db-wal")
}

#[test]
fn an_erased_person_is_in_no_file_any_more() {
    let mut program = Program::new(shop(120));
    program.set("TILLSYNC_ERASE_EMAIL", None);
    program.connect();
    program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
    let data = program.data.path().join("data");
    let email = program.world.dump()["orders"][0]["email"].as_str().unwrap().to_owned();
    assert!(in_files(&data, &email) > 0);

    // A process that works on the directory meanwhile has the files open as well.
    let serve = program.spawn(&["serve", "--listen", "127.0.0.1:0"]);
    let lock = data.join("owner.lock");
    until("serve owns the directory", || {
        std::fs::read_to_string(&lock).is_ok_and(|text| text.contains("pid"))
    });
    let erased = program.told(&["erase", "shop"], &format!("{}\nand more\n", email.to_uppercase()));
    let erased = erased.with(0);
    assert!(erased["erased"]["orders"].as_u64() > Some(0), "{erased:#}");
    assert_eq!((&erased["known"], &erased["already"]), (&json!(true), &json!(false)), "{erased:#}");
    assert_eq!(in_files(&data, &email), 0);
    drop(serve.kill());

    for reading in ["poll", "sync", "retry"] {
        program.ask(&[reading, "shop"]).with(0);
        assert_eq!(in_files(&data, &email), 0, "{reading}");
    }
    let compared = program.run(&["reconcile", "shop"]);
    assert!(compared.out.contains("(erased)"), "what is left there is an extra: {compared:?}");
    assert!(compared.out.contains("Delete the contact and its orders there by hand"), "{compared:?}");
    let without = Program::new(shop(5));
    without.connect();
    assert!(!without.run(&["reconcile", "shop"]).out.contains("by hand"), "nobody was erased");
    let again = program.told(&["erase", "shop"], &email).with(0);
    assert_eq!((&again["already"], &again["erased"]["orders"]), (&json!(true), &json!(0)), "{again:#}");
}

#[test]
fn an_address_that_nobody_has_is_told_of() {
    let mut program = Program::new(shop(5));
    program.connect();
    program.set("TILLSYNC_ERASE_EMAIL", Some("not.held@example.org"));
    let said = program.run(&["erase", "shop"]);
    assert!(said.status == 0 && said.out.starts_with("Nothing is held of this address"), "{said:?}");
    assert!(!said.out.contains("Erased") && !said.out.contains("not.held"), "{said:?}");
    let again = program.run(&["erase", "shop"]);
    assert!(again.out.contains("They had been erased before."), "its tombstone stands: {again:?}");
    program.set("TILLSYNC_ERASE_EMAIL", None);
    for (input, code) in [("", "config.missing"), ("\n", "config.missing"), ("no address", "config.invalid")]
    {
        assert_eq!(program.told(&["erase", "shop"], input).code(2), code, "{input:?}");
    }
}
