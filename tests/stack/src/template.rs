//! What the template says of the functions: their variables, time, mappings and permissions.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_yaml_ng::Value;

/// The template.
pub(crate) struct Template(Value);

/// A permission: an action, and the resource of the template it is about.
pub(crate) type Grant = (String, String);

impl Template {
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let text = std::fs::read_to_string(root.join("template.yaml")).unwrap();
        Self(serde_yaml_ng::from_str(&text).unwrap())
    }

    /// The resource of a function, by the name of its bootstrap.
    fn function(&self, name: &str) -> &Value {
        let is_it = |resource: &&Value| {
            let code = resource["Properties"]["CodeUri"].as_str().unwrap_or_default();
            code.trim_end_matches('/').ends_with(&format!("/{name}"))
        };
        let resources = self.0["Resources"].as_mapping().unwrap();
        resources.values().find(is_it).unwrap_or_else(|| panic!("no function {name} in the template"))
    }

    /// The names of the variables a function is given, besides those of the service.
    pub(crate) fn variables(&self, name: &str) -> BTreeSet<String> {
        let both = [&self.0["Globals"]["Function"], &self.function(name)["Properties"]];
        let all = both.into_iter().filter_map(|place| place["Environment"]["Variables"].as_mapping());
        all.flat_map(|variables| variables.keys().map(|name| name.as_str().unwrap().to_owned())).collect()
    }

    /// How long an invocation may take.
    pub(crate) fn timeout(&self, name: &str) -> Duration {
        Duration::from_secs(self.function(name)["Properties"]["Timeout"].as_u64().unwrap())
    }

    /// Records of a batch, and batches at once, of the function's queue.
    pub(crate) fn mapping(&self, name: &str) -> (usize, usize) {
        let events = self.function(name)["Properties"]["Events"].as_mapping().unwrap();
        let event = events.values().find(|event| event["Type"] == "SQS").unwrap();
        let properties = &event["Properties"];
        let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        let most = &properties["ScalingConfig"]["MaximumConcurrency"];
        let most =
            most.as_u64().map_or_else(|| self.default(&name_of(most)), |most| usize::try_from(most).unwrap());
        assert_eq!(properties["FunctionResponseTypes"][0], "ReportBatchItemFailures");
        (number(&properties["BatchSize"]), most)
    }

    /// What the service does with a function that calls itself through a queue.
    pub(crate) fn recursive_loop(&self, name: &str) -> &str {
        self.function(name)["Properties"]["RecursiveLoop"].as_str().unwrap_or("Terminate")
    }

    /// How long a message stays away that was taken.
    pub(crate) fn visibility(&self, queue: &str) -> Duration {
        Duration::from_secs(self.0["Resources"][queue]["Properties"]["VisibilityTimeout"].as_u64().unwrap())
    }

    fn default(&self, parameter: &str) -> usize {
        usize::try_from(self.0["Parameters"][parameter]["Default"].as_u64().unwrap()).unwrap()
    }

    /// What the role of a function may do.
    pub(crate) fn grants(&self, name: &str) -> BTreeSet<Grant> {
        let role = name_of(&self.function(name)["Properties"]["Role"]);
        let role = &self.0["Resources"][role.as_str()]["Properties"];
        assert!(role["ManagedPolicyArns"].is_null(), "{name}: policies by somebody else are not exact");
        let policies = role["Policies"].as_sequence().unwrap().iter();
        let statements =
            policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_sequence().unwrap());
        let mut grants = BTreeSet::new();
        for statement in statements {
            assert_eq!(statement["Effect"], "Allow");
            for action in many(&statement["Action"]) {
                for resource in many(&statement["Resource"]) {
                    grants.insert((action.as_str().unwrap().to_owned(), name_of(resource)));
                }
            }
        }
        grants
    }
}

fn many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Sequence(all) => all.iter().collect(),
        one => vec![one],
    }
}

/// The name of what a value refers to: of a choice, the one that holds by default.
fn name_of(value: &Value) -> String {
    match value {
        Value::Tagged(tagged) if tagged.tag == "If" => name_of(&tagged.value[1]),
        Value::Tagged(tagged) => {
            let text = tagged.value.as_str().unwrap_or_else(|| panic!("{value:?}"));
            text.trim_end_matches(".Arn").to_owned()
        }
        Value::String(text) => text.clone(),
        other => panic!("a reference is expected: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Template;
    use crate::stack::FUNCTIONS;

    #[test]
    fn the_template_says_what_the_functions_get() {
        let template = Template::read();
        assert!(template.variables("backfill").contains("TILLSYNC_TABLE"));
        assert_eq!(template.mapping("backfill").0, 1);
        assert_eq!(template.mapping("live_sync").0, 5);
        for (function, queue) in [("backfill", "HistoryQueue"), ("live_sync", "LiveQueue")] {
            assert!(template.visibility(queue) >= template.timeout(function) * 6, "{queue}");
            assert!(template.grants(function).contains(&("sqs:ReceiveMessage".into(), queue.into())));
        }
        for function in FUNCTIONS {
            for (action, resource) in template.grants(function) {
                assert!(!action.contains('*') && !resource.contains('*'), "{function}: {action} {resource}");
            }
        }
    }
}
