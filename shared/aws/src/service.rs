//! What a service of AWS answered, and patience with it.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use tillsync_engine::ports::{Entropy, PortError};
use tillsync_host::SystemEntropy;

/// Letters of a service's message that are kept.
const MAX_MESSAGE: usize = 240;

/// An error as the engine knows it: the service's code and words, nothing of what was sent.
pub(crate) fn refused<E, R>(what: &'static str, error: &SdkError<E, R>) -> PortError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let detail = match error {
        SdkError::ServiceError(_) => {
            let words = error.message().unwrap_or_default();
            format!("{}: {}", error.code().unwrap_or("refused without a code"), one_line(words))
        }
        SdkError::TimeoutError(_) => "no reply in time".to_owned(),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(cause) => format!("not reached: {cause}"),
            None => "not reached".to_owned(),
        },
        SdkError::ResponseError(_) => "a reply that cannot be read".to_owned(),
        _ => "the request could not be made".to_owned(),
    };
    PortError { what, detail }
}

fn one_line(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_MESSAGE).collect()
}

/// Waits between tries: twice as long each time, with chance in it, so that those who collided part.
pub(crate) struct Patience {
    tries: u32,
}

impl Patience {
    /// Waits before it gives up: about 5 seconds in all.
    const MAX_TRIES: u32 = 10;
    const FIRST_MS: u64 = 20;
    const LONGEST_MS: u64 = 1_000;

    pub(crate) fn new() -> Self {
        Self { tries: 0 }
    }

    /// Waits; false when it is used up. The service lives in real time, so this is no matter of the engine's clock.
    pub(crate) async fn wait(&mut self) -> bool {
        if self.tries >= Self::MAX_TRIES {
            return false;
        }
        let most = (Self::FIRST_MS << self.tries).min(Self::LONGEST_MS);
        self.tries += 1;
        let wait = most / 2 + SystemEntropy.bits() % (most / 2 + 1);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        true
    }

    /// Something went forward.
    pub(crate) fn renew(&mut self) {
        self.tries = 0;
    }
}
