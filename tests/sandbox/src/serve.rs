//! The servers: limits, then faults, then the platform.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::Response;
use axum::serve::Listener;

use crate::faults::{self, Fault};
use crate::http::{Call, Reply};
use crate::net::{Loopback, Switch};
use crate::world::World;
use crate::{ac, control, square};

/// A platform on its port.
#[derive(Clone)]
struct Server {
    platform: &'static str,
    world: Arc<World>,
}

/// Starts a server and says on which port.
pub(crate) async fn start(platform: &'static str, port: u16, world: Arc<World>) -> io::Result<u16> {
    let listener = Loopback::bind(port).await?;
    let port = listener.local_addr()?.port();
    let server = Server { platform, world };
    let router = Router::new().fallback(entry).with_state(server);
    tokio::spawn(async move {
        let _ = axum::serve(listener, router.into_make_service_with_connect_info::<Switch>()).await;
    });
    Ok(port)
}

async fn entry(
    State(server): State<Server>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response<Body> {
    let Some(call) = Call::read(request).await else {
        return Reply::json(413, &serde_json::json!({"message": "Request Entity Too Large"})).into_response();
    };
    // A task of its own: a caller who hangs up does not take back what he asked for.
    let work = tokio::spawn(async move { server.answer(call, switch).await });
    match work.await {
        Ok(reply) => reply.into_response(),
        Err(_) => Reply::json(500, &serde_json::json!({"message": "the stand-in failed"})).into_response(),
    }
}

impl Server {
    async fn answer(&self, call: Call, switch: Switch) -> Reply {
        if self.platform == control::PLATFORM {
            return control::answer(&self.world, &call);
        }
        let operation =
            if self.platform == square::PLATFORM { square::operation(&call) } else { ac::operation(&call) };
        if let Some(refusal) = self.world.enter(self.platform, &operation, &call) {
            return self.world.stamp(self.platform, refusal);
        }
        let reply = self.admitted(call, &operation, &switch).await;
        self.world.leave(self.platform);
        self.world.stamp(self.platform, reply)
    }

    async fn admitted(&self, mut call: Call, operation: &str, switch: &Switch) -> Reply {
        let settings = self.world.settings();
        let square = self.platform == square::PLATFORM;
        let latency = if square { settings.square_latency_ms } else { settings.activecampaign_latency_ms };
        pause(latency).await;
        let Some(fault) = self.world.fault(self.platform, operation) else {
            return self.world.carry_out(self.platform, operation, &call);
        };
        if let Some(reply) = faults::replacement(&fault, self.platform) {
            return reply;
        }
        match fault {
            Fault::ResetBefore => {
                switch.pull();
                return Reply::bytes(500, Vec::new());
            }
            Fault::LandLate { ms } => {
                let (world, platform, operation) =
                    (Arc::clone(&self.world), self.platform, operation.to_owned());
                tokio::spawn(async move {
                    pause(ms).await;
                    world.carry_out(platform, &operation, &call);
                });
                switch.pull();
                return Reply::bytes(500, Vec::new());
            }
            Fault::Delay { ms } => pause(ms).await,
            Fault::ExpireCursor => call.expire_cursor = true,
            Fault::ClipPage { to } => call.clip = Some(to),
            Fault::InterruptImport { after } => call.interrupt_import = Some(after),
            _ => {}
        }
        let mut reply = self.world.carry_out(self.platform, operation, &call);
        match fault {
            Fault::ResetAfter => switch.pull(),
            Fault::DelayReply { ms } => pause(ms).await,
            Fault::FailAfter { status } => {
                reply = Reply::json(status, &serde_json::json!({"message": "Internal Server Error"}));
            }
            Fault::CutJson => reply.body.truncate(reply.body.len() / 2),
            Fault::SpoilRecord { at } => reply.body = faults::spoiled(&reply.body, at),
            _ => {}
        }
        reply
    }
}

async fn pause(ms: u64) {
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}
