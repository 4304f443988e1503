//! A checker that finds nothing is worth nothing: every promise is broken once.

use jiff::{SignedDuration, Timestamp};

use super::{PROMISES, judge};
use crate::history::{Fact, History, Landed};
use crate::plan::beginning;
use crate::shop::{Person, Sale};

fn at(seconds: i64) -> Timestamp {
    beginning() + SignedDuration::from_secs(seconds)
}

fn landed(seconds: i64, amount: &str) -> Landed {
    Landed {
        at: at(seconds),
        order: "O0".to_owned(),
        modified: at(seconds - 60).to_string(),
        date: at(-600).to_string(),
        amount: amount.to_owned(),
        status: "COMPLETED".to_owned(),
        live: true,
        queued: false,
    }
}

fn item(pk: &str, sk: &str, body: &str) -> (String, String, String) {
    (pk.to_owned(), sk.to_owned(), body.to_owned())
}

/// One sale that was sent as it should be.
fn sound() -> History {
    let person = Person {
        id: "P0".to_owned(),
        email: Some("p0@example.org".to_owned()),
        out: false,
        created: at(-9_000),
        updated: at(-9_000),
    };
    let sale = Sale {
        id: "O0".to_owned(),
        person: Some("P0".to_owned()),
        created: at(-600),
        updated: at(-600),
        paid_updated: at(-600),
        total: 1_250,
        refunded: 0,
        paid: true,
        attached: false,
    };
    let run = format!(
        r#"{{"started":"{}","finished":"x","state":"complete","kind":"historical","streams":{{"orders":{{"observed":1,"synced":1}}}}}}"#,
        at(100)
    );
    History {
        landed: vec![landed(120, "12.5")],
        there: [("O0".to_owned(), ("12.5".to_owned(), "COMPLETED".to_owned()))].into(),
        sales: vec![sale],
        buyers: [("O0".to_owned(), "p0@example.org".to_owned())].into(),
        consent: [("p0@example.org".to_owned(), None)].into(),
        tags: [("O0".to_owned(), "synced".to_owned())].into(),
        people: vec![person],
        items: vec![
            item("CONN#C1", "META", &format!(r#"{{"last_sync":"{}"}}"#, at(3_000))),
            item("CONN#C1", "REC#orders#O0", r#"{"state":"synced"}"#),
            item("CONN#C1", "RUN#1", &run),
        ],
        connected: at(-60),
        backfilled: true,
        faultless: true,
        end: at(3_600),
        ..History::default()
    }
}

fn called(destination: bool) -> Fact {
    Fact::Called { destination, operation: "orders.push", process: 1, writes: true }
}

/// Breaks the promise whose name begins so.
fn broken(promise: &str) -> Vec<History> {
    let mut all = Vec::new();
    let mut one = |change: &dyn Fn(&mut History)| {
        let mut history = sound();
        change(&mut history);
        all.push(history);
    };
    match promise.split(' ').next().unwrap() {
        "I1" if promise.contains("buyer") => {
            one(&|history| drop(history.buyers.insert("O0".to_owned(), "p1@example.org".to_owned())));
            one(&|history| history.consent.clear());
        }
        "I1" => {
            one(&|history| history.there.clear());
            one(&|history| history.sales[0].refunded = 1);
            one(&|history| history.sales[0].paid = false);
        }
        "I20" => one(&|history| {
            history.facts.push((at(100), Fact::Ended));
            history.facts.push((at(161), called(true)));
        }),
        "I21" => one(&|history| {
            let made =
                Fact::Called { destination: true, operation: "connections.create", process: 1, writes: true };
            history.facts.push((at(100), Fact::Begun));
            history.facts.push((at(101), made));
        }),
        "I2" => one(&|history| {
            let (mut stale, mut mended) = (landed(200, "11"), landed(3_000, "12.5"));
            (stale.modified, mended.modified) = (at(1).to_string(), at(60).to_string());
            history.landed.extend([stale, mended]);
        }),
        "I4" => {
            one(&|history| history.landed.push(Landed { live: false, ..landed(900, "12") }));
            one(&|history| history.landed[0].live = false);
            one(&|history| history.landed[0].date = at(-90_000).to_string());
        }
        "I6" if promise.contains("sums") => one(&|history| {
            let (_, _, body) = &mut history.items[2];
            *body = body.replace(r#""observed":1"#, r#""observed":2"#);
        }),
        "I6" if promise.contains("rows") => {
            one(&|history| drop(history.tags.insert("O0".to_owned(), "pending".to_owned())));
            one(&|history| history.items.push(item("RUN#1", "FLT#1", r#"{"left":["O0"]}"#)));
        }
        "I6" if promise.contains("history") => {
            let streams = |history: &mut History, from: &str, to: &str| {
                history.items[2].2 = history.items[2].2.replace(from, to);
            };
            one(&|history| streams(history, r#""observed":1,"synced":1"#, r#""observed":2,"synced":2"#));
            one(&|history| streams(history, r#""synced":1"#, r#""pending":1"#));
        }
        "I6" => {
            one(&|history| history.items[1].2 = r#"{"state":"pending"}"#.to_owned());
            one(&|history| drop(history.items.remove(1)));
        }
        "I8" => one(&|history| history.landed.push(landed(900, "12.5"))),
        _ => all.extend(broken_on_the_way(promise)),
    }
    all
}

/// The same for promises about runs, calls and people.
fn broken_on_the_way(promise: &str) -> Vec<History> {
    let mut all = Vec::new();
    let mut one = |change: &dyn Fn(&mut History)| {
        let mut history = sound();
        change(&mut history);
        all.push(history);
    };
    match promise.split(' ').next().unwrap() {
        "I10" => {
            let mark = |seconds| Fact::Watermark { key: "orders".to_owned(), to: at(seconds) };
            one(&|history| history.facts.extend([(at(500), mark(300)), (at(600), mark(200))]));
            one(&|history| history.facts.push((at(500), mark(502))));
        }
        "I14" => one(&|history| history.poisoned.push("O0".to_owned())),
        "I15" => one(&|history| history.facts.extend((0..6).map(|_| (at(9), called(true))))),
        "I17" => one(&|history| history.facts.push((at(9), Fact::TimeUp(1)))),
        "I18" => {
            one(&|history| {
                let (_, _, body) = &mut history.items[2];
                *body = body.replace(r#""finished":"x""#, r#""finished":null"#);
            });
            one(&|history| history.items[0].2 = "{}".to_owned());
            one(&|history| drop(history.items.remove(2)));
        }
        "I22" if promise.contains("lost") => {
            one(&|history| {
                history.signed_in = true;
                history.facts.push((at(9), Fact::AskedToReconnect));
            });
            one(&|history| {
                history.signed_in = true;
                history.items[0].2 = history.items[0].2.replace('{', r#"{"state":"needs_reconnect","#);
            });
        }
        "I22" => one(&|history| {
            history.facts.extend([(at(1), Fact::Renewing(1)), (at(2), Fact::Renewing(2))]);
        }),
        "I23" => one(&|history| {
            history.facts.push((at(1), Fact::Revoked(true)));
            history.facts.extend((0..9).map(|n| (at(n), called(false))));
        }),
        "I34" => one(&|history| {
            history.people[0].out = true;
            history.consent.insert("p0@example.org".to_owned(), Some(true));
        }),
        other => panic!("nothing breaks {other}"),
    }
    all
}

#[test]
fn a_sound_history_breaks_nothing() {
    assert_eq!(judge(&sound()), []);
}

#[test]
fn every_promise_can_be_broken() {
    for (promise, _) in PROMISES {
        for (n, history) in broken(promise).iter().enumerate() {
            let found = judge(history);
            assert!(found.iter().any(|one| one.promise == *promise), "{promise}, case {n}: {found:?}");
        }
    }
}

/// Parked as lost is right where two of its writes went nowhere, and wrong after one.
#[test]
fn an_order_is_lost_only_where_it_was_lost_twice() {
    for (times, right) in [(0, false), (1, false), (2, true)] {
        let mut history = sound();
        history.faultless = false;
        history.landed.clear();
        history.there.clear();
        history.buyers.clear();
        history.tags.insert("O0".to_owned(), "parked:destination.lost".to_owned());
        history.items[1].2 = r#"{"state":"parked","reason":"destination.lost"}"#.to_owned();
        history.facts.extend((0..times).map(|n| (at(n), Fact::Vanished("O0".to_owned()))));
        let found = judge(&history);
        let told = |promise: &str| found.iter().any(|one| one.promise.starts_with(promise));
        assert_eq!(!told("I1 every order") && !told("I6 every record has"), right, "{times}: {found:?}");
    }
}
