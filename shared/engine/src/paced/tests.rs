use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::http::{Effect, Http, HttpError, Method, Request, Response};

use super::{Paced, pause_asked};
use crate::budget::{LocalBudget, Purse};
use crate::memory::{ManualClock, SeededEntropy};
use crate::ports::{Clock, Lane};
use crate::testing::beginning;

type Answer = Result<Response, HttpError>;

/// Gives prepared answers, the last one for ever, and notes when it was asked.
struct Script {
    answers: Vec<Answer>,
    asked: Mutex<Vec<Timestamp>>,
    clock: ManualClock,
}

#[async_trait]
impl Http for Script {
    async fn send(&self, _: Request) -> Answer {
        let mut asked = self.asked.lock().unwrap();
        asked.push(self.clock.now());
        self.answers[(asked.len() - 1).min(self.answers.len() - 1)].clone()
    }
}

fn says(status: u16, retry_after: Option<&str>) -> Answer {
    Ok(Response { status, retry_after: retry_after.map(str::to_owned), date: None, body: Vec::new() })
}

fn request(operation: &'static str, effect: Effect) -> Request {
    let (method, url) = (Method::Post, "https://acme.api-us1.com/api/3".to_owned());
    Request { operation, method, url, headers: Vec::new(), credential: None, body: Vec::new(), effect }
}

/// What one call comes to: the answer, how often it was sent, the milliseconds it took, the calls counted.
async fn call(answers: &[Answer], effect: Effect) -> (Answer, usize, i64, u64) {
    let script =
        Script { answers: answers.to_vec(), asked: Mutex::default(), clock: ManualClock::new(beginning()) };
    let (budget, entropy) = (LocalBudget::default(), SeededEntropy::new(1));
    let purse = Purse::destination("acme", 4);
    let paced = Paced::new(&script, &budget, (&script.clock, &entropy), purse, Lane::Live);
    let answer = paced.send(request("orders.push", effect)).await;
    let took = i64::try_from(script.clock.now().duration_since(beginning()).as_millis()).unwrap();
    let sent = script.asked.lock().unwrap().len();
    assert_eq!(paced.take_calls(), sent as u64);
    (answer, sent, took, paced.take_calls())
}

#[tokio::test]
async fn a_pause_is_as_long_as_asked_for() {
    let cases = [
        (Some("3"), 3_000),
        (Some(" 7 "), 7_000),
        (Some("0"), 200),
        (Some("Mon, 04 May 2026 10:00:09 GMT"), 9_000),
        (Some("Mon, 04 May 2026 09:00:00 GMT"), 200),
        (Some("soon"), 2_000),
        (Some("1.5"), 2_000),
        (Some("-4"), 2_000),
        (Some(""), 2_000),
        (None, 2_000),
    ];
    for (text, expected) in cases {
        let (answer, sent, took, _) = call(&[says(429, text), says(200, None)], Effect::Write).await;
        assert_eq!((answer.unwrap().status, sent), (200, 2), "{text:?}");
        assert!((expected..expected + 300).contains(&took), "{text:?}: {took}");
    }
}

#[test]
fn pauses_are_read_as_seconds_or_dates_and_bounded() {
    let cases = [
        (Some("40"), Some(40_000)),
        (Some("999999999"), Some(86_400_000)),
        (Some("Wed, 06 May 2026 10:00:00 GMT"), Some(86_400_000)),
        (Some("Sun, 03 May 2026 10:00:00 GMT"), Some(200)),
        (Some("99999999999999999999"), None),
        (Some("next week"), None),
        (None, None),
    ];
    for (text, expected) in cases {
        let pause = pause_asked(text, beginning());
        assert_eq!(pause, expected.map(SignedDuration::from_millis), "{text:?}");
    }
}

#[tokio::test]
async fn only_a_503_that_names_a_time_was_surely_not_carried_out() {
    let (answer, sent, took, _) = call(&[says(503, Some("4")), says(200, None)], Effect::Write).await;
    assert_eq!((answer.unwrap().status, sent), (200, 2));
    assert!(took >= 4_000);
    let (answer, sent, ..) = call(&[says(503, None), says(200, None)], Effect::Write).await;
    assert_eq!(
        (answer.unwrap().status, sent),
        (503, 1),
        "a write may have been done: nobody repeats it here"
    );
    let (answer, sent, ..) = call(&[says(503, None), says(200, None)], Effect::Read).await;
    assert_eq!((answer.unwrap().status, sent), (200, 2));
}

#[tokio::test]
async fn reads_are_repeated_and_writes_with_an_unknown_outcome_are_not() {
    let lost = || Err(HttpError::Unknown);
    let cases = [
        // Effect, answers, what comes out, how often it was sent.
        (Effect::Read, vec![lost(), lost(), lost(), says(200, None)], says(200, None), 4),
        (Effect::Read, vec![lost()], lost(), 4),
        (Effect::Read, vec![says(500, None)], says(500, None), 4),
        (Effect::Read, vec![says(502, None), lost(), says(404, None)], says(404, None), 3),
        (Effect::Write, vec![lost(), says(200, None)], lost(), 1),
        (Effect::Write, vec![says(500, None), says(200, None)], says(500, None), 1),
        (Effect::Write, vec![Err(HttpError::NotSent), says(200, None)], says(200, None), 2),
        (Effect::Write, vec![Err(HttpError::NotSent)], Err(HttpError::NotSent), 4),
        (Effect::Read, vec![Err(HttpError::Forbidden("x".into()))], Err(HttpError::Forbidden("x".into())), 1),
        (Effect::Read, vec![says(404, None)], says(404, None), 1),
    ];
    for (effect, answers, expected, times) in cases {
        let (answer, sent, ..) = call(&answers, effect).await;
        let bare = |answer: Answer| answer.map(|response| response.status);
        assert_eq!((bare(answer), sent), (bare(expected), times), "{effect:?} {answers:?}");
    }
}

#[tokio::test]
async fn a_long_pause_is_handed_back_at_once() {
    for text in ["41", "3600", "Mon, 04 May 2026 11:00:00 GMT"] {
        let (answer, sent, took, _) = call(&[says(429, Some(text))], Effect::Read).await;
        assert_eq!((answer.unwrap_err(), sent, took), (HttpError::Throttled, 1, 0), "{text}");
    }
}

#[tokio::test]
async fn refusals_without_end_are_given_up() {
    let (answer, sent, took, _) = call(&[says(429, Some("1"))], Effect::Write).await;
    assert_eq!((answer.unwrap_err(), sent), (HttpError::Throttled, 7));
    assert!(took >= 6_000);
}

#[tokio::test]
async fn a_pause_stops_the_other_callers_of_the_purse() {
    let answers = vec![says(429, Some("30")), says(200, None)];
    let script = Script { answers, asked: Mutex::default(), clock: ManualClock::new(beginning()) };
    let (budget, entropy) = (LocalBudget::default(), SeededEntropy::new(1));
    let caller =
        |lane| Paced::new(&script, &budget, (&script.clock, &entropy), Purse::destination("acme", 4), lane);
    let (one, other) = (caller(Lane::History), caller(Lane::Live));
    let (first, second) = futures_util::future::join(
        one.send(request("orders.queue", Effect::Write)),
        other.send(request("orders.push", Effect::Write)),
    )
    .await;
    assert!(first.is_ok() && second.is_ok());
    let late = script
        .asked
        .lock()
        .unwrap()
        .iter()
        .filter(|at| at.duration_since(beginning()).as_secs() >= 30)
        .count();
    assert!(late >= 1, "{:?}", script.asked);
    assert_eq!((one.take_calls(), other.take_calls()), (2, 1));
}

#[tokio::test]
async fn a_long_pause_is_handed_back_by_the_other_callers_too() {
    let answers = vec![says(503, Some("3600")), says(200, None)];
    let script = Script { answers, asked: Mutex::default(), clock: ManualClock::new(beginning()) };
    let (budget, entropy) = (LocalBudget::default(), SeededEntropy::new(1));
    let caller =
        |lane| Paced::new(&script, &budget, (&script.clock, &entropy), Purse::destination("acme", 4), lane);
    for lane in [Lane::History, Lane::Live, Lane::History] {
        let answer = caller(lane).send(request("orders.push", Effect::Write)).await;
        assert_eq!(answer.unwrap_err(), HttpError::Throttled);
    }
    assert_eq!((script.asked.lock().unwrap().len(), script.clock.now()), (1, beginning()), "nobody slept");
    script.clock.advance(Duration::from_secs(3_600));
    for lane in [Lane::History, Lane::Live] {
        assert!(caller(lane).send(request("orders.push", Effect::Write)).await.is_ok());
    }
}

#[tokio::test]
async fn imports_are_paid_from_a_purse_of_their_own() {
    let script = Script {
        answers: vec![says(200, None)],
        asked: Mutex::default(),
        clock: ManualClock::new(beginning()),
    };
    let (budget, entropy) = (LocalBudget::default(), SeededEntropy::new(1));
    let purse = Purse::destination("acme", 1);
    let mut paced = Paced::new(&script, &budget, (&script.clock, &entropy), purse, Lane::Live);
    paced.imports = Some(Purse::imports("acme"));
    for operation in ["orders.push", "contacts.import", "contacts.import", "orders.push"] {
        paced.send(request(operation, Effect::Write)).await.unwrap();
    }
    let asked = script
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|at| at.duration_since(beginning()).as_millis())
        .collect::<Vec<_>>();
    assert_eq!(asked, [0, 0, 666, 1_000]);
    assert_eq!((paced.take_calls(), paced.take_calls()), (4, 0), "counted calls are taken once");
}
