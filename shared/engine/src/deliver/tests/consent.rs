use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tillsync_mapping::model::{Customer, Email, Observed, Reading};

use crate::fault::Kind;
use crate::run::{start_poll, start_retry};
use crate::state::{Address, ConnectionState, Row, RunKind, State, Stream, load};
use crate::testing::{DAY, HOUR, Trouble, World, ago, beginning, connection, order, person, ready, run};

const ANN: &str = "a@example.org";

/// A profile of an address that says whether it takes no e-mails.
fn says(profile: &str, email: &str, out: bool, at: jiff::Timestamp) -> Observed<Customer> {
    let mut record = person(profile, at);
    if let Reading::Ready(customer) = &mut record.reading {
        let customer = Arc::make_mut(customer);
        customer.email = Email::parse(email).unwrap();
        customer.accepts_marketing = out.then_some(false);
    }
    record
}

/// A world in which the address has bought, by an order that said nothing of e-mail.
async fn bought(kind: RunKind) -> World {
    let world = World::new().await;
    world.deliver(&run(kind, "R1"), vec![ready(order("A", ago(30 * DAY)))]).await.unwrap();
    assert_eq!(world.net.account().consents(ANN), [("7".to_owned(), Value::Null)]);
    world
}

fn consents(world: &World) -> Vec<Value> {
    world.net.account().consents(ANN).into_iter().map(|(_, accepts)| accepts).collect()
}

fn calls(world: &World) -> (usize, usize) {
    (world.calls("customers.find"), world.calls("customers.opt_out"))
}

async fn owed(world: &World) -> Option<jiff::Timestamp> {
    let mark = crate::deliver::address_key(&Email::parse(ANN).unwrap());
    let key = Address::key(&world.connection.people_partition(), &mark);
    let row: Option<Row<Address>> = load(&*world.store, key).await.unwrap();
    row.and_then(|row| row.value.owed)
}

#[tokio::test]
async fn an_opt_out_after_the_order_is_told_once_whoever_of_the_address_says_it() {
    for kind in [RunKind::Historical, RunKind::Poll] {
        for (profile, email) in [("P-A", ANN), ("P-second", "A@Example.org")] {
            let world = bought(kind).await;
            let out = says(profile, email, true, ago(60));
            world.import(&run(kind, "R2"), vec![out.clone()]).await.unwrap();
            assert_eq!((consents(&world), calls(&world)), (vec![json!("0")], (1, 1)), "{kind:?} {profile}");
            world.import(&run(kind, "R3"), vec![out]).await.unwrap();
            assert_eq!((calls(&world), owed(&world).await), ((1, 1), None), "told once");
        }
    }
}

#[tokio::test]
async fn nobody_is_asked_about_where_nothing_is_to_be_told() {
    let world = bought(RunKind::Poll).await;
    let silent = [
        ("no order was sent", vec![says("P-none", "none@example.org", true, ago(60))]),
        ("nobody opted out", vec![says("P-A", ANN, false, ago(60)), says("P-second", ANN, false, ago(50))]),
    ];
    for (n, (why, people)) in silent.into_iter().enumerate() {
        world.import(&run(RunKind::Poll, &format!("R{}", n + 2)), people).await.unwrap();
        assert_eq!(calls(&world), (0, 0), "{why}");
    }
    // The order itself says it, and it is the first of its address.
    let mut sale = order("B", ago(HOUR));
    sale.buyer.as_mut().unwrap().accepts_marketing = Some(false);
    world.deliver(&run(RunKind::Poll, "R5"), vec![ready(sale)]).await.unwrap();
    world.import(&run(RunKind::Poll, "R6"), vec![says("P-B", "b@example.org", true, ago(60))]).await.unwrap();
    assert_eq!(calls(&world), (0, 0));
    assert_eq!(world.net.account().consents("b@example.org"), [("7".to_owned(), json!("0"))]);
}

#[tokio::test]
async fn a_withdrawn_opt_out_tells_nobody_anything() {
    let world = bought(RunKind::Poll).await;
    for (n, out) in [true, false, false].into_iter().enumerate() {
        let said = says("P-A", ANN, out, ago(60 - i64::try_from(n).unwrap()));
        world.import(&run(RunKind::Poll, &format!("W{n}")), vec![said]).await.unwrap();
    }
    assert_eq!((consents(&world), calls(&world)), (vec![json!("0")], (1, 1)), "false is no consent");
    // One that is withdrawn before it could be told is not told.
    let world = bought(RunKind::Poll).await;
    world.net.plan("customers.find", 0, Trouble::Says(500, None));
    let run = run(RunKind::Poll, "R2");
    let fault = world.import(&run, vec![says("P-A", ANN, true, ago(60))]).await.unwrap_err();
    assert_eq!((fault.kind, owed(&world).await), (Kind::Retry, Some(beginning())));
    let before = calls(&world);
    world.net.mend();
    world.import(&run, vec![says("P-A", ANN, false, ago(50))]).await.unwrap();
    assert_eq!((calls(&world), owed(&world).await, consents(&world)), (before, None, vec![Value::Null]));
}

#[tokio::test]
async fn every_connection_of_the_store_and_destination_is_told() {
    let states = [
        (ConnectionState::Active, true),
        (ConnectionState::Paused, true),
        (ConnectionState::NeedsReconnect, true),
        (ConnectionState::Disconnected, false),
    ];
    for (state, is_told) in states {
        let world = bought(RunKind::Poll).await;
        let mut second = connection("C2", "L2");
        (second.remote, second.name, second.state) = (Some(8), "Quai".to_owned(), state);
        world.save(&second).await;
        // A store of somebody else, who has the same customer.
        let mut other = connection("C3", "L3");
        (other.remote, other.name, other.store) = (Some(9), "Elsewhere".to_owned(), "M2".to_owned());
        world.save(&other).await;
        for remote in ["8", "9"] {
            let sale = json!({"legacyConnectionId": remote.parse::<i64>().unwrap(), "email": ANN,
                "storeCustomerId": "P-A"});
            world.net.account().buy(&sale);
        }
        world.import(&run(RunKind::Poll, "R2"), vec![says("P-A", ANN, true, ago(60))]).await.unwrap();
        let second = if is_told { json!("0") } else { Value::Null };
        assert_eq!(consents(&world), [json!("0"), second, Value::Null], "{state:?}");
    }
}

#[tokio::test]
async fn what_interrupts_is_made_good_by_the_next_reading() {
    let troubles = [
        ("customers.find", Trouble::Says(500, None)),
        ("customers.find", Trouble::NotSent),
        ("customers.find", Trouble::Body("{}")),
        ("customers.opt_out", Trouble::Says(503, None)),
        ("customers.opt_out", Trouble::Lost),
        ("customers.opt_out", Trouble::Landed),
        ("customers.opt_out", Trouble::Body("<html>")),
    ];
    for (operation, trouble) in troubles {
        let world = bought(RunKind::Poll).await;
        world.net.plan(operation, 0, trouble.clone());
        let run = run(RunKind::Poll, "R2");
        let fault = world.import(&run, vec![says("P-A", ANN, true, ago(60))]).await.unwrap_err();
        assert_eq!((fault.kind, owed(&world).await), (Kind::Retry, Some(beginning())), "{trouble:?}");
        world.net.mend();
        // Another profile of the address does as well.
        world.import(&run, vec![says("P-second", ANN, false, ago(40))]).await.unwrap();
        assert_eq!((consents(&world), owed(&world).await), (vec![json!("0")], None), "{trouble:?}");
    }
}

#[tokio::test]
async fn a_refusal_parks_the_person_and_nobody_else() {
    for (operation, status) in [("customers.find", 400), ("customers.opt_out", 422)] {
        let world = bought(RunKind::Poll).await;
        world.net.plan(operation, 0, Trouble::Says(status, None));
        let people = vec![says("P-A", ANN, true, ago(60)), person("P-other", ago(50))];
        let tally = world.import(&run(RunKind::Poll, "R2"), people.clone()).await.unwrap();
        assert!(tally.agrees());
        assert_eq!((tally.parked["destination.invalid_record"], tally.synced), (1, 1), "{operation}");
        let row = world.find(Stream::Customers, "P-A").await.unwrap().value;
        assert_eq!((row.state, row.reason.as_deref()), (State::Parked, Some("destination.invalid_record")));
        let before = calls(&world);
        let again = world.import(&run(RunKind::Poll, "R3"), people).await.unwrap();
        assert_eq!((again.parked_earlier, calls(&world)), (1, before), "it rests until somebody asks");
        world.net.mend();
        world.net.shop().meet("P-A", ago(40 * DAY));
        world.net.shop().unsubscribe("P-A", true, ago(60));
        start_retry(&world.engine, "C1", None).await.unwrap();
        world.work().await;
        assert_eq!((consents(&world), owed(&world).await), (vec![json!("0")], None), "{operation}");
        assert_eq!(world.find(Stream::Customers, "P-A").await.unwrap().value.state, State::Synced);
    }
}

/// Queued orders make their customers late, and some never come.
#[tokio::test]
async fn a_customer_that_is_not_there_yet_is_looked_for_again() {
    for (comes, minutes) in [(Some(0), vec![16]), (Some(1), vec![16, 121]), (None, vec![16, 121, 1_441])] {
        let world = bought(RunKind::Historical).await;
        world.net.shop().meet("P-A", ago(40 * DAY));
        world.net.shop().unsubscribe("P-A", true, ago(10 * DAY));
        let late = std::mem::take(&mut world.net.account().customers);
        world
            .import(&run(RunKind::Historical, "R2"), vec![says("P-A", ANN, true, ago(10 * DAY))])
            .await
            .unwrap();
        assert_eq!((calls(&world), owed(&world).await), ((1, 0), Some(beginning())));
        for (n, minute) in minutes.iter().enumerate() {
            if comes == Some(n) {
                world.net.account().customers.clone_from(&late);
            }
            let elapsed = world.engine.now().duration_since(beginning());
            let wait = minute * 60 - elapsed.as_secs();
            world.clock.advance(Duration::from_secs(u64::try_from(wait).unwrap()));
            start_poll(&world.engine, "C1").await.unwrap();
            world.work().await;
            assert_eq!(world.calls("customers.find"), n + 2, "{minute} minutes");
        }
        assert_eq!(owed(&world).await, None, "{comes:?}");
        let told: Vec<Value> = comes.map(|_| json!("0")).into_iter().collect();
        assert_eq!(consents(&world), told);
        let before = calls(&world);
        world.clock.advance(Duration::from_secs(3_600));
        start_poll(&world.engine, "C1").await.unwrap();
        world.work().await;
        assert_eq!(calls(&world), before, "that was the last look");
    }
}

#[tokio::test]
async fn many_opt_outs_at_once_are_told_by_and_by() {
    let world = World::new().await;
    let ids: Vec<String> = (0..120).map(|n| format!("o{n:03}")).collect();
    let sales = ids.iter().map(|id| ready(order(id, ago(30 * DAY)))).collect();
    world.deliver(&run(RunKind::Poll, "R1"), sales).await.unwrap();
    let people = ids.iter().map(|id| format!("P-{id}"));
    for profile in people.clone() {
        world.net.shop().meet(&profile, ago(40 * DAY));
        world.net.shop().unsubscribe(&profile, true, ago(DAY));
    }
    let out = people.map(|id| says(&id, &format!("{}@example.org", &id[2..]), true, ago(DAY))).collect();
    world.import(&run(RunKind::Poll, "R2"), out).await.unwrap();
    assert_eq!(calls(&world), (50, 50));
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(120));
        start_poll(&world.engine, "C1").await.unwrap();
        world.work().await;
    }
    assert_eq!(calls(&world), (120, 120));
    assert!(world.net.account().customers.iter().all(|one| one["acceptsMarketing"] == "0"));
}

#[tokio::test]
async fn a_history_of_people_who_say_nothing_makes_no_call_for_it() {
    let world = World::new().await;
    let sales = (0..200).map(|n| ready(order(&format!("s{n}"), ago(30 * DAY)))).collect();
    world.deliver(&run(RunKind::Historical, "R1"), sales).await.unwrap();
    let people = (0..2_000).map(|n| person(&format!("P-s{n}"), ago(20 * DAY))).collect();
    let tally = world.import(&run(RunKind::Historical, "R1"), people).await.unwrap();
    assert_eq!((tally.observed, calls(&world)), (2_000, (0, 0)));
    assert_eq!(world.calls("contacts.import"), 8, "1,800 people without an order");
}

#[tokio::test]
async fn a_sibling_that_ends_in_the_middle_of_a_page_is_told_no_more() {
    for ends in [false, true] {
        let world = bought(RunKind::Poll).await;
        let mut second = connection("C2", "L2");
        (second.remote, second.name) = (Some(8), "Quai".to_owned());
        world.save(&second).await;
        let sale = json!({"legacyConnectionId": 8, "email": ANN, "storeCustomerId": "P-A"});
        world.net.account().buy(&sale);
        world.net.hold(Some("customers.opt_out"));
        let people = vec![says("P-A", ANN, true, ago(60))];
        let run = run(RunKind::Poll, "R2");
        let going = async { world.import(&run, people).await.unwrap() };
        let ending = async {
            world.net.until(|net| net.count("customers.opt_out") == 1).await;
            if ends {
                (second.state, second.epoch) = (ConnectionState::Disconnected, second.epoch + 1);
                world.save(&second).await;
            }
            world.net.hold(None);
        };
        futures_util::future::join(going, ending).await;
        let second = if ends { Value::Null } else { json!("0") };
        assert_eq!(consents(&world), [json!("0"), second], "ends: {ends}");
    }
}
