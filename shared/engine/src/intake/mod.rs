//! What platforms send by themselves: proved, reduced to references, queued. No platform is called here and nothing
//! of a record is believed: a worker reads what a reference names (`run/hints.rs`).

mod codes;
mod health;
mod place;
mod split;
mod subscription;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::{Notice, Received, Webhooks, What};

use crate::context::Engine;
use crate::fault::Fault;
use crate::meter::Metric;
use crate::ports::{Key, Lane};
use crate::state::{Row, Tagged};

pub(crate) use codes::CODES;
pub(crate) use health::{check, trouble};
pub use place::{Addresses, address, place, place_all};
pub(crate) use subscription::look;
pub use subscription::{Hooked, hooked, hooked_store};
pub(crate) use subscription::{due, note_notice, note_silence};

/// The longest body that is read (reliability.md I25).
pub const MAX_BODY: usize = 256 * 1024;
/// What belongs together comes within so long of each other: the events of one sale are one fetch.
const TOGETHER: Duration = Duration::from_secs(2);
/// Beyond a platform's last try an event does not come again: 24 hours at the longest.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(48);

/// What the operator gives for the sources' webhooks.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    /// What messages are signed with, by source; several while a key is replaced.
    pub keys: BTreeMap<String, Vec<Secret>>,
    /// Tokens of the applications' owners, by source: with one, the subscription is seen to.
    pub owners: BTreeMap<String, Secret>,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Queued, or known already, or of no use: nothing more is to be sent.
    Taken,
    /// There is no such address.
    Unknown,
    /// It is not proved who sent it.
    Refused,
    /// Its body is longer than any.
    TooLarge,
    /// What holds the data did not answer: to be sent again.
    Unavailable,
}

impl Answer {
    /// The status of the answer. Whatever is wrong with a signature, it is the same.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Taken => 200,
            Self::Unknown => 404,
            Self::Refused => 403,
            Self::TooLarge => 413,
            Self::Unavailable => 503,
        }
    }
}

/// An event that was queued.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    at: Timestamp,
}

impl Tagged for Known {
    fn expires(&self) -> Option<Timestamp> {
        self.at.checked_add(KNOWN_FOR).ok()
    }
}

/// Takes a message for the address of a source: `token` is the last part of its path, header names are in small
/// letters. Calls no platform.
pub async fn accept(
    engine: &Engine,
    (source, token): (&str, &str),
    headers: &[(&str, &[u8])],
    raw: &[u8],
) -> Answer {
    let answer = match take(engine, (source, token), headers, raw).await {
        Ok(answer) => answer,
        Err(fault) => {
            tracing::error!(source, code = fault.code, detail = fault.detail, "a webhook could not be taken");
            Answer::Unavailable
        }
    };
    if answer != Answer::Taken {
        engine.meter.add(Metric::WebhooksRefused, 1);
    }
    answer
}

async fn take(
    engine: &Engine,
    (name, token): (&str, &str),
    headers: &[(&str, &[u8])],
    raw: &[u8],
) -> Result<Answer, Fault> {
    let Some(hooks) = tillsync_mapping::sources::named(name).and_then(|source| source.webhooks()) else {
        return Ok(Answer::Unknown);
    };
    if raw.len() > MAX_BODY {
        return Ok(Answer::TooLarge);
    }
    if !place::is_known(engine, name, token).await? {
        return Ok(Answer::Unknown);
    }
    let url = place::url(&engine.config.public_url, name, token);
    let received = Received { url: &url, headers, raw };
    let Some(notice) = proved(engine, (name, hooks), &received).await? else { return Ok(Answer::Refused) };
    let Some(notice) = notice else {
        // Signed, and not what is promised: sent again it would be the same. Polls find what it meant.
        engine.meter.add(Metric::WebhooksIgnored, 1);
        tracing::warn!(source = name, "a webhook is not of the promised form");
        return Ok(Answer::Taken);
    };
    if notice.what == What::Nothing {
        engine.meter.add(Metric::WebhooksIgnored, 1);
        return Ok(Answer::Taken);
    }
    queue(engine, name, &notice).await?;
    Ok(Answer::Taken)
}

/// What a message tells, where one of the keys proves it: those the operator gave, then the one the platform told.
async fn proved(
    engine: &Engine,
    (name, hooks): (&str, &dyn Webhooks),
    received: &Received<'_>,
) -> Result<Option<Option<Notice>>, Fault> {
    let given = engine.config.hooks.keys.get(name).map_or(&[][..], Vec::as_slice);
    for key in given {
        if let Ok(body) = hooks.verify(key, received) {
            return Ok(Some(hooks.read(&body)));
        }
    }
    for key in subscription::told_keys(engine, name).await? {
        if let Ok(body) = hooks.verify(&key, received) {
            return Ok(Some(hooks.read(&body)));
        }
    }
    Ok(None)
}

/// Queues what an event refers to, once. The queue comes first: that an event was queued is noted when it was, so
/// whoever falls between the two queues it twice, and none is lost.
async fn queue(engine: &Engine, source: &str, notice: &Notice) -> Result<(), Fault> {
    let key = Key::new(format!("DEDUP#{source}#{}", notice.store), notice.event.clone());
    if engine.store.get(&key).await?.is_some() {
        return Ok(());
    }
    let now = engine.now();
    let work = split::hints(source, notice, now);
    let bodies = work.iter().map(crate::message::Work::encode).collect::<Result<Vec<_>, _>>()?;
    let group = format!("{source}.{}", notice.store);
    engine.queue.send(Lane::Live, &group, bodies, TOGETHER).await?;
    engine.meter.add(Metric::WebhooksTaken, 1);
    // Somebody else may have been as fast: then there is a message too many, which does nothing.
    engine.store.write_each(vec![Row::new(key, Known { at: now }).put()?]).await?;
    Ok(())
}
