//! The control server: what `World` offers, over HTTP.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::ac::{KeyState, Poison};
use crate::faults::FaultRule;
use crate::http::{Call, Reply};
use crate::shop::Changes;
use crate::square::TokenState;
use crate::world::World;

pub(crate) const PLATFORM: &str = "control";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenChange {
    state: Option<TokenState>,
    scopes: Option<Vec<String>>,
    token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyChange {
    state: KeyState,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Poisoning {
    orders: Vec<String>,
    mode: Option<Poison>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LocationChange {
    id: String,
    status: String,
}

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    let path = call.path.trim_end_matches('/');
    if call.method == "GET" {
        return read(world, call, path);
    }
    match change(world, call, path) {
        Ok(value) => Reply::json(200, &value),
        Err(message) => Reply::json(400, &json!({"error": message})),
    }
}

fn read(world: &World, call: &Call, path: &str) -> Reply {
    let value = match path {
        "/stats" => world.stats(),
        "/expected" => world.expected(),
        "/expected/orders" => world.expected_orders(call.param("location")),
        "/locations" => world.locations(),
        "/purchases" => world.purchases(),
        "/dump" => world.dump(),
        "/settings" => json!(world.settings()),
        "/webhooks" => world.webhooks(),
        _ => match path.strip_prefix("/orders/") {
            Some(id) => world.order(id),
            None => return Reply::json(404, &json!({"error": "unknown path"})),
        },
    };
    Reply::json(200, &value)
}

fn change(world: &World, call: &Call, path: &str) -> Result<Value, String> {
    let done = json!({"ok": true});
    match (call.method.as_str(), path) {
        ("POST", "/settings") => world.set(&body(call)?)?,
        ("POST", "/faults") => world.add_faults(body::<Vec<FaultRule>>(call)?),
        ("DELETE", "/faults") => world.clear_faults(),
        ("POST", "/changes") => return Ok(world.change(&body::<Changes>(call)?)),
        ("POST", "/token") => {
            let change: TokenChange = body(call)?;
            if let Some(token) = &change.token {
                world.replace_token(token);
            }
            world.set_token(change.state.unwrap_or(TokenState::Active), change.scopes);
        }
        ("POST", "/key") => world.set_key(body::<KeyChange>(call)?.state),
        ("POST", "/poison") => {
            let poisoning: Poisoning = body(call)?;
            world.poison(&poisoning.orders, poisoning.mode);
        }
        ("POST", "/webhooks") => return world.subscribe(&body(call)?),
        ("DELETE", "/webhooks") => world.unsubscribe(),
        ("POST", "/location") => {
            let change: LocationChange = body(call)?;
            if !world.set_location(&change.id, &change.status) {
                return Err("no such location".to_owned());
            }
        }
        ("POST", "/connections") => return Ok(world.seed_connection(&body(call)?)),
        ("POST", "/contacts") => world.seed_contact(&body(call)?),
        ("DELETE", "/stats") => world.reset_stats(),
        ("POST", path) if path.starts_with("/orders/") => {
            let members: Map<String, Value> = body(call)?;
            return Ok(json!({"changed": world.alter_order(path.trim_start_matches("/orders/"), &members)}));
        }
        ("DELETE", path) if path.starts_with("/orders/") => {
            let id = path.trim_start_matches("/orders/");
            return Ok(match id.strip_suffix("/copy") {
                Some(id) => json!({"lost": world.lose_copy(id)}),
                None => json!({"lost": world.lose_order(id)}),
            });
        }
        _ => return Err("unknown path".to_owned()),
    }
    Ok(done)
}

fn body<T: for<'a> Deserialize<'a>>(call: &Call) -> Result<T, String> {
    serde_json::from_slice(&call.body).map_err(|e| e.to_string())
}
