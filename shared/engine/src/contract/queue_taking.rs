//! What becomes of a message that was taken.

use std::time::Duration;

use super::Subject;
use super::queue::{A_WHILE, LONG, LONGER, gather, nothing, only, send};
use crate::ports::{Dead, Lane, MAX_ATTEMPTS, Queue};

type Under = Subject<dyn Queue>;

pub(super) async fn taken_is_hidden_then_returns(under: &Under) {
    send(under, Lane::Live, "g", &["m"]).await;
    let first = only(under, Lane::Live, A_WHILE).await;
    under.time.pass(LONGER).await;
    let second = only(under, Lane::Live, A_WHILE).await;
    assert_eq!((first.attempts, second.attempts), (1, 2), "every taking counts");
    assert_ne!(first.receipt, second.receipt, "a receipt names a taking, not a message");
    assert_eq!(second.body, "m");
    under.time.pass(LONGER).await;
    assert_eq!(only(under, Lane::Live, LONG).await.attempts, 3);
}

pub(super) async fn acknowledged_is_gone(under: &Under) {
    send(under, Lane::Live, "g", &["m"]).await;
    let delivery = only(under, Lane::Live, A_WHILE).await;
    under.port.ack(&delivery).await.expect("acknowledges");
    under.port.ack(&delivery).await.expect("acknowledging twice is no error");
    under.time.pass(LONGER).await;
    nothing(under, Lane::Live).await;
    assert_eq!(under.port.depth(Lane::Live).await.expect("counts"), 0);
    // A new message must not take over the place the old receipt names.
    send(under, Lane::Live, "g", &["n"]).await;
    only(under, Lane::Live, A_WHILE).await;
    under.port.ack(&delivery).await.expect("answers");
    assert_eq!(under.port.depth(Lane::Live).await.expect("counts"), 1);
}

pub(super) async fn a_late_acknowledgement_counts(under: &Under) {
    send(under, Lane::Live, "g", &["m"]).await;
    let delivery = gather(under, Lane::Live, 1, A_WHILE).await.remove(0);
    under.time.pass(LONGER).await;
    under.port.ack(&delivery).await.expect("acknowledges");
    nothing(under, Lane::Live).await;
    assert_eq!(under.port.depth(Lane::Live).await.expect("counts"), 0, "nobody had taken it since");
}

pub(super) async fn an_old_receipt_does_nothing(under: &Under) {
    send(under, Lane::Live, "g", &["m"]).await;
    let old = gather(under, Lane::Live, 1, A_WHILE).await.remove(0);
    under.time.pass(LONGER).await;
    let new = only(under, Lane::Live, A_WHILE).await;
    under.port.ack(&old).await.expect("answers");
    assert_eq!(under.port.depth(Lane::Live).await.expect("counts"), 1, "an old receipt acknowledges nothing");
    under.port.release(&old, Duration::ZERO).await.expect("answers");
    nothing(under, Lane::Live).await;
    under.port.defer(&old, Duration::ZERO).await.expect("answers");
    nothing(under, Lane::Live).await;
    under.port.extend(&old, LONG).await.expect("answers");
    under.time.pass(LONGER).await;
    let newest = only(under, Lane::Live, LONG).await;
    assert_eq!(newest.attempts, 3, "nor does it count, uncount or prolong anything");
    under.port.ack(&new).await.expect("answers");
    assert_eq!(under.port.depth(Lane::Live).await.expect("counts"), 1);
    under.port.ack(&newest).await.expect("acknowledges");
    assert_eq!(under.port.depth(Lane::Live).await.expect("counts"), 0);
}

pub(super) async fn extending_hides_longer(under: &Under) {
    send(under, Lane::Live, "g", &["m"]).await;
    let delivery = gather(under, Lane::Live, 1, A_WHILE).await.remove(0);
    under.time.pass(Duration::from_secs(6)).await;
    under.port.extend(&delivery, A_WHILE).await.expect("extends");
    under.time.pass(Duration::from_secs(6)).await;
    nothing(under, Lane::Live).await;
    under.port.extend(&delivery, A_WHILE).await.expect("the same receipt serves again");
    under.time.pass(Duration::from_secs(6)).await;
    nothing(under, Lane::Live).await;
    under.time.pass(Duration::from_secs(3)).await;
    assert_eq!(only(under, Lane::Live, LONG).await.attempts, 2, "extending is no taking");
}

pub(super) async fn releasing_counts(under: &Under) {
    send(under, Lane::Live, "g", &["m"]).await;
    let delivery = gather(under, Lane::Live, 1, LONG).await.remove(0);
    under.port.release(&delivery, Duration::ZERO).await.expect("releases");
    let delivery = only(under, Lane::Live, LONG).await;
    assert_eq!(delivery.attempts, 2);
    under.port.release(&delivery, A_WHILE).await.expect("releases");
    nothing(under, Lane::Live).await;
    under.time.pass(LONGER).await;
    assert_eq!(only(under, Lane::Live, LONG).await.attempts, 3);
}

pub(super) async fn deferring_does_not_count(under: &Under) {
    send(under, Lane::Live, "g", &["m"]).await;
    for _ in 0..2 * MAX_ATTEMPTS {
        let delivery = only(under, Lane::Live, LONG).await;
        assert_eq!(delivery.attempts, 1, "a message that had to wait was not tried");
        under.port.defer(&delivery, Duration::ZERO).await.expect("defers");
    }
    let delivery = only(under, Lane::Live, LONG).await;
    under.port.release(&delivery, Duration::ZERO).await.expect("releases");
    let delivery = only(under, Lane::Live, LONG).await;
    assert_eq!(delivery.attempts, 2);
    under.port.defer(&delivery, A_WHILE).await.expect("defers");
    under.port.ack(&delivery).await.expect("answers");
    assert_eq!(under.port.depth(Lane::Live).await.expect("counts"), 1, "the receipt was used up");
    nothing(under, Lane::Live).await;
    under.time.pass(LONGER).await;
    assert_eq!(only(under, Lane::Live, LONG).await.attempts, 2, "earlier tries still count");
}

pub(super) async fn taken_too_often_is_dead(under: &Under) {
    for (body, others) in [("first", "o1"), ("second", "o2")] {
        send(under, Lane::Live, "g", &[body]).await;
        for attempt in 1..=MAX_ATTEMPTS {
            let delivery = only(under, Lane::Live, LONG).await;
            assert_eq!((delivery.attempts, delivery.body.as_str()), (attempt, body));
            under.port.release(&delivery, Duration::ZERO).await.expect("releases");
        }
        // The dead one takes no place in a hand.
        send(under, Lane::Live, "g", &[others]).await;
        let delivery = only(under, Lane::Live, LONG).await;
        assert_eq!(delivery.body, others);
        under.port.ack(&delivery).await.expect("acknowledges");
    }
    let dead = |body: &str| Dead { body: body.to_owned(), attempts: MAX_ATTEMPTS };
    assert_eq!(under.port.dead(Lane::Live, 10).await.expect("lists"), [dead("first"), dead("second")]);
    assert_eq!(under.port.dead(Lane::Live, 1).await.expect("lists"), [dead("first")], "oldest first");
    assert_eq!(under.port.dead(Lane::History, 10).await.expect("lists"), [], "lanes are apart in death too");
    assert_eq!(under.port.depth(Lane::Live).await.expect("counts"), 0);
}
