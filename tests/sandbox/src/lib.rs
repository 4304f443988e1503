//! Stand-ins for Square and ActiveCampaign over loopback HTTP, as strict as the platforms are, with a
//! generated shop behind them. Nothing here is shared with the product: the two can only agree by
//! both being right.

mod ac;
mod clock;
mod control;
mod events;
mod faults;
mod http;
mod limit;
mod net;
mod openapi;
mod outbox;
mod rng;
mod schema;
mod serve;
mod settings;
mod shop;
mod square;
mod stats;
#[cfg(test)]
mod tests;
mod world;

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;

pub use ac::{KeyState, Poison};
pub use faults::{Fault, FaultRule};
pub use settings::{ConnectionList, Consent, Entitlements, Options, Settings};
pub use shop::Changes;
pub use square::{
    SQUARE_APPLICATION_ID, SQUARE_APPLICATION_SECRET, SQUARE_PERSONAL_TOKEN, SQUARE_REFRESH_TOKEN, TokenState,
};
pub use world::{ACTIVECAMPAIGN_KEY, SQUARE_TOKEN, World};

/// The servers of a sandbox, running until the process ends or `stop` is called for those who `wait`.
#[derive(Debug, Clone)]
pub struct Running {
    /// `http://127.0.0.1:P`, in the place of `https://connect.squareup.com`.
    pub square_url: String,
    /// `http://127.0.0.1:Q`; the API is below `/api/3`.
    pub activecampaign_url: String,
    /// Where tests read and turn things.
    pub control_url: String,
    /// The access token of the seller.
    pub square_token: String,
    /// The API key of the account.
    pub activecampaign_key: String,
    world: Arc<World>,
    stop: Arc<Notify>,
}

impl Running {
    /// What is behind the servers, for tests in the same process.
    pub fn world(&self) -> Arc<World> {
        Arc::clone(&self.world)
    }

    /// Waits until somebody calls `stop`.
    pub async fn wait(&self) {
        self.stop.notified().await;
    }

    /// Lets `wait` return.
    pub fn stop(&self) {
        self.stop.notify_one();
    }

    /// The addresses and secrets as one JSON object.
    pub fn describe(&self) -> Value {
        json!({
            "square_url": self.square_url, "activecampaign_url": self.activecampaign_url,
            "control_url": self.control_url, "square_token": self.square_token,
            "activecampaign_key": self.activecampaign_key, "locations": self.world.locations(),
            "square_application_id": SQUARE_APPLICATION_ID,
            "square_application_secret": SQUARE_APPLICATION_SECRET,
            "square_personal_token": SQUARE_PERSONAL_TOKEN,
        })
    }
}

/// Makes the shop and starts both platforms and the control server on 127.0.0.1.
///
/// # Errors
/// When a port cannot be had.
pub async fn start(options: Options) -> io::Result<Running> {
    let world = Arc::new(World::new(&options));
    let square = serve::start(square::PLATFORM, options.square_port, Arc::clone(&world)).await?;
    let account = serve::start(ac::PLATFORM, options.activecampaign_port, Arc::clone(&world)).await?;
    let control = serve::start(control::PLATFORM, options.control_port, Arc::clone(&world)).await?;
    tokio::spawn(outbox::send_all(Arc::clone(&world)));
    Ok(Running {
        square_url: format!("http://127.0.0.1:{square}"),
        activecampaign_url: format!("http://127.0.0.1:{account}"),
        control_url: format!("http://127.0.0.1:{control}"),
        square_token: SQUARE_TOKEN.to_owned(),
        activecampaign_key: ACTIVECAMPAIGN_KEY.to_owned(),
        world,
        stop: Arc::new(Notify::new()),
    })
}

/// For a child process: starts, prints one line of JSON, and runs until standard input closes, so that a
/// killed parent never leaves an orphan behind.
///
/// # Errors
/// When a port cannot be had or standard output is closed.
pub fn serve_main(options: Options) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(async {
        let running = start(options).await?;
        {
            use std::io::Write;
            let mut out = io::stdout().lock();
            writeln!(out, "{}", running.describe())?;
            out.flush()?;
        }
        let mut input = tokio::io::stdin();
        let mut buffer = [0_u8; 64];
        while input.read(&mut buffer).await? > 0 {}
        Ok(())
    });
    // Reading standard input blocks a thread that cannot be called back.
    runtime.shutdown_background();
    result
}
