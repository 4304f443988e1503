//! What happened, in numbers, for a host to publish. Nothing is told apart by connection: a number each would cost
//! more than the work it counts.

use std::sync::Mutex;
use std::sync::PoisonError;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Orders the destination holds since a run that ended.
    OrdersSynced,
    /// People likewise.
    CustomersSynced,
    /// Records a run left parked.
    RecordsParked,
    /// Runs that could not read or settle everything.
    RunsIncomplete,
    /// Calls to stores.
    SourceCalls,
    /// Calls to destinations.
    DestinationCalls,
    /// Refusals for load, by either side.
    RateLimited,
    /// The longest time, in seconds, since a connection that is polled was last read whole.
    SyncLagSeconds,
    /// Connections that somebody must mend.
    ConnectionsNeedingSomebody,
    /// Webhooks that were queued.
    WebhooksTaken,
    /// Webhooks that were signed and of no use: of a kind nobody asked for, or about what is not connected.
    WebhooksIgnored,
    /// Webhooks that were answered with a refusal.
    WebhooksRefused,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 12] = [
        Self::OrdersSynced,
        Self::CustomersSynced,
        Self::RecordsParked,
        Self::RunsIncomplete,
        Self::SourceCalls,
        Self::DestinationCalls,
        Self::RateLimited,
        Self::SyncLagSeconds,
        Self::ConnectionsNeedingSomebody,
        Self::WebhooksTaken,
        Self::WebhooksIgnored,
        Self::WebhooksRefused,
    ];

    /// The name it is published by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OrdersSynced => "OrdersSynced",
            Self::CustomersSynced => "CustomersSynced",
            Self::RecordsParked => "RecordsParked",
            Self::RunsIncomplete => "RunsIncomplete",
            Self::SourceCalls => "SourceCalls",
            Self::DestinationCalls => "DestinationCalls",
            Self::RateLimited => "RateLimited",
            Self::SyncLagSeconds => "SyncLagSeconds",
            Self::ConnectionsNeedingSomebody => "ConnectionsNeedingSomebody",
            Self::WebhooksTaken => "WebhooksTaken",
            Self::WebhooksIgnored => "WebhooksIgnored",
            Self::WebhooksRefused => "WebhooksRefused",
        }
    }

    /// Whether it is a duration in seconds, and not a count.
    #[must_use]
    pub fn is_seconds(self) -> bool {
        self == Self::SyncLagSeconds
    }
}

/// Numbers gathered since they were last taken.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Vec<(Metric, u64)>>);

impl Meter {
    /// Adds to a count.
    pub fn add(&self, metric: Metric, n: u64) {
        self.change(metric, |value| value.saturating_add(n));
    }

    /// Notes the value of now.
    pub fn set(&self, metric: Metric, n: u64) {
        self.change(metric, |_| n);
    }

    /// What was gathered; it starts anew.
    #[must_use]
    pub fn take(&self) -> Vec<(Metric, u64)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, metric: Metric, change: impl FnOnce(u64) -> u64) {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match values.iter_mut().find(|(of, _)| *of == metric) {
            Some((_, value)) => *value = change(*value),
            None => values.push((metric, change(0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Meter, Metric};

    #[test]
    fn counts_add_up_until_taken() {
        let meter = Meter::default();
        meter.add(Metric::SourceCalls, 2);
        meter.add(Metric::SourceCalls, 3);
        meter.set(Metric::SyncLagSeconds, 9);
        meter.set(Metric::SyncLagSeconds, 0);
        assert_eq!(meter.take(), [(Metric::SourceCalls, 5), (Metric::SyncLagSeconds, 0)]);
        assert_eq!(meter.take(), []);
    }
}
