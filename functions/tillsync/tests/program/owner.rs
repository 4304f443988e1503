//! One process owns the data directory; the others ask it and look on (rules.md section 7).

use serde_json::json;
use tillsync_sandbox::Changes;

use crate::harness::{Program, shop, until};

#[test]
fn commands_follow_the_process_that_owns_the_directory() {
    let program = Program::new(shop(250));
    let serve = program.spawn(&["serve", "--listen", "127.0.0.1:0"]);
    let lock = program.data.path().join("data").join("owner.lock");
    until("serve owns the directory", || {
        std::fs::read_to_string(&lock).is_ok_and(|text| text.contains("pid"))
    });
    let owner = std::fs::read_to_string(&lock).unwrap();

    assert_eq!(program.ask(&["serve", "--listen", "127.0.0.1:0"]).code(2), "serve.running");
    assert_eq!(program.connect()["renewed"], false);
    let history = program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
    assert_eq!(history["run"]["state"], "complete");
    program.arrived();

    // Polls stay two minutes behind the store's index.
    let changes = Changes { new_sales: 3, refunds: 2, age_seconds: 130, ..Changes::default() };
    program.world.change(&changes);
    let poll = program.ask(&["poll", "shop"]).with(0);
    assert_eq!(poll["runs"][0]["state"], "complete");
    program.arrived();
    let runs = program.ask(&["runs", "shop"]).with(0);
    let kinds: Vec<_> = runs["runs"].as_array().unwrap().iter().map(|run| run["kind"].clone()).collect();
    assert_eq!(json!(kinds), json!(["poll", "historical"]), "newest first, each once");
    assert_eq!(std::fs::read_to_string(&lock).unwrap(), owner, "the owner was the same all the time");
    serve.kill();

    // Without an owner the same commands do the work themselves.
    program.world.change(&changes);
    program.ask(&["poll"]).with(0);
    program.arrived();
    assert_ne!(std::fs::read_to_string(&lock).unwrap(), owner);
}
