//! The way through, and every page on it.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tillsync_engine::{connect, sign_in};

use super::world::{Answer, By, COOKIE, PUBLIC, World, granted, name};

/// What goes with every answer.
pub(super) fn guarded(what: &str, answer: &Answer) {
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    for part in
        ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "sha256-"]
    {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{what}: {policy}");
    assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer", "{what}");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{what}");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{what}");
}

async fn signed(world: &World, session: &str, intent: &str) -> Answer {
    let state = world.begun(session, intent).await;
    let path = format!("/oauth/{}/callback?code=c0de&response_type=code&state={state}", name());
    world.ask("GET", &path, &format!("{COOKIE}={session}")).await
}

#[tokio::test]
async fn a_draft_is_signed_in_and_its_grant_is_kept() {
    for by in [By::Port, By::Gateway] {
        let world = World::new(by);
        let (draft, session) = (world.draft().await, world.browser().await);
        let answer = signed(&world, &session, &format!("?draft={draft}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(answer.body.contains("<code>M1</code>") && answer.body.contains(&draft), "{}", answer.body);
        let (command, event) = ("tillsync connect --resume", "connect_oauth");
        let (named, other) = if by == By::Port { (command, event) } else { (event, command) };
        assert!(answer.body.contains(named) && !answer.body.contains(other), "{by:?}: {}", answer.body);
        guarded("signed", &answer);
        let draft = connect::going_on(&world.engine, &draft).await.unwrap();
        assert_eq!(draft.step(), connect::Step::Location);
        assert_eq!(draft.steps.unwrap().store.as_deref(), Some("M1"));
        let owner = format!("STORE#{}#M1", name());
        assert!(world.engine.vault.get(&owner).await.unwrap().unwrap().expose().contains("EAAAcanary"));
        let (operation, body) = world.source.asked.lock().unwrap()[0].clone();
        assert_eq!(operation, "token.obtain");
        // The address of the exchange is that of the authorisation, by the letter.
        assert!(
            body.contains(&format!("{PUBLIC}/oauth/{}/callback", name())) && body.contains("c0de"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_told_to_the_draft_and_forgotten_when_it_works() {
    let world = World::new(By::Port);
    let (draft, session) = (world.draft().await, world.browser().await);
    let state = world.begun(&session, &format!("?draft={draft}")).await;
    let path = format!("/oauth/{}/callback?error=access_denied&state={state}", name());
    let answer = world.ask("GET", &path, &format!("{COOKIE}={session}")).await;
    let again = format!("href=\"/oauth/{}/start?draft={draft}\"", name());
    assert!(answer.body.contains(&again), "{}", answer.body);
    let steps = connect::going_on(&world.engine, &draft).await.unwrap().steps.unwrap();
    assert_eq!(steps.refused.unwrap().code, "sign_in.refused");
    signed(&world, &session, &format!("?draft={draft}")).await;
    let steps = connect::going_on(&world.engine, &draft).await.unwrap().steps.unwrap();
    assert!(steps.refused.is_none() && steps.store.is_some());
}

/// Of two browsers that come back with one state at the same moment, one is let in, and one code is exchanged.
#[tokio::test]
async fn one_of_two_at_once_counts() {
    let world = World::new(By::Port);
    let (draft, session) = (world.draft().await, world.browser().await);
    let state = world.begun(&session, &format!("?draft={draft}")).await;
    let path = format!("/oauth/{}/callback?code=c0de&state={state}", name());
    let cookie = format!("{COOKIE}={session}");
    let answers = tokio::join!(world.ask("GET", &path, &cookie), world.ask("GET", &path, &cookie));
    let statuses = [answers.0.status, answers.1.status];
    assert_eq!(statuses.iter().filter(|status| status.is_success()).count(), 1, "{statuses:?}");
    assert_eq!(world.source.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_works_once_and_not_for_long() {
    let world = World::new(By::Port);
    let link = async || {
        let link = sign_in::invite(&world.engine, "/oauth").await.unwrap();
        link.expose().strip_prefix(PUBLIC).unwrap().to_owned()
    };
    let first = link().await;
    // A look ahead, as mail programs and messengers take, does not use it up.
    for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = world.ask(method, &first, "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header(header::ALLOW), "GET");
        guarded(method, &answer);
    }
    assert_eq!(world.ask("GET", &first, "").await.status, StatusCode::SEE_OTHER);
    let late = link().await;
    world.later(15 * 60 + 1);
    let cut = &late[..late.len() - 1];
    for path in [
        first.as_str(),
        &late,
        cut,
        "/enter/x",
        "/enter/%00",
        "/enter/%ff",
        &late.to_uppercase().replace("ENTER", "enter"),
    ] {
        let answer = world.ask("GET", path, "").await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        assert!(answer.headers.get(header::SET_COOKIE).is_none(), "{path}");
        guarded(path, &answer);
    }
    let two = link().await;
    let (one, other) = tokio::join!(world.ask("GET", &two, ""), world.ask("GET", &two, ""));
    let entered = [one, other].iter().filter(|answer| answer.status == StatusCode::SEE_OTHER).count();
    assert_eq!(entered, 1, "one link makes one session");
}

#[tokio::test]
async fn a_start_needs_a_session_a_source_and_something_to_start() {
    let world = World::new(By::Port);
    let (draft, session) = (world.draft().await, world.browser().await);
    let cookie = format!("{COOKIE}={session}");
    let other = "0".repeat(64);
    let cases = [
        ("/start", "", "sign_in.session_missing"),
        ("/start", &format!("{COOKIE}={other}"), "sign_in.session_missing"),
        ("/start", &format!("{COOKIE}={session}; {COOKIE}={other}"), "sign_in.session_missing"),
        ("/start", &format!("tillsync={session}"), "sign_in.session_missing"),
        ("/start?draft=nobody", &cookie, "draft.unknown"),
        ("/start?connection=nobody", &cookie, "connection.unknown"),
        ("/start?draft=", &cookie, "sign_in.malformed"),
        ("/start?draft=%0a", &cookie, "sign_in.malformed"),
        ("/start?next=https://evil.example", &cookie, "sign_in.malformed"),
        (&format!("/start?draft={draft}&connection=C1"), &cookie, "sign_in.malformed"),
        (&format!("/start?draft={}", "x".repeat(500)), &cookie, "sign_in.too_long"),
    ];
    for (path, cookie, code) in cases {
        let answer = world.ask("GET", &format!("/oauth/{}{path}", name()), cookie).await;
        assert!(answer.body.contains(&format!("<code>{code}</code>")), "{path}: {}", answer.body);
        assert!(answer.headers.get(header::LOCATION).is_none());
        guarded(path, &answer);
    }
    let unknown = world.ask("GET", "/oauth/nobody/start", &cookie).await;
    assert!(unknown.status == StatusCode::NOT_FOUND && unknown.body.contains("source.unknown"));
    // The session is over after 12 hours.
    world.later(12 * 3_600 + 1);
    let over = world.ask("GET", &format!("/oauth/{}/start", name()), &cookie).await;
    assert!(over.body.contains("sign_in.session_missing"), "{}", over.body);
}

/// A path that is no text is nobody's, and is answered like every other slip.
#[tokio::test]
async fn a_path_that_is_no_text_is_answered_by_a_page() {
    for by in [By::Port, By::Gateway] {
        let world = World::new(by);
        let cookie = format!("{COOKIE}={}", world.browser().await);
        let cases = [
            ("/enter/%ff", "sign_in.link_unknown"),
            ("/enter/%c3%28", "sign_in.link_unknown"),
            ("/enter/%ed%a0%80", "sign_in.link_unknown"),
            ("/oauth/%ff/start", "source.unknown"),
            ("/oauth/%ff/start?draft=x", "source.unknown"),
            ("/oauth/%c0%af/callback", "source.unknown"),
            ("/oauth/%ff/callback?code=c0de&state=x", "source.unknown"),
        ];
        for (path, code) in cases {
            let answer = world.ask("GET", path, &cookie).await;
            let what = format!("{by:?} {path}: {}", answer.body);
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}");
            assert!(answer.body.contains(&format!("<code>{code}</code>")), "{what}");
            assert!(answer.header(header::CONTENT_TYPE).starts_with("text/html"), "{what}");
            guarded(path, &answer);
        }
    }
}

/// Cookies come along with a link of another site: that must not be enough to begin anything.
#[tokio::test]
async fn a_page_of_another_site_begins_no_sign_in() {
    let world = World::new(By::Port);
    let (draft, session) = (world.draft().await, world.browser().await);
    let path = format!("/oauth/{}/start?draft={draft}", name());
    let cases = [Some("cross-site"), None, Some("none"), Some("same-origin"), Some("same-site")];
    for site in cases {
        let mut request = Request::builder()
            .uri(&path)
            .header("host", "127.0.0.1:8787")
            .header(header::COOKIE, format!("{COOKIE}={session}"));
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        if site == Some("cross-site") {
            assert!(answer.status == StatusCode::FORBIDDEN && answer.body.contains("sign_in.cross_site"));
            assert!(answer.body.contains(&format!("href=\"{path}\"")), "{}", answer.body);
            guarded(&path, &answer);
        } else {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{site:?}: {}", answer.body);
        }
    }
}

/// A page elsewhere may give 127.0.0.1 a name of its own, and would then be let in as this installation.
#[tokio::test]
async fn another_host_name_is_not_answered() {
    let world = World::new(By::Port);
    let session = world.browser().await;
    for (host, answered) in [("127.0.0.1:8787", true), ("till.example.com", true), ("evil.example", false)] {
        for path in
            ["/", &format!("/oauth/{}/start", name()), "/enter/x", &format!("/oauth/{}/callback", name())]
        {
            let request = Request::builder()
                .uri(path)
                .header("host", host)
                .header(header::COOKIE, format!("{COOKIE}={session}"))
                .body(Body::empty())
                .unwrap();
            let answer = world.send(request).await;
            let refused = answer.body.contains("sign_in.host_refused");
            assert_eq!(refused, !answered, "{host} {path}: {}", answer.body);
            guarded(path, &answer);
        }
    }
}

#[tokio::test]
async fn the_first_page_is_for_those_who_came_by_a_link() {
    let world = World::new(By::Port);
    let denied = world.ask("GET", "/", "").await;
    assert!(denied.status == StatusCode::FORBIDDEN && denied.body.contains("sign_in.session_missing"));
    let session = world.browser().await;
    let home = world.ask("GET", "/", &format!("{COOKIE}={session}")).await;
    assert!(home.body.contains(&format!("href=\"/oauth/{}/start\"", name())), "{}", home.body);
}

/// What stands in the table is of no use to who reads it.
#[tokio::test]
async fn no_row_holds_what_a_browser_holds() {
    let world = World::new(By::Port);
    let (draft, session) = (world.draft().await, world.browser().await);
    let state = world.begun(&session, &format!("?draft={draft}")).await;
    let dump = format!("{:?}", world.store.dump());
    assert!(dump.contains("STATE#") && dump.contains("SESSION#"));
    assert!(!dump.contains(&state) && !dump.contains(&session));
    *world.source.reply.lock().unwrap() = Some(granted("M1"));
    signed(&world, &session, &format!("?draft={draft}")).await;
    assert!(!format!("{:?}", world.store.dump()).contains("canary"), "a token stands in a row");
}
