//! The platforms, as one process reaches them.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::http::{Effect, Http, HttpError, Request, Response};

use super::Line;
use crate::faults::{Fate, Kind};
use crate::history::Fact;
use crate::state::{Happening, Transit};

/// After so long a client gives up on a reply (shared/http).
const TIMEOUT: SignedDuration = SignedDuration::from_secs(15);
/// A request takes effect within this time, whatever became of who sent it (rules.md section 8).
const LANDS_WITHIN: i64 = 59_000;

#[async_trait]
impl Http for Line {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let destination = request.url.starts_with(crate::world::ACCOUNT);
        let (operation, process) = (request.operation, self.process);
        let kind = if request.effect == Effect::Write { Kind::Tell } else { Kind::Ask };
        let fate = self.fate(kind, operation, "").await;
        let writes = kind == Kind::Tell;
        self.saw(vec![Fact::Called { destination, operation, process, writes }]);
        if matches!(fate, Fate::Dropped | Fate::Broken) {
            self.saw(orders_of(&request).into_iter().map(Fact::Vanished).collect());
        }
        if fate == Fate::FallBefore {
            self.fall().await;
        }
        match fate {
            Fate::Refused => {
                self.takes(1_000, 30_000).await;
                return Err(HttpError::NotSent);
            }
            Fate::Throttled => {
                self.takes(5_000, 80_000).await;
                let named = self.outside.sim.draw(|rng| rng.percent(60).then(|| rng.between(1, 90)));
                let retry_after = named.map(|seconds| seconds.to_string());
                return Ok(Response { status: 429, retry_after, date: None, body: b"{}".to_vec() });
            }
            Fate::Broken => {
                self.takes(5_000, 900_000).await;
                return Ok(answered(503, "{}", None));
            }
            Fate::Dropped => {
                self.outside.sim.sleep(TIMEOUT).await;
                return Err(HttpError::Unknown);
            }
            _ => {}
        }
        if kind == Kind::Ask {
            return self.ask(request, destination, fate).await;
        }
        let renews = operation == "token.refresh";
        self.saw(renews.then_some(Fact::Renewing(process)).into_iter().collect());
        let answer = self.tell(request, fate).await;
        self.saw(renews.then_some(Fact::Renewed(process)).into_iter().collect());
        answer
    }
}

/// The orders a request would write.
fn orders_of(request: &Request) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let orders = body["variables"]["orders"].as_array();
    orders.into_iter().flatten().filter_map(|one| Some(one["storeOrderId"].as_str()?.to_owned())).collect()
}

fn answered(status: u16, body: &str, date: Option<Timestamp>) -> Response {
    Response { status, retry_after: None, date, body: body.as_bytes().to_vec() }
}

impl Line {
    async fn ask(&self, request: Request, destination: bool, fate: Fate) -> Result<Response, HttpError> {
        self.takes(10_000, 120_000).await;
        let response = {
            let now = self.outside.sim.now();
            let mut state = self.outside.state();
            if destination {
                let answer = state.account.answer(&request, now);
                answered(answer.status, &answer.body, Some(now))
            } else {
                let (status, body) = state.shop.answer(&request, now);
                answered(status, &body, Some(now))
            }
        };
        self.takes(1_000, 60_000).await;
        match fate {
            Fate::FallAfter => self.fall().await,
            Fate::Garbled => return Ok(garbled(&response, self.outside.sim.draw(|rng| rng.percent(50)))),
            _ => {}
        }
        Ok(response)
    }

    /// A write leaves for good: whatever becomes of the process, it arrives.
    async fn tell(&self, request: Request, fate: Fate) -> Result<Response, HttpError> {
        let late = matches!(fate, Fate::Late | Fate::FallLate);
        let on_the_way = self.outside.sim.draw(|rng| match late {
            // Biased to the end: what lands last is what does harm.
            true if rng.percent(60) => rng.between(LANDS_WITHIN - 6_000, LANDS_WITHIN),
            true => rng.between(1, LANDS_WITHIN),
            false => rng.between(20, 400),
        });
        let on_the_way = SignedDuration::from_millis(on_the_way);
        let number = {
            let mut state = self.outside.state();
            let number = state.number();
            state.transit.insert(number, Transit { request: Some(request), reply: None });
            self.outside.plan(&mut state, on_the_way, Happening::Arrive(number));
            number
        };
        if fate == Fate::FallLate {
            self.takes(1_000, 15_000_000).await;
            self.fall().await;
        }
        if matches!(fate, Fate::Late | Fate::Lost) {
            self.outside.sim.sleep(TIMEOUT).await;
            return Err(HttpError::Unknown);
        }
        self.outside.sim.sleep(on_the_way).await;
        self.takes(1_000, 60_000).await;
        let reply = self.outside.state().transit.remove(&number).and_then(|transit| transit.reply);
        let Some(reply) = reply else { return Err(HttpError::Unknown) };
        match fate {
            Fate::FallAfter => self.fall().await,
            Fate::BrokenDone => return Ok(answered(500, "{}", None)),
            Fate::Garbled => return Ok(garbled(&reply, self.outside.sim.draw(|rng| rng.percent(50)))),
            _ => {}
        }
        Ok(reply)
    }
}

/// A reply that cannot be understood: cut off, or a page for people.
fn garbled(response: &Response, cut: bool) -> Response {
    let mut response = response.clone();
    if cut {
        response.body.truncate(response.body.len() / 2);
    } else {
        response.body = b"<html><body>Bad gateway</body></html>".to_vec();
    }
    response
}
