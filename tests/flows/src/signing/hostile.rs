//! Whoever wants can send a browser back here with anything. Each kind is refused with its page and its code, and
//! nothing is kept (reliability.md section 5).

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tillsync_mapping::model::Secret;

use super::world::{Answer, By, COOKIE, World, granted, name};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    query: String,
    code: String,
    status: u16,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    cookie: Option<String>,
    #[serde(default)]
    before: Option<String>,
    #[serde(default)]
    reply: Option<Reply>,
    #[serde(default)]
    intent: Option<String>,
    #[serde(default)]
    shows: Option<String>,
}

#[derive(Deserialize)]
struct Reply {
    status: u16,
    body: String,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("hostile_callbacks.json")).unwrap()
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn every_hostile_callback_is_refused_with_its_page_and_keeps_nothing() {
    let cases = cases();
    assert!(cases.len() >= 45, "{}", cases.len());
    for by in [By::Port, By::Gateway] {
        for case in &cases {
            refused(by, case).await;
        }
    }
}

async fn refused(by: By, case: &Case) {
    let what = format!("{by:?}: {}", case.what);
    let world = World::new(by);
    let draft = world.draft().await;
    let (session, other) = (world.browser().await, world.browser().await);
    let intent = match case.intent.as_deref() {
        Some("connection") => {
            connected(&world).await;
            "?connection=C1".to_owned()
        }
        _ => format!("?draft={draft}"),
    };
    let state = world.begun(&session, &intent).await;
    let fill = |text: &str| {
        text.replace("{state}", &state)
            .replace("{STATE}", &state.to_uppercase())
            .replace("{state-cut}", &state[..state.len() - 1])
            .replace("{digest}", &digest(&state))
            .replace("{session}", &session)
            .replace("{SESSION}", &session.to_uppercase())
            .replace("{session-digest}", &digest(&session))
            .replace("{other}", &other)
            .replace("{name}", COOKIE)
            .replace("{source}", name())
            .replace("{SOURCE}", &name().to_uppercase())
    };
    let path = fill(case.path.as_deref().unwrap_or("/oauth/{source}/callback"));
    let cookie = fill(case.cookie.as_deref().unwrap_or("{name}={session}"));
    before(&world, case, (&state, &session, &other)).await;
    if let Some(Reply { status, body }) = &case.reply {
        *world.source.reply.lock().unwrap() = Some((*status, body.clone()));
    }
    let asked = world.source.asked.lock().unwrap().len();
    let answer = world.ask("GET", &format!("{path}?{}", fill(&case.query)), &cookie).await;
    shown(&what, case, &answer, &fill(&case.code));
    let calls = world.source.asked.lock().unwrap().len() - asked;
    assert_eq!(calls > 0, case.reply.is_some(), "{what}: a refusal before the exchange calls nobody");
    world.kept_nothing(&what, &draft).await;
    // Once more: what was refused does not work the second time.
    *world.source.reply.lock().unwrap() = Some(granted("M1"));
    let again = world.ask("GET", &format!("{path}?{}", fill(&case.query)), &cookie).await;
    assert!(!again.status.is_success(), "{what}: worked the second time");
    world.kept_nothing(&what, &draft).await;
}

/// What happens before the callback that is refused.
async fn before(world: &World, case: &Case, (state, session, other): (&str, &str, &str)) {
    let back = async |query: String, session: &str| {
        world.ask("GET", &format!("/oauth/{}/callback?{query}", name()), &format!("{COOKIE}={session}")).await
    };
    match case.before.as_deref() {
        None => {}
        Some("late") => world.later(31 * 60),
        Some("a second late") => world.later(30 * 60 + 1),
        Some("days") => world.later(3 * 24 * 3_600),
        Some("used") => {
            // The exchange fails, so that nothing is kept; the state is used up all the same.
            *world.source.reply.lock().unwrap() = Some((401, "{}".into()));
            back(format!("code=a&state={state}"), session).await;
            *world.source.reply.lock().unwrap() = Some(granted("M1"));
        }
        Some("denied") => {
            back(format!("error=access_denied&state={state}"), session).await;
        }
        Some("tried elsewhere") => {
            back(format!("code=a&state={state}"), other).await;
        }
        Some("elsewhere") => {
            world.alter(&digest(state), |row| row["source"] = "elsewhere".into()).await;
        }
        Some(unknown) => panic!("{unknown}"),
    }
}

/// A page that says what happened, its code, and what to do; nothing of what came is in it.
fn shown(what: &str, case: &Case, answer: &Answer, code: &str) {
    let body = &answer.body;
    assert!(body.contains(&format!("<code>{code}</code>")), "{what}: {} {body}", answer.status);
    assert_eq!(answer.status.as_u16(), case.status, "{what}: {body}");
    let text = tillsync_engine::explained(code).unwrap_or_else(|| panic!("{what}: nobody explains {code}"));
    let plain = |text: &str| text.replace('\'', "&#39;").replace('"', "&quot;");
    assert!(body.contains(&plain(text.meaning)) && body.contains(&plain(text.action)), "{what}: {body}");
    assert!(!body.contains("<script") && !body.contains("<img") && !body.contains("onerror"), "{what}");
    for canary in ["EAAAcanary", "EQAAcanary", "canary-application", "c0de"] {
        assert!(!body.contains(canary), "{what}: the page shows {canary}");
    }
    if let Some(shows) = &case.shows {
        assert!(body.contains(shows), "{what}: {body}");
    }
    super::pages::guarded(what, answer);
}

/// A connection of the store M0.
async fn connected(world: &World) {
    use tillsync_engine::state::{Connection, ConnectionState, Row, Settings};
    use tillsync_mapping::model::Location;
    let location = serde_json::from_value::<Location>(serde_json::json!({
        "id": "L1", "name": "Main", "currency": "EUR", "timezone": "Europe/Paris", "language": "fr", "active": true,
    }))
    .unwrap();
    let connection = Connection {
        id: "C1".into(),
        name: "Till".into(),
        source: name().into(),
        api_url: String::new(),
        store: "M0".into(),
        location,
        destination_url: "https://acme.api-us1.com".into(),
        destination: "acme".into(),
        remote: Some(7),
        state: ConnectionState::NeedsReconnect,
        epoch: 0,
        active_sync: true,
        problem: None,
        settings: Settings::default(),
        public_url: String::new(),
        created: world.engine.now(),
        adopted: None,
        rechecked: None,
        counted: None,
        last_sync: None,
        next_sync: None,
    };
    let index = Row::new(Connection::index_key("C1"), connection.clone());
    let row = Row::new(Connection::key("C1"), connection);
    world.engine.store.transact(vec![row.put().unwrap(), index.put().unwrap()]).await.unwrap();
    world.engine.vault.put(&format!("STORE#{}#M0", name()), &Secret::new("old")).await.unwrap();
}
