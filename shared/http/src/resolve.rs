//! Names to addresses. The check stands here, between lookup and connection: one made any earlier could be told
//! another address than the connection uses.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::is_public;

/// Addresses to come.
pub(crate) type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
/// Looks a name up.
pub(crate) type Lookup = Arc<dyn Fn(String) -> Found + Send + Sync>;

/// The name leads into a network that is not the public one.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
pub(crate) struct Inside;

/// Gives out public addresses only.
pub(crate) struct Guard {
    loopback: bool,
    lookup: Lookup,
}

impl Guard {
    pub(crate) fn new(loopback: bool, lookup: Lookup) -> Self {
        Self { loopback, lookup }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let here = self.loopback && name.as_str() == "localhost";
        let found = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let addresses = found.await?;
            // One address that may not be is enough: an honest name has none.
            let fits = |address: &SocketAddr| {
                if here { address.ip().is_loopback() } else { is_public(address.ip()) }
            };
            if addresses.iter().all(fits) {
                Ok(Box::new(addresses.into_iter()) as Addrs)
            } else {
                Err(Inside.into())
            }
        })
    }
}

/// The lookup of the operating system.
pub(crate) fn system() -> Lookup {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}
