//! A live sale by webhook, through `serve` as it is started.

use serde_json::{Value, json};
use tillsync_sandbox::Changes;

use crate::harness::{Program, port, shop, until};

#[test]
fn serve_takes_a_live_sale_by_webhook() {
    let mut program = Program::new(shop(30));
    let listen = format!("127.0.0.1:{}", port());
    let public = format!("http://{listen}");
    let word = program.source.to_uppercase();
    let owner = program.running.describe()[format!("{}_personal_token", program.source)].clone();
    program.set("TILLSYNC_PUBLIC_URL", Some(&public));
    program.set(&format!("TILLSYNC_{word}_SUBSCRIPTION_TOKEN"), owner.as_str());
    program.connect();
    program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
    let told: Value = program.ask(&["connections"]).json();
    let url = told["connections"][0]["webhook_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("{public}/webhooks/{}/", program.source)), "{url}");
    let serve = program.spawn(&["serve", "--listen", &listen]);
    until("the program listens", || std::net::TcpStream::connect(&listen).is_ok());
    let events = tillsync_mapping::sources::named(program.source).unwrap().webhooks().unwrap().events();
    let made = program.world.subscribe(&json!({"url": url, "events": events})).unwrap();
    drop(serve.kill());
    program.set(&format!("TILLSYNC_{word}_WEBHOOK_KEY"), made["signature_key"].as_str());
    let serve = program.spawn(&["serve", "--listen", &listen]);
    until("the program listens", || std::net::TcpStream::connect(&listen).is_ok());
    let touched = program.world.change(&Changes { new_sales: 1, ..Changes::default() });
    let id = touched["new_sales"][0].as_str().unwrap().to_owned();
    until("the sale", || program.world.order(&id)["records"][0]["history"].is_array());
    let order = program.world.order(&id);
    assert_eq!(order["records"][0]["history"][0]["creation_source"], "REAL_TIME", "{order:#}");
    let ran = serve.kill();
    assert!(ran.err.contains(&url), "serve prints the address: {ran:?}");
    assert!(ran.err.contains("nobody outside reaches it"), "nor is it a public one: {ran:?}");
    program.arrived();
}
