//! What may not be called is not, whatever its spelling; what is known of a failure is told rightly.

mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::address::is_public;
use tillsync_mapping::model::Secret;

fn allow(loopback: bool) -> Allow {
    Allow {
        hosts: vec!["Connect.SquareUp.com".to_owned(), "ac.shop.example".to_owned()],
        suffixes: ACTIVECAMPAIGN_SUFFIXES.map(str::to_owned).to_vec(),
        loopback,
    }
}

fn request(url: &str, effect: Effect) -> Request {
    Request {
        operation: "test",
        method: if effect == Effect::Read { Method::Get } else { Method::Post },
        url: url.to_owned(),
        headers: vec![("Accept", "application/json".to_owned())],
        credential: Some(("Api-Token", Secret::new("hidden-key"))),
        body: if effect == Effect::Read { Vec::new() } else { b"{}".to_vec() },
        effect,
    }
}

fn hostile() -> Vec<String> {
    serde_json::from_str(include_str!("fixtures/hostile.json")).unwrap()
}

/// Names and the addresses they lead to, one after the other; counts how often it was asked.
fn names(answers: &'static [&'static [&'static str]], asked: Arc<AtomicUsize>) -> Lookup {
    Arc::new(move |_| {
        let turn = asked.fetch_add(1, Ordering::SeqCst);
        let answer = answers[turn.min(answers.len() - 1)];
        let found = answer.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect();
        Box::pin(async move { Ok(found) })
    })
}

#[tokio::test]
async fn hostile_addresses_are_refused_before_any_name_is_looked_up() {
    let urls = hostile();
    assert!(urls.len() >= 90);
    let asked = Arc::new(AtomicUsize::new(0));
    let outgoing = Outgoing::build(allow(false), LIMITS, names(&[&["127.0.0.1"]], asked.clone())).unwrap();
    for url in &urls {
        let allowed = outgoing.host_allowed(url);
        assert!(matches!(allowed, Err(HttpError::Forbidden(_))), "{url:?}");
        let sent = outgoing.send(request(url, Effect::Write)).await;
        assert_eq!(sent.unwrap_err(), allowed.unwrap_err(), "{url:?}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn open_loopback_opens_nothing_but_loopback_as_it_is_written() {
    let outgoing = Outgoing::new(allow(true)).unwrap();
    let open = [
        "http://127.0.0.1:8080/",
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "http://localhost:8080/",
        "https://localhost/",
        "http://[::1]:8080/",
        "https://[::1]/",
    ];
    for url in hostile() {
        let expected = open.contains(&url.as_str());
        assert_eq!(outgoing.host_allowed(&url).is_ok(), expected, "{url:?}");
    }
}

#[test]
fn hosts_of_the_list_are_allowed() {
    let outgoing = Outgoing::new(allow(false)).unwrap();
    for url in [
        "https://connect.squareup.com",
        "https://connect.squareup.com/v2/orders?x=1#y",
        "https://CONNECT.squareup.com/",
        "HTTPS://connect.squareup.com/",
        "https://connect.squareup.com:443/v2",
        "https://acme.api-us1.com/api/3",
        "https://a.api-us1.com/",
        "https://eu.acme.api-us1.com/",
        "https://acme-2.activehosted.com/",
        "https://ac.shop.example/api/3",
        "https://connect.squareup.com/?next=https://evil.example/&a=b@c",
        "https://connect.squareup.com/a%20b",
    ] {
        assert_eq!(outgoing.host_allowed(url), Ok(()), "{url}");
    }
}

#[test]
fn a_list_holds_names_only() {
    for text in [
        "",
        ".",
        "com",
        "localhost",
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "*",
        "*.example",
        "a b.example",
        "https://a.example",
        "a.example/",
        "a.example:443",
        "a.example.",
        ".a.example",
        "a..example",
        "user@a.example",
        "ａ.example",
        "-a.example",
        "a.example\n",
        "0x7f.1",
    ] {
        let hosts = Allow { hosts: vec![text.to_owned()], ..Allow::default() };
        assert_eq!(Outgoing::new(hosts).err(), Some(InvalidHost(text.to_owned()).into()), "{text:?}");
    }
    for text in
        ["", ".", ".com", "api-us1.com", "*.api-us1.com", "..api-us1.com", ".1.2.3.4", ".api-us1.com."]
    {
        let suffixes = Allow { suffixes: vec![text.to_owned()], ..Allow::default() };
        assert!(matches!(Outgoing::new(suffixes).err(), Some(SetupError::Host(_))), "{text:?}");
    }
    assert!(Outgoing::new(Allow::default()).is_ok());
}

#[test]
fn only_public_addresses_are_public() {
    #[derive(serde::Deserialize)]
    struct Addresses {
        public: Vec<std::net::IpAddr>,
        inside: Vec<std::net::IpAddr>,
    }
    let cases: Addresses = serde_json::from_str(include_str!("fixtures/addresses.json")).unwrap();
    assert!(cases.public.len() > 20 && cases.inside.len() > 50);
    for address in cases.public {
        assert!(is_public(address), "{address}");
    }
    for address in cases.inside {
        assert!(!is_public(address), "{address}");
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_whenever_it_does() {
    for inside in [
        &["127.0.0.1"][..],
        &["169.254.169.254"],
        &["10.1.2.3"],
        &["::1"],
        &["::ffff:10.0.0.1"],
        &["64:ff9b::a00:1"],
        &["fd00:ec2::254"],
        &["100.64.1.1"],
        &["0.0.0.0"],
        &["224.0.0.1"],
        &["1.1.1.1", "127.0.0.1"],
        &["127.0.0.1", "2606:4700::1111"],
    ] {
        let answers: &'static [&'static [&'static str]] = Box::leak(Box::new([inside]));
        for loopback in [false, true] {
            let asked = Arc::new(AtomicUsize::new(0));
            let outgoing = Outgoing::build(allow(loopback), LIMITS, names(answers, asked.clone())).unwrap();
            let sent = outgoing.send(request("https://acme.api-us1.com/api/3", Effect::Write)).await;
            assert_eq!(sent.unwrap_err(), HttpError::Forbidden("acme.api-us1.com".to_owned()), "{inside:?}");
            assert_eq!(asked.load(Ordering::SeqCst), 1);
        }
    }
}

#[tokio::test]
async fn this_machine_by_name_is_nothing_but_this_machine() {
    let asked = Arc::new(AtomicUsize::new(0));
    let outgoing =
        Outgoing::build(allow(true), LIMITS, names(&[&["1.1.1.1"], &["10.0.0.1"]], asked)).unwrap();
    for _ in 0..2 {
        let sent = outgoing.send(request("http://localhost:9/", Effect::Read)).await;
        assert_eq!(sent.unwrap_err(), HttpError::Forbidden("localhost".to_owned()));
    }
}

#[tokio::test]
async fn a_name_that_is_none_sends_nothing() {
    let lookup: Lookup = Arc::new(|_| Box::pin(async { Err(std::io::Error::other("no such name")) }));
    let outgoing = Outgoing::build(allow(false), LIMITS, lookup).unwrap();
    let sent = outgoing.send(request("https://acme.api-us1.com/", Effect::Write)).await;
    assert_eq!(sent.unwrap_err(), HttpError::NotSent);
}

#[test]
fn refusals_say_the_host_and_nothing_else_of_the_address() {
    let outgoing = Outgoing::new(allow(false)).unwrap();
    for (url, said) in [
        ("https://user:word@evil.example/path?token=word#word", "evil.example"),
        ("https://10.0.0.1/word", "10.0.0.1"),
        ("https://user:word", "of an address that cannot be read"),
        ("data:word", "that is missing"),
    ] {
        assert_eq!(outgoing.host_allowed(url), Err(HttpError::Forbidden(said.to_owned())), "{url}");
    }
}
