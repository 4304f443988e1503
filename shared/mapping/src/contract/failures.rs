//! What goes wrong on the way: at every call of everything that is asked, with every kind of answer.

use super::fetching::FOREIGN;
use super::wire::{Trouble, Wire, failure, read, run, window};
use super::{Class, Platform, Promise, Stock, people};
use crate::http::{Http, HttpError};
use crate::source::{Cache, Field, Next, SourceError};

pub(crate) const PROMISED: &[Promise] = &[
    ("every refusal, at every call, says what to do next", refusals),
    ("an answer that is lost, at every call, is told from one that came", lost),
    ("an answer that is cut, at every call, is no success", cut),
    ("a dead cursor begins again", dead_cursors),
    ("what could not be served inside an answer is no absence", partial),
];

pub(crate) const CODES: &[Promise] = &[("every code is explained, once, in sentences", codes)];

/// Everything that is asked of a store, by name.
const QUESTIONS: [&str; 11] = [
    "identify",
    "check_scopes",
    "first_order",
    "count_orders",
    "orders created",
    "orders updated",
    "fetch_orders",
    "people",
    "fetch_customers",
    "count_customers",
    "known_payments",
];

fn ask(platform: &dyn Platform, http: &dyn Http, question: &str) -> Result<(), SourceError> {
    let (source, access) = (platform.source(), platform.access());
    let orders = || Stock::of(5).ids();
    let people = || ["ANN", "BOB"].map(str::to_owned);
    let payments = || orders().iter().map(|sale| platform.payment_of(sale)).collect::<Vec<_>>();
    let history = window(Field::Created, 0, 1_000);
    match question {
        "identify" => run(source.identify(http, &access.api_url, &access.token)).map(drop),
        "check_scopes" => run(source.check_scopes(http, &access)),
        "first_order" => run(source.first_order(http, &access)).map(drop),
        "count_orders" => run(source.count_orders(http, &access, history, 20)).map(drop),
        "orders created" => read(platform, http, history).map(drop),
        "orders updated" => read(platform, http, window(Field::Updated, 0, 1_000)).map(drop),
        "fetch_orders" => run(source.fetch_orders(http, &access, &orders(), &Cache::default())).map(drop),
        "people" => people::read(platform, http, history).map(drop),
        "fetch_customers" => run(source.fetch_customers(http, &access, &people())).map(drop),
        "count_customers" => run(source.count_customers(http, &access)).map(drop),
        "known_payments" => run(source.known_payments(http, &access, &payments())).map(drop),
        _ => panic!("no question {question}"),
    }
}

/// Asks everything with trouble at the n-th call, for every n, and looks at what is said.
fn with_trouble(platform: &dyn Platform, what: &str, trouble: &Trouble, check: impl Fn(&SourceError)) {
    for question in QUESTIONS {
        let wire = Wire::to(platform, &Stock::of(5).paged(2));
        ask(platform, &wire, question).unwrap_or_else(|error| panic!("{question}: {error}"));
        let calls = wire.calls();
        assert!(calls > 0, "{question} asks nothing");
        for turn in 1..=calls {
            let wire = Wire::to(platform, &Stock::of(5).paged(2));
            *wire.trouble.lock().unwrap() = Some((turn, trouble.clone()));
            let place = format!("{question}, call {turn} of {calls}, {what}");
            let error = failure(&place, ask(platform, &wire, question));
            println!("{place}: {error}");
            check(&error);
            let codes = platform.source().codes();
            assert!(codes.iter().any(|known| known.code == error.code), "{place}: {error} is not explained");
            let said = format!("{error:?}");
            for secret in [platform.access().token.expose(), "@", "Ann", FOREIGN[4]] {
                assert!(!said.contains(secret), "{place}: {said}");
            }
        }
    }
}

fn refusals(platform: &dyn Platform) {
    let answers = platform.answers();
    for class in Class::ALL {
        assert!(answers.iter().any(|(given, ..)| *given == class), "no answer for {class:?}");
    }
    for (class, status, body) in answers {
        let what = format!("{status} {body}");
        let trouble = Trouble::Says(status, body.as_bytes().to_vec());
        match class {
            // Only a call with a cursor is answered so.
            Class::DeadCursor => {}
            Class::Unauthorised => {
                with_trouble(platform, &what, &trouble, |error| assert_eq!(error.next, Next::Reconnect));
            }
            Class::Forbidden => with_trouble(platform, &what, &trouble, |error| {
                assert_eq!(error.next, Next::Reconnect);
                assert!(error.code.ends_with(".scope_missing"), "{error}");
            }),
            Class::Throttled | Class::Broken | Class::Nonsense => {
                with_trouble(platform, &what, &trouble, |error| assert_eq!(error.next, Next::Retry));
            }
        }
    }
}

fn lost(platform: &dyn Platform) {
    for error in [HttpError::Unknown, HttpError::NotSent, HttpError::Throttled] {
        let trouble = Trouble::Lost(error.clone());
        with_trouble(platform, &error.to_string(), &trouble, |error| assert_eq!(error.next, Next::Retry));
    }
    let forbidden = HttpError::Forbidden("shop.example".to_owned());
    with_trouble(platform, "forbidden", &Trouble::Lost(forbidden), |error| {
        assert_eq!(error.next, Next::Reject, "no try will reach a host that may not be called");
    });
}

fn cut(platform: &dyn Platform) {
    for quarters in 0..=4 {
        with_trouble(platform, &format!("cut at {quarters}/4"), &Trouble::Cut(quarters), |error| {
            assert_eq!(error.next, Next::Retry);
        });
    }
}

fn dead_cursors(platform: &dyn Platform) {
    for (_, status, body) in platform.answers().iter().filter(|(class, ..)| *class == Class::DeadCursor) {
        for field in [Field::Created, Field::Updated] {
            let stock = Stock::of(6).paged(2);
            let wire = Wire::to(platform, &stock);
            let (source, access, cache) = (platform.source(), platform.access(), Cache::default());
            let all = window(field, 0, 1_000);
            let page = run(source.read_orders(&wire, &access, all, None, &cache)).unwrap();
            let trouble = Trouble::Says(*status, body.as_bytes().to_vec());
            *wire.trouble.lock().unwrap() = Some((wire.calls() + 1, trouble));
            let next = run(source.read_orders(&wire, &access, all, page.next, &cache));
            let error = failure(body, next.map(|_| ()));
            assert_eq!(error.next, Next::Restart, "{error}");
            // Begun again it is read to its end.
            assert!(read(platform, &wire, all).is_ok());
        }
    }
}

fn partial(platform: &dyn Platform) {
    let mut met = 0;
    for question in QUESTIONS {
        let wire = Wire::to(platform, &Stock::of(5).paged(2));
        *wire.partial.lock().unwrap() = Some(0);
        let answer = ask(platform, &wire, question);
        let times = wire.partial.lock().unwrap().unwrap_or_default();
        if times > 0 {
            met += 1;
            let error = failure(question, answer);
            assert_eq!(error.next, Next::Retry, "{question}: {error}");
        } else {
            answer.unwrap_or_else(|error| panic!("{question}: {error}"));
        }
    }
    assert!(met > 0, "no answer was made partial");
}

fn codes(platform: &dyn Platform) {
    let source = platform.source();
    let mut codes: Vec<_> = source.codes().iter().map(|text| text.code).collect();
    for text in source.codes() {
        assert!(text.code.starts_with(&format!("{}.", source.name())), "{}", text.code);
        for sentence in [text.meaning, text.action] {
            assert!(sentence.ends_with('.') && sentence.len() > 20, "{}: {sentence}", text.code);
        }
    }
    codes.sort_unstable();
    let all = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), all, "a code is listed twice");
}
