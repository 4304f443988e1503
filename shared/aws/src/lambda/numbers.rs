//! Numbers in CloudWatch's embedded metric format: a JSON line in the log that the service turns into metrics
//! (Amazon CloudWatch user guide, "Embedded metric format specification").

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tillsync_engine::{Meter, Metric};

use crate::Used;

/// The namespace of the metrics.
const NAMESPACE: &str = "tillsync";

/// Prints what an invocation counted.
pub(crate) struct Reporter {
    function: &'static str,
    stage: String,
}

impl Reporter {
    pub(crate) fn new(function: &'static str, stage: &str) -> Self {
        Self { function, stage: stage.to_owned() }
    }

    /// Prints one line, if there is anything to tell.
    pub(crate) fn report(&self, request: &str, meter: &Meter, used: &Used) {
        let line = self.line(request, &meter.take(), used, Timestamp::now());
        // Standard output is the log; where nobody reads it there is nothing to tell.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// One dimension only: a metric per connection would cost more than the work it counts, so what is particular
    /// stands beside as members that can be searched for.
    fn line(&self, request: &str, counted: &[(Metric, u64)], used: &Used, at: Timestamp) -> Value {
        let unit = |metric: Metric| if metric.is_seconds() { "Seconds" } else { "Count" };
        let metrics: Vec<Value> =
            counted.iter().map(|(metric, _)| json!({"Name": metric.name(), "Unit": unit(*metric)})).collect();
        let mut line = Map::new();
        if !metrics.is_empty() {
            let about = json!([{"Namespace": NAMESPACE, "Dimensions": [["Stage"]], "Metrics": metrics}]);
            line.insert("_aws".into(), json!({"Timestamp": at.as_millisecond(), "CloudWatchMetrics": about}));
        }
        line.insert("timestamp".into(), json!(at));
        line.insert("level".into(), json!("INFO"));
        line.insert("message".into(), json!("invocation ended"));
        line.insert("Stage".into(), json!(self.stage));
        line.insert("function".into(), json!(self.function));
        line.insert("request_id".into(), json!(request));
        line.insert("read_units_tenths".into(), json!(used.read_tenths));
        line.insert("write_units_tenths".into(), json!(used.write_tenths));
        for (metric, value) in counted {
            line.insert(metric.name().into(), json!(value));
        }
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;
    use tillsync_engine::Metric;

    use super::Reporter;
    use crate::Used;

    #[test]
    fn a_line_names_its_metrics_with_one_dimension() {
        let reporter = Reporter::new("backfill", "prod");
        let counted = [(Metric::OrdersSynced, 5), (Metric::SyncLagSeconds, 90)];
        let used = Used { read_tenths: 15, write_tenths: 20 };
        let line = reporter.line("request", &counted, &used, Timestamp::UNIX_EPOCH);
        assert_eq!(
            line["_aws"],
            json!({"Timestamp": 0, "CloudWatchMetrics": [{
                "Namespace": "tillsync", "Dimensions": [["Stage"]],
                "Metrics": [{"Name": "OrdersSynced", "Unit": "Count"}, {"Name": "SyncLagSeconds", "Unit": "Seconds"}],
            }]})
        );
        assert_eq!(
            (&line["Stage"], &line["OrdersSynced"], &line["SyncLagSeconds"]),
            (&json!("prod"), &json!(5), &json!(90))
        );
        assert!(reporter.line("request", &[], &used, Timestamp::UNIX_EPOCH).get("_aws").is_none());
    }
}
