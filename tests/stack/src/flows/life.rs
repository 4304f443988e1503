//! The life of a connection by operators' events: a person erased, the key rotated, the account's key replaced, ended,
//! begun again and deleted; with no more rights than the template gives.

use serde_json::{Value, json};
use tillsync_sandbox::Changes;

use super::signing::follow;
use super::{signing, with_application};
use crate::check;
use crate::policies::traced;
use crate::stack::{FUNCTIONS, Setup, Stack};

/// Every call so far is one that the role of its function may make.
fn permitted(stack: &Stack) {
    for function in FUNCTIONS {
        let granted = stack.template.grants(function);
        let refused: Vec<_> = traced(stack, function).difference(&granted).cloned().collect();
        assert!(refused.is_empty(), "{function} is not granted {refused:?}");
    }
}

/// Sends an event about the connection, which is answered with its state.
async fn changed(stack: &Stack, action: &str, state: &str) -> Value {
    let answer = stack.ask(action).await;
    assert_eq!((&answer["ok"], &answer["already"]), (&json!(true), &json!(false)), "{action}: {answer}");
    assert_eq!(answer["connection"]["state"], state, "{action}: {answer}");
    answer
}

/// Somebody's address among those whose sales arrived.
fn somebody(stack: &Stack) -> String {
    let orders = stack.world.expected_orders(None);
    let order = orders.as_array().unwrap().iter().find(|order| order["eligible"] == true).unwrap();
    order["email"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lives_by_events_with_the_rights_of_the_template() {
    let stack = with_application(Setup::of(60)).start().await;
    signing(&stack, "Shop").await;
    stack.ask("start").await;
    check::complete(&stack, &stack.ended().await);

    let url = stack.running.activecampaign_url.clone();
    let moving = json!({"action": "set_destination", "connection": "Shop", "destination_url": url});
    let moved = stack.operator(moving).await.ok();
    assert_eq!(
        (&moved["destination"]["same_url"], &moved["restarted"]),
        (&json!(true), &json!([])),
        "{moved}"
    );
    let rotated = stack.operator(json!({"action": "rotate_key"})).await.ok();
    assert_eq!((&rotated["ok"], &rotated["left"]), (&json!(true), &json!(0)), "{rotated}");
    assert!(rotated["secrets"].as_u64().unwrap() >= 2, "the token and the key: {rotated}");

    let ended = changed(&stack, "disconnect", "disconnected").await;
    assert!(ended["note"].as_str().unwrap().contains("authorisation is taken back"), "{ended}");
    assert_eq!(stack.ask("disconnect").await["already"], true);
    let again = json!({"action": "reconnect", "connection": "Shop"});
    assert_eq!(stack.operator(again).await.error().0, "connection.authorise");
    stack.world.change(&Changes { new_sales: 3, age_seconds: 150, ..Changes::default() });
    let asked = stack.operator(json!({"action": "sign_in", "connection": "Shop"})).await.ok();
    let (page, ..) = follow(&stack, asked["link"].as_str().unwrap()).await;
    assert_eq!(page["statusCode"], 200, "{page}");
    // Signing in for it has begun it again.
    let again = stack.ask("reconnect").await;
    assert_eq!(
        (&again["already"], &again["connection"]["state"]),
        (&json!(true), &json!("active")),
        "{again}"
    );
    assert_eq!(stack.tick().await["due"], 1);
    check::complete(&stack, &stack.poll_ended().await);
    check::arrived(&stack);

    let erasing = json!({"action": "erase", "connection": "Shop", "address": somebody(&stack)});
    let erased = stack.operator(erasing.clone()).await.ok();
    assert_eq!((&erased["ok"], &erased["already"]), (&json!(true), &json!(false)), "{erased}");
    assert!(erased["erased"]["orders"].as_u64().unwrap() >= 1, "{erased}");
    assert_eq!(stack.operator(erasing).await.ok()["already"], true);
    // Under the tombstone's key too.
    let rotated = stack.operator(json!({"action": "rotate_key"})).await.ok();
    assert_eq!((&rotated["ok"], &rotated["left"]), (&json!(true), &json!(0)), "{rotated}");

    changed(&stack, "delete_import", "deleted").await;
    assert_eq!(stack.operator(json!({"action": "list"})).await.ok()["connections"], json!([]));
    stack.quiet().await;
    permitted(&stack);
    check::clean(&stack);
    check::discreet(&stack).await;
}
