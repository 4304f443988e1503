//! DynamoDB inside the test.

use ::dynoxide::{Database, server};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A DynamoDB of its own, in memory, that ends with this value.
pub struct Dynoxide {
    url: String,
    serving: JoinHandle<()>,
}

/// Starts one; takes some 50 ms.
///
/// # Panics
/// Where no port is free.
pub async fn dynoxide() -> Dynoxide {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let database = Database::memory().unwrap();
    Dynoxide { url, serving: tokio::spawn(server::serve_on(listener, database)) }
}

impl Dynoxide {
    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Dynoxide {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
