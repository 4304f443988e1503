//! Records that an ended run left behind: polls take them up again, and nothing goes out twice in a minute.

use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::SignedDuration;

use super::super::{cancel, handle, start_backfill, start_poll, start_retry, start_sync, sweep};
use crate::message::Work;
use crate::ports::{Lane, Store};
use crate::state::{ConnectionState, RunState, State, Stream};
use crate::sums::Streams;
use crate::testing::{DAY, HOUR, Trouble, World, ago};

/// How a run comes to leave something behind.
#[derive(Clone, Copy, Debug)]
enum Scene {
    /// A history whose orders are queued, and can never be read back.
    NotReadBack,
    /// The same, cancelled before that.
    Cancelled,
    /// The destination refuses the key in the middle of a page: nobody resumes the history.
    KeyRefused,
    /// What was parked is tried again when the key is refused.
    Retried,
    /// The same, by a manual sync.
    Synced,
    /// A young sale whose customer came is looked at, and its reply is lost for good.
    Late,
    /// The same, and the key is refused instead.
    LateRefused,
    /// People of a history are being imported, and the destination never says what became of it.
    Import,
    /// The destination cannot be reached for so long that the history is given up: what was to be sent is noted.
    Unreachable,
}

const ALL: [Scene; 9] = [
    Scene::NotReadBack,
    Scene::Cancelled,
    Scene::KeyRefused,
    Scene::Retried,
    Scene::Synced,
    Scene::Late,
    Scene::LateRefused,
    Scene::Import,
    Scene::Unreachable,
];

/// What was queued is lost by then, where a test has no time.
const SOON: SignedDuration = SignedDuration::from_secs(90);

async fn sums(world: &World) -> Streams {
    crate::connections::sums(&world.engine, &world.connection).await.unwrap()
}

/// Works until nothing is queued, whatever comes of it.
async fn work(world: &World) {
    for _ in 0..20_000 {
        match world.take().await {
            Some(delivery) => drop(handle(&world.engine, &delivery).await.unwrap()),
            None if world.idle().await => return,
            None => world.clock.advance(Duration::from_secs(5)),
        }
    }
    panic!("the work does not end");
}

/// So many ticks, half an hour from one to the next, worked off.
async fn ticks(world: &World, n: usize) {
    for _ in 0..n {
        world.clock.advance(Duration::from_secs(1_800));
        sweep(&world.engine, true).await.unwrap();
        work(world).await;
    }
}

/// Brings about what is left behind; the run that left it.
async fn leave(world: &mut World, scene: Scene) -> String {
    match scene {
        Scene::NotReadBack | Scene::Cancelled => {
            world.net.plan("orders.read_back", 0, Trouble::Says(500, None));
            world.net.plan("orders.get", 0, Trouble::Says(500, None));
            let run = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run.id;
            if matches!(scene, Scene::Cancelled) {
                while world.load_run(&run).await.phase != crate::state::Phase::Settle {
                    let delivery = world.take().await.unwrap();
                    handle(&world.engine, &delivery).await.unwrap();
                }
                cancel(&world.engine, "C1").await.unwrap();
            }
            run
        }
        Scene::KeyRefused => {
            world.net.plan("orders.queue", 1, Trouble::Says(403, None));
            start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run.id
        }
        Scene::Retried | Scene::Synced => {
            world.net.account().refused.extend(["O1".to_owned(), "O2".to_owned()]);
            start_backfill(&world.engine, "C1", &Default::default()).await.unwrap();
            work(world).await;
            assert_eq!(sums(world).await.orders.parked_total(), 2);
            world.net.account().refused.clear();
            world.clock.advance(Duration::from_secs(600));
            world.net.plan("orders.push", 0, Trouble::Says(403, None));
            match scene {
                Scene::Retried => start_retry(&world.engine, "C1", None).await.unwrap().run.id,
                _ => start_sync(&world.engine, "C1").await.unwrap().run.id,
            }
        }
        Scene::Late | Scene::LateRefused => {
            let sold = world.engine.now() - SignedDuration::from_mins(5);
            world.net.shop().sell_to_nobody("late", None, sold);
            ticks(world, 1).await;
            assert_eq!(world.row("late").await.state, State::Pending);
            // Its customer comes, and no time of change says so: only the mark leads to it.
            world.net.shop().attach("late", "P-late", sold);
            world.clock.advance(Duration::from_secs(1_800));
            let trouble = match scene {
                Scene::Late => Trouble::Lost,
                _ => Trouble::Says(403, None),
            };
            world.net.plan("orders.push", 0, trouble);
            world.net.plan("orders.get", 0, Trouble::Says(500, None));
            start_poll(&world.engine, "C1").await.unwrap().run.id
        }
        Scene::Import => {
            (0..12).for_each(|n| world.net.shop().meet(&format!("P-guest{n}"), ago(40 * DAY)));
            world.net.plan("contacts.import_info", 0, Trouble::Says(500, None));
            start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run.id
        }
        Scene::Unreachable => {
            let run = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run.id;
            world.net.plan("orders.queue", 0, Trouble::NotSent);
            world.net.plan("orders.push", 0, Trouble::NotSent);
            run
        }
    }
}

/// What is left behind is there in the end, sent as it was decided at first, and never twice within a minute.
#[tokio::test]
async fn what_an_ended_run_left_behind_is_taken_up_again() {
    for scene in ALL {
        let mut world = World::new().await;
        world.connection.last_sync = Some(ago(60));
        world.save(&world.connection).await;
        for n in 0..4 {
            world.net.shop().sell(&format!("O{n}"), ago((30 - n) * DAY));
        }
        let run = leave(&mut world, scene).await;
        work(&world).await;
        let left = world.load_run(&run).await;
        let ended = [RunState::Incomplete, RunState::Cancelled].contains(&left.state) && left.ended();
        assert!(ended, "{scene:?}: {left:?}");
        let before = sums(&world).await;
        assert!(before.orders.pending + before.customers.pending > 0, "{scene:?}: {before:?}");
        // Both sides work again, somebody has put the key right, and polls run.
        world.net.mend();
        let mut connection = crate::connections::find(&world.engine, "C1").await.unwrap();
        (connection.state, connection.problem) = (ConnectionState::Active, None);
        world.save(&connection).await;
        ticks(&world, 3).await;
        let after = sums(&world).await;
        assert_eq!((after.orders.pending, after.customers.pending), (0, 0), "{scene:?}: {after:?}");
        assert_eq!(after.orders.parked_total() + after.customers.parked_total(), 0, "{scene:?}: {after:?}");
        for (id, (order, _)) in &world.net.account().orders {
            let live = if id == "late" { "REAL_TIME" } else { "HISTORICAL" };
            assert_eq!(order["creationSource"], live, "{scene:?}: {id}");
        }
        for id in ["O0", "O1", "O2", "O3", "late"] {
            let sent = world.net.sent(id);
            let apart = |pair: &[jiff::Timestamp]| pair[1].duration_since(pair[0]).as_secs() >= 60;
            // A refusal was answered: it needs no landing time.
            let answered = matches!(scene, Scene::Retried | Scene::Synced | Scene::Unreachable);
            assert!(answered || sent.windows(2).all(apart), "{scene:?}: {id} {sent:?}");
        }
        for import in world.net.bodies("contacts.import") {
            assert_eq!(import["exclude_automations"], true, "{scene:?}");
        }
        // And then a look is enough again.
        let runs = crate::connections::runs(&world.engine, "C1").await.unwrap().len();
        ticks(&world, 2).await;
        assert_eq!(crate::connections::runs(&world.engine, "C1").await.unwrap().len(), runs, "{scene:?}");
    }
}

#[tokio::test]
async fn what_is_on_its_way_in_a_run_at_work_is_left_to_it() {
    let world = World::new().await;
    for n in 0..3 {
        world.net.shop().sell(&format!("O{n}"), ago((30 - n) * DAY));
    }
    world.net.account().delay = 600;
    let run = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run.id;
    while world.load_run(&run).await.phase != crate::state::Phase::Settle {
        let delivery = world.take().await.unwrap();
        handle(&world.engine, &delivery).await.unwrap();
    }
    // A mark of some other run, long ago.
    let mark = super::super::late::mark_run("C1", "R0", ago(HOUR)).unwrap();
    world.store.transact(vec![mark]).await.unwrap();
    let poll = start_poll(&world.engine, "C1").await.unwrap().run;
    work(&world).await;
    assert_eq!(world.load_run(&poll.id).await.streams.unwrap().orders.observed, 0);
    assert_eq!(world.load_run(&run).await.state, RunState::Complete);
    assert_eq!(world.calls("orders.push"), 0);
    assert!(
        world.store.query("CONN#C1", "DUE#", None, 10).await.unwrap().is_empty(),
        "it has been looked at"
    );
}

/// Many are taken up by several polls; the mark stays until the last of them.
#[tokio::test]
async fn more_than_one_run_takes_up_is_left_to_the_next() {
    let mut world = World::new().await;
    world.connection.last_sync = Some(ago(60));
    world.save(&world.connection).await;
    for n in 0..2_300 {
        world.net.shop().sell_to(&format!("O{n:04}"), "P-one", ago(30 * DAY - n));
    }
    world.net.plan("orders.read_back", 0, Trouble::Says(500, None));
    start_backfill(&world.engine, "C1", &Default::default()).await.unwrap();
    work(&world).await;
    world.net.mend();
    assert_eq!(sums(&world).await.orders.pending, 2_300);
    ticks(&world, 1).await;
    assert_eq!(sums(&world).await.orders.pending, 300);
    ticks(&world, 1).await;
    assert_eq!(sums(&world).await.orders.pending, 0);
}

/// A row is written before its flight: whoever settles falls between the two, or anywhere else.
#[tokio::test]
async fn settling_may_fall_anywhere_and_leaves_nobody_behind() {
    for n in 1.. {
        let mut world = World::new().await;
        world.engine.config.timing.lost_after = SOON;
        for n in 0..3 {
            world.net.shop().sell(&format!("O{n}"), ago((30 - n) * DAY));
        }
        // Queued and lost; the second write gets no answer either, once with and once without being carried out.
        world.net.account().loses.extend([("O0".to_owned(), 1), ("O1".to_owned(), 1), ("O2".to_owned(), 1)]);
        world.net.plan("orders.push", 1, if n % 2 == 0 { Trouble::Lost } else { Trouble::Landed });
        let run = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run.id;
        while world.load_run(&run).await.phase != crate::state::Phase::Settle {
            let delivery = world.take().await.unwrap();
            handle(&world.engine, &delivery).await.unwrap();
        }
        world.trip.arm(n);
        let fell =
            matches!(select(Box::pin(work(&world)), Box::pin(world.trip.fallen())).await, Either::Right(_));
        if !fell {
            assert!(n > 20, "{n} effects only");
            return;
        }
        world.restart("two");
        world.engine.config.timing.lost_after = SOON;
        world.clock.advance(Duration::from_secs(120));
        sweep(&world.engine, true).await.unwrap();
        work(&world).await;
        let ended = world.load_run(&run).await;
        let orders = ended.streams.clone().unwrap().orders;
        // One that is lost for the second time, and alone in its flight since the fall, is parked.
        let lost = orders.parked.get("destination.lost").copied().unwrap_or(0);
        let told = (ended.state, orders.observed, orders.synced + lost);
        assert_eq!(told, (RunState::Complete, 3, 3), "fell at {n}: {orders:?}");
        assert!(lost == 0 || n % 2 == 0, "fell at {n}: what was carried out is not lost");
        let kept = sums(&world).await.orders;
        assert_eq!((kept.synced, kept.parked_total()), (orders.synced, lost), "fell at {n}");
        for id in ["O0", "O1", "O2"] {
            let row = world.find(Stream::Orders, id).await.unwrap().value;
            assert!(row.state != State::Pending && row.intent.is_none(), "fell at {n}: {row:?}");
        }
    }
}

#[tokio::test]
async fn the_message_of_a_poll_carries_what_was_left_and_nothing_else_is_searched() {
    let world = World::new().await;
    world.net.shop().sell("O1", ago(HOUR));
    world.engine.send(Lane::Live, "C1", &[Work::Poll { connection: "C1".into() }]).await.unwrap();
    work(&world).await;
    assert_eq!(world.row("O1").await.state, State::Synced);
    assert!(
        world.store.query("CONN#C1", "DUE#", None, 10).await.unwrap().is_empty(),
        "a run that is complete marks nothing"
    );
}
