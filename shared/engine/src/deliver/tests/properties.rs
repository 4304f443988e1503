//! What holds of a record whatever is observed of it, in whatever order, and whatever becomes of each write.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tillsync_mapping::model::{Observed, Order, Reading, SkipReason};

use super::super::orders::last_write;
use super::super::{Decision, Facts, decide};
use super::decisions::facts;
use crate::state::{Intent, LedgerRow, State};
use crate::testing::{beginning, order, ready, skipped};

/// What a reading made of the record.
#[derive(Clone, Copy, Debug)]
enum Seen {
    Ready,
    Skipped(SkipReason, bool),
    Unreadable,
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Settled,
    Unknown,
    Queued,
    Refused,
}

/// One look at the record.
#[derive(Clone, Debug)]
struct Look {
    pause: i64,
    /// How long ago the run began.
    running: i64,
    version: i64,
    seen: Seen,
    run: usize,
    force: bool,
    retry: bool,
    again: bool,
    history: Option<i64>,
    fate: Fate,
}

fn look() -> impl Strategy<Value = Look> {
    let seen = prop_oneof![
        5 => Just(Seen::Ready),
        2 => (prop::sample::select(SkipReason::ALL.to_vec()), any::<bool>()).prop_map(|(why, late)| Seen::Skipped(why, late)),
        1 => Just(Seen::Unreadable),
    ];
    let fate = prop_oneof![4 => Just(Fate::Settled), 2 => Just(Fate::Unknown), 1 => Just(Fate::Queued), 1 => Just(Fate::Refused)];
    let pause = prop_oneof![0_i64..59, 50_i64..70, 60_i64..4_000, 0_i64..200_000];
    let rare = || prop::bool::weighted(0.1);
    let when = (pause, 0_i64..7_200, 0_i64..8, 0_usize..3);
    (when, seen, fate, (rare(), rare(), rare()), prop::option::weighted(0.2, -20_i64..20)).prop_map(
        |((pause, running, version, run), seen, fate, (force, retry, again), history)| Look {
            pause,
            running,
            version,
            seen,
            run,
            force,
            retry,
            again,
            history,
            fate,
        },
    )
}

/// The order as a look sees it: its date stands, its version is the look's.
fn observed(look: &Look, date: Timestamp) -> Observed<Order> {
    let mut order = order("A", date);
    order.modified = beginning() + SignedDuration::from_secs(look.version * 30);
    let mut seen = match look.seen {
        Seen::Ready => ready(order),
        Seen::Skipped(reason, true) => skipped(order, reason),
        Seen::Skipped(reason, false) => {
            Observed { reading: Reading::Skipped { reason, late: None }, ..ready(order) }
        }
        Seen::Unreadable => Observed {
            reading: Reading::Unreadable { code: "acme.unreadable", place: "id".into() },
            ..ready(order)
        },
    };
    seen.version = beginning() + SignedDuration::from_secs(look.version * 30);
    seen
}

fn json(row: &LedgerRow) -> String {
    serde_json::to_string(row).unwrap()
}

/// The decision with the row it leaves, if any.
fn parts(decision: &Decision) -> (&'static str, Option<&LedgerRow>) {
    match decision {
        Decision::Keep(_) => ("keep", None),
        Decision::Note(row, _) => ("note", Some(row)),
        Decision::Send(_, row) => ("send", Some(row)),
        Decision::Wait(row) => ("wait", Some(row)),
    }
}

/// What holds of every row that is written.
fn row_follows(before: &LedgerRow, after: &LedgerRow, version: Timestamp) -> Result<(), TestCaseError> {
    prop_assert_eq!(after.version, before.version.max(version), "the newest version seen");
    prop_assert!(after.desired >= before.desired, "what is to be there goes back");
    prop_assert_eq!(after.settled, before.settled);
    prop_assert_eq!(
        (&after.fingerprint, after.sent_at, after.times_sent),
        (&before.fingerprint, before.sent_at, before.times_sent)
    );
    prop_assert_eq!(&after.intent, &before.intent, "an unknown outcome is forgotten");
    prop_assert!(before.live.is_none() || after.live == before.live, "live is computed again");
    Ok(())
}

/// Rules.md section 2, said once more.
fn is_live(date: Timestamp, facts: &Facts<'_>) -> bool {
    date > facts.started - facts.live && facts.adopted.is_none_or(|adopted| date > adopted)
}

fn may_be_sent(row: &LedgerRow, version: Timestamp, facts: &Facts<'_>) -> Result<(), TestCaseError> {
    prop_assert!(
        facts.again || row.settled.is_none_or(|settled| version >= settled),
        "older than what is there"
    );
    prop_assert!(facts.again || row.desired.is_none_or(|desired| version >= desired), "overtaken");
    let pause = last_write(row).map(|sent| facts.now.duration_since(sent));
    let unchanged = row.settled == Some(version) && row.intent.is_none() && row.state != State::Pending;
    let says_nothing = unchanged && !facts.force;
    prop_assert!(says_nothing || pause.is_none_or(|pause| pause >= facts.landing), "within the landing time");
    Ok(())
}

/// The row after a write: what `send` and `settle` make of it.
fn written(mut row: LedgerRow, version: Timestamp, fate: Fate, facts: &Facts<'_>) -> LedgerRow {
    let (before, now) = (row.sent_at, facts.now);
    row.desired = row.desired.max(Some(version));
    (row.sent_at, row.flight) = (Some(now), None);
    match fate {
        Fate::Settled => {
            (row.intent, row.times_sent) = (None, row.times_sent + 1);
            row.settled = row.settled.max(Some(version));
            row.become_state(State::Synced, None, facts.run, now);
        }
        Fate::Unknown => {
            row.intent = Some(Intent { id: "I".into(), at: now, version });
            row.flight = Some("F".into());
            row.become_state(State::Pending, None, facts.run, now);
        }
        Fate::Queued => {
            (row.intent, row.times_sent) = (None, row.times_sent + 1);
            row.flight = Some("F".into());
            row.become_state(State::Pending, None, facts.run, now);
        }
        Fate::Refused => {
            (row.intent, row.sent_at) = (None, before);
            if row.times_sent == 0 {
                row.live = None;
            }
            row.become_state(State::Parked, Some("destination.invalid_record"), facts.run, now);
        }
    }
    row
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_record_goes_forward_and_keeps_its_flag_whatever_is_seen_of_it(
        age in -3_600_i64..200_000,
        adopted in prop::option::weighted(0.3, 0_i64..200_000),
        live_hours in prop::sample::select(vec![0_i64, 24]),
        looks in prop::collection::vec(look(), 1..14),
    ) {
        let date = beginning() - SignedDuration::from_secs(age);
        let (mut now, mut row): (Timestamp, Option<LedgerRow>) = (beginning(), None);
        for look in &looks {
            now += SignedDuration::from_secs(look.pause);
            let facts = Facts {
                run: ["R0", "R1", "R2"][look.run],
                started: now - SignedDuration::from_secs(look.running),
                now,
                live: SignedDuration::from_hours(live_hours),
                force: look.force,
                retry: look.retry,
                again: look.again,
                history_from: look.history.map(|hours| beginning() + SignedDuration::from_hours(hours)),
                adopted: adopted.map(|ago| beginning() - SignedDuration::from_secs(ago)),
                ..facts()
            };
            let record = observed(look, date);
            let version = record.version;
            let before = row.clone().unwrap_or_else(|| LedgerRow::seen(version));
            let decision = decide(record.clone(), row.clone(), &facts);
            let again = decide(record, row.clone(), &facts);
            let (what, after) = parts(&decision);
            prop_assert_eq!((what, after.map(json)), (parts(&again).0, parts(&again).1.map(json)), "not pure");
            let Some(after) = after.cloned() else { continue };
            if after.is_erased() {
                // What says something of a person is gone; that it may have been sent stays.
                prop_assert_eq!((after.desired, after.live), (before.desired, before.live));
                prop_assert!(after.was_sent() || !before.was_sent() && before.intent.is_none());
                prop_assert!(after.fingerprint.is_none() && after.request.is_none() && after.intent.is_none());
                row = Some(after);
                continue;
            }
            row_follows(&before, &after, version)?;
            row = Some(match what {
                "send" => {
                    may_be_sent(&before, version, &facts)?;
                    let expected = before.live.unwrap_or_else(|| is_live(date, &facts));
                    prop_assert_eq!(after.live, Some(expected));
                    if before.settled == Some(version) && before.state == State::Synced && !look.force {
                        continue;
                    }
                    written(after, version, look.fate, &facts)
                }
                _ => after,
            });
        }
    }
}
