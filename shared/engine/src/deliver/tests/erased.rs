//! Somebody is erased while what was read of them is on its way.

use futures_util::future::join;

use tillsync_mapping::model::Reading;

use crate::erase::{Scope, erase};
use crate::state::{RunKind, Stream};
use crate::testing::{DAY, World, ago, order, person, ready, run};

#[tokio::test]
async fn who_is_erased_while_a_batch_is_under_way_is_not_in_the_ledger_when_it_is_answered() {
    for (kind, operation) in [(RunKind::Poll, "orders.push"), (RunKind::Historical, "orders.queue")] {
        let world = World::new().await;
        let sold = order("O1", ago(30 * DAY));
        let buyer = sold.buyer.clone().unwrap();
        world.net.hold(Some(operation));
        let going = async { world.deliver(&run(kind, "R1"), vec![ready(sold)]).await.unwrap() };
        let erasing = async {
            world.net.until(|net| net.count(operation) == 1).await;
            let scope = Scope::Connection("C1".to_owned());
            erase(&world.engine, &scope, buyer.email.expose()).await.unwrap();
            world.net.hold(None);
        };
        join(going, erasing).await;
        let row = world.row("O1").await;
        assert!(row.is_erased() && row.request.is_none() && row.was_sent(), "{operation}: {row:?}");
        let profile = world.find(Stream::Customers, buyer.id.as_deref().unwrap()).await;
        assert!(profile.is_none_or(|row| row.value.is_erased()), "{operation}: the profile");
    }
}

#[tokio::test]
async fn who_is_erased_while_they_are_imported_is_not_in_the_ledger_when_it_is_answered() {
    let world = World::new().await;
    let read = person("P-n1", ago(60));
    let Reading::Ready(customer) = &read.reading else { panic!("a person") };
    world.net.hold(Some("contacts.sync"));
    let going = async { world.import(&run(RunKind::Poll, "R1"), vec![read.clone()]).await.unwrap() };
    let erasing = async {
        world.net.until(|net| net.count("contacts.sync") == 1).await;
        erase(&world.engine, &Scope::Connection("C1".to_owned()), customer.email.expose()).await.unwrap();
        world.net.hold(None);
    };
    join(going, erasing).await;
    assert!(world.find(Stream::Customers, &read.id).await.unwrap().value.is_erased());
}
