//! Whole flows: an operator's event or a tick at one end, the account at the other.

mod deadlines;
mod events;
mod faults;
mod history;
mod http;
mod kills;
mod life;
mod messages;
mod polls;
mod restored;
mod signing;
mod starts;
mod webhooks;

pub(crate) use http::ask_health;
pub(crate) use signing::{signing, with_application};
pub(crate) use webhooks::sale_by_webhook;
