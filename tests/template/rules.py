"""What must hold for the template and what stands beside it, and what cfn-lint does not see. Each rule takes a
`World` and returns what is wrong, as sentences."""

import json
import re
from dataclasses import dataclass

import loading

FUNCTION = "AWS::Serverless::Function"
QUEUE = "AWS::SQS::Queue"
ALARM = "AWS::CloudWatch::Alarm"
# A visibility shorter than this many timeouts hands a message out while it is being worked on.
TIMEOUTS_OF_VISIBILITY = 6

# Actions an operator may send. The engine's list is the same (shared/engine/src/entry/event.rs).
EVENT_ACTIONS = set(
    "help locations connect list start status cancel resume poll runs record explain "
    "pause unpause rename set find preview doctor sync retry reconcile comparison rotate_key "
    "sign_in connect_oauth disconnect reconnect delete_import set_destination erase".split()
)

TABLE = {f"dynamodb:{call}" for call in "BatchGetItem DeleteItem GetItem PutItem Query".split()}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
READ_QUEUE = {
    f"sqs:{call}" for call in "ChangeMessageVisibility DeleteMessage GetQueueAttributes ReceiveMessage".split()
}
# What each role may do. A role is given more by writing it here too.
PERMISSIONS = {
    "ScheduledPollRole": (TABLE - {"dynamodb:DeleteItem"}) | LOGS | {"sqs:SendMessage"},
    "LiveSyncRole": TABLE | LOGS | READ_QUEUE | {"sqs:SendMessage", "secretsmanager:GetSecretValue"},
    "BackfillRole": TABLE | LOGS | READ_QUEUE | {"sqs:SendMessage", "secretsmanager:GetSecretValue"},
    "WebhookIntakeRole": LOGS
    | {"dynamodb:GetItem", "dynamodb:PutItem", "sqs:SendMessage", "secretsmanager:GetSecretValue"},
    "ConsoleRole": LOGS | {"sqs:GetQueueAttributes"},
    "OauthCallbackRole": TABLE | LOGS | {"sqs:SendMessage", "secretsmanager:GetSecretValue"},
    "ScheduleRole": {"lambda:InvokeFunction"},
}

# What functions count (shared/aws/src/lambda/numbers.rs prints it).
METRICS = set(
    "OrdersSynced CustomersSynced RecordsParked RunsIncomplete SyncLagSeconds ConnectionsNeedingSomebody "
    "SourceCalls DestinationCalls RateLimited WebhooksTaken WebhooksIgnored WebhooksRefused".split()
)
PERSONAL = re.compile(r"ip|path|query|useragent|identity|authorizer|domain", re.IGNORECASE)


@dataclass
class World:
    """All that is looked at."""

    template: dict
    text: str
    readme: str
    runbook: str
    build: str
    events: dict


def read():
    """The world as it is."""
    root = loading.ROOT
    return World(
        template=loading.load(),
        text=loading.TEMPLATE.read_text(),
        readme=(root / "README.md").read_text(),
        runbook=(root / "infra/README.md").read_text(),
        build=(root / "infra/build").read_text(),
        events={path.stem: path.read_text() for path in sorted((root / "infra/events").glob("*.json"))},
    )


def _properties(world, kind):
    found = loading.of_type(world.template, kind)
    return {name: item.get("Properties", {}) for name, item in found.items()}


def _list(value):
    return value if isinstance(value, list) else [value]


def _target(value):
    """The logical id that a Ref or GetAtt names."""
    if isinstance(value, dict):
        if "Ref" in value:
            return value["Ref"]
        if "Fn::GetAtt" in value:
            return value["Fn::GetAtt"][0]
    return None


def _timeout(world, function):
    shared = world.template.get("Globals", {}).get("Function", {})
    return function.get("Timeout", shared.get("Timeout", 3))


def nothing_dangles(world):
    """Every name that is referred to is there, in Globals, policies and events too."""
    resources, wrong = world.template["Resources"], []
    values = set(resources) | set(world.template.get("Parameters", {}))
    for path, node in loading.walk(world.template):
        place = ".".join(str(part) for part in path)
        if isinstance(node, dict):
            for key, value in node.items():
                named, known = [], values
                if key == "Ref":
                    named = [value]
                elif key == "Fn::GetAtt":
                    named, known = [value[0]], set(resources)
                elif key == "Fn::Sub":
                    text, own = (value, {}) if isinstance(value, str) else value
                    used = [name.split(".")[0] for name in re.findall(r"\$\{([^!}][^}]*)\}", text)]
                    named = [name for name in used if name not in own]
                elif key == "DependsOn":
                    named, known = _list(value), set(resources)
                elif key == "Fn::If" or (key == "Condition" and isinstance(value, str)):
                    named, known = [_list(value)[0]], set(world.template.get("Conditions", {}))
                elif key == "Fn::FindInMap":
                    named, known = [value[0]], set(world.template.get("Mappings", {}))
                wrong += [f"{place}: no {n}" for n in named if n not in known and not str(n).startswith("AWS::")]
    return wrong


def messages_stay_hidden_while_worked_on(world):
    """Visibility is at least six timeouts of the function that reads the queue."""
    wrong, queues = [], _properties(world, QUEUE)
    for name, function in _properties(world, FUNCTION).items():
        for event in function.get("Events", {}).values():
            if event["Type"] == "SQS":
                queue = _target(event["Properties"]["Queue"])
                has = queues.get(queue, {}).get("VisibilityTimeout", 30)
                wants = TIMEOUTS_OF_VISIBILITY * _timeout(world, function)
                if has < wants:
                    wrong.append(f"{queue}: visible again after {has} s, {name} needs {wants}")
    return wrong


def queues_lose_nothing(world):
    """Failures are reported by message, and what fails for good goes to a queue that keeps it longer."""
    wrong, queues = [], _properties(world, QUEUE)
    for name, function in _properties(world, FUNCTION).items():
        for event in function.get("Events", {}).values():
            if event["Type"] != "SQS":
                continue
            given = event["Properties"]
            if given.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                wrong.append(f"{name}: one bad message fails its batch")
            if "MaximumConcurrency" not in given.get("ScalingConfig", {}):
                wrong.append(f"{name}: its concurrency has no bound")
            queue = queues.get(_target(given["Queue"]), {})
            dead = queues.get(_target(queue.get("RedrivePolicy", {}).get("deadLetterTargetArn")), {})
            if dead.get("MessageRetentionPeriod", 0) <= queue.get("MessageRetentionPeriod", 345600):
                wrong.append(f"{name}: what fails for good is not kept longer than what waits")
    return wrong


def _statements(role):
    for policy in role.get("Policies", []):
        yield from _list(policy["PolicyDocument"]["Statement"])


def no_policy_has_a_wildcard(world):
    """No star in an action, a resource or a principal; no managed policy, which would have them."""
    wrong = []
    for name, role in _properties(world, "AWS::IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            wrong.append(f"{name}: has managed policies")
        for statement in [*_statements(role), *_list(role["AssumeRolePolicyDocument"]["Statement"])]:
            for key in ("Action", "Resource", "Principal"):
                if "*" in json.dumps(statement.get(key, "")):
                    wrong.append(f"{name}: {key} {statement[key]}")
            if {"NotAction", "NotResource", "NotPrincipal"} & set(statement):
                wrong.append(f"{name}: says what is not meant")
    for name, function in _properties(world, FUNCTION).items():
        if "Policies" in function:
            wrong.append(f"{name}: has policies beside its role's")
    for name, given in _properties(world, "AWS::Lambda::Permission").items():
        if "*" in json.dumps(given) or "SourceArn" not in given:
            wrong.append(f"{name}: may be called by more than one route")
        elif "${!" in json.dumps(given):
            wrong.append(f"{name}: names a path with a dollar sign, which no route has")
    return wrong


def roles_may_do_what_is_listed(world):
    """Each role has exactly the actions of the list above."""
    found = {}
    for name, role in _properties(world, "AWS::IAM::Role").items():
        found[name] = {action for statement in _statements(role) for action in _list(statement["Action"])}
    wrong = [f"{name}: no role of the list" for name in found.keys() - PERMISSIONS.keys()]
    for name, wanted in PERMISSIONS.items():
        if found.get(name) != wanted:
            wrong.append(f"{name}: differs in {sorted(wanted ^ found.get(name, set()))}")
    return wrong


def functions_share_nothing(world):
    """Each has a role, a log group with a retention, and alarms for errors and throttles of its own."""
    wrong, roles, groups = [], [], []
    logs = _properties(world, "AWS::Logs::LogGroup")
    for name, function in _properties(world, FUNCTION).items():
        roles.append(_target(function.get("Role")))
        group = _target(function.get("LoggingConfig", {}).get("LogGroup"))
        groups.append(group)
        if "RetentionInDays" not in logs.get(group, {}):
            wrong.append(f"{name}: no log group that forgets")
        for metric in ("Errors", "Throttles"):
            about = [{"Name": "FunctionName", "Value": {"Ref": name}}]
            alarms = _properties(world, ALARM).values()
            if not any(a["MetricName"] == metric and a.get("Dimensions") == about for a in alarms):
                wrong.append(f"{name}: no alarm for {metric}")
    for what, names in (("role", roles), ("log group", groups)):
        if len(set(names)) != len(names) or None in names:
            wrong.append(f"functions without a {what} of their own: {names}")
    wrong += [f"{name}: keeps logs for ever" for name, group in logs.items() if "RetentionInDays" not in group]
    return wrong


def variables_are_explained(world):
    """Every TILLSYNC_ variable stands in the README's table of settings or in the runbook's, and none in vain."""
    row = re.compile(r"^\| `(TILLSYNC_[A-Z_]+)` \|", re.MULTILINE)
    shared = world.template.get("Globals", {}).get("Function", {}).get("Environment", {}).get("Variables", {})
    used, wrong = set(shared), []
    for name, function in _properties(world, FUNCTION).items():
        own = set(function.get("Environment", {}).get("Variables", {}))
        used |= own
        role = PERMISSIONS.get(_target(function.get("Role")), set())
        if ("TILLSYNC_SECRET" in own) != ("secretsmanager:GetSecretValue" in role):
            wrong.append(f"{name}: is told of a secret it may not read, or not of one it may")
    told = set(row.findall(world.readme)) | set(row.findall(world.runbook))
    wrong += [f"{name}: in no table" for name in sorted(used - told)]
    wrong += [f"{name}: in the runbook only" for name in sorted(set(row.findall(world.runbook)) - used)]
    return wrong


def callers_know_whom_and_how_fast(world):
    """Whoever calls platforms is told of all their hosts, and of the pace they share."""
    wrong = []
    for name, function in _properties(world, FUNCTION).items():
        own = set(function.get("Environment", {}).get("Variables", {}))
        if any(variable.endswith("_API_URL") for variable in own):
            missing = {"TILLSYNC_DESTINATION_HOSTS", "TILLSYNC_CALLS_PER_SECOND"} - own
            wrong += [f"{name}: calls platforms without {variable}" for variable in sorted(missing)]
    return wrong


def _slug(heading):
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def alarms_say_what_to_do(world):
    """Every alarm points at a heading of the runbook, and every such heading has an alarm."""
    slugs = {_slug(line.lstrip("#")) for line in world.runbook.splitlines() if line.startswith("#")}
    wrong, pointed = [], set()
    for name, alarm in _properties(world, ALARM).items():
        found = re.search(r"^\S.{20,} infra/README\.md#([a-z-]+)$", alarm.get("AlarmDescription", ""))
        if not found or found[1] not in slugs:
            wrong.append(f"{name}: its description points at no heading of infra/README.md")
        else:
            pointed.add(found[1])
        for key in ("TreatMissingData", "AlarmActions", "OKActions"):
            if key not in alarm:
                wrong.append(f"{name}: no {key}")
    wrong += [f"{slug}: no alarm" for slug in slugs - pointed if slug.startswith("alarm-")]
    return wrong


def metrics_are_known(world):
    """Alarms and dashboard show metrics that are printed, and all of them; missing freshness is an alarm."""
    board = json.dumps([item for item in _properties(world, "AWS::CloudWatch::Dashboard").values()])
    shown = set(re.findall(r'\[\\*"tillsync\\*",\\*"(\w+)', board))
    alarms = [alarm for alarm in _properties(world, ALARM).values() if alarm["Namespace"] == "tillsync"]
    wrong = [f"{name}: nobody prints it" for name in shown | {a["MetricName"] for a in alarms} if name not in METRICS]
    wrong += [f"{name}: not on the dashboard" for name in METRICS - shown]
    fresh = [alarm["TreatMissingData"] for alarm in alarms if alarm["MetricName"] == "SyncLagSeconds"]
    return wrong if fresh == ["breaching"] else [*wrong, "nobody is told when nobody ticks"]


def figures_follow_from_others(world):
    """What CloudFormation cannot work out: twice the time between polls, and eight tenths of a timeout."""
    lags = {minutes: row["Seconds"] for minutes, row in world.template["Mappings"]["Lag"].items()}
    allowed = world.template["Parameters"]["PollMinutes"]["AllowedValues"]
    wrong = [] if set(lags) == set(allowed) else ["PollMinutes: the mapping has other values"]
    wrong += [f"Lag {minutes}: {s} s" for minutes, s in lags.items() if s != 120 * int(minutes)]
    functions = _properties(world, FUNCTION)
    for name, alarm in _properties(world, ALARM).items():
        if alarm["MetricName"] == "Duration":
            function = functions.get(_target(alarm["Dimensions"][0]["Value"]), {})
            if alarm["Threshold"] != 800 * _timeout(world, function):
                wrong.append(f"{name}: {alarm['Threshold']} ms is not 80 % of the timeout")
    return wrong


def parameters_are_explained(world):
    """Each has a description, a group in the console's form, and a use."""
    interface = world.template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in interface for name in group["Parameters"]]
    used = json.dumps({key: world.template[key] for key in ("Conditions", "Globals", "Resources", "Outputs")})
    wrong = []
    for name, given in world.template["Parameters"].items():
        if not given.get("Description"):
            wrong.append(f"{name}: not described")
        if grouped.count(name) != 1:
            wrong.append(f"{name}: in no group, or in several")
        if f'"Ref": "{name}"' not in used:
            wrong.append(f"{name}: of no use")
        if not {"AllowedValues", "AllowedPattern", "MinValue"} & set(given):
            wrong.append(f"{name}: takes anything")
    return wrong


def what_must_last_is_kept(world):
    """The table and the secret outlive the stack."""
    wrong = []
    for kind in ("AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"):
        for name, item in loading.of_type(world.template, kind).items():
            for key in ("DeletionPolicy", "UpdateReplacePolicy"):
                if item.get(key) != "Retain":
                    wrong.append(f"{name}: {key} is not Retain")
    for name, table in _properties(world, "AWS::DynamoDB::Table").items():
        recovery = table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled")
        if table.get("DeletionProtectionEnabled") is not True or recovery is not True:
            wrong.append(f"{name}: can be deleted by a slip, or not be restored")
    return wrong


def access_logs_tell_of_nobody(world):
    """No address, path, query or browser in them; and they are JSON."""
    wrong = []
    for name, stage in _properties(world, "AWS::ApiGatewayV2::Stage").items():
        try:
            line = json.loads(stage["AccessLogSettings"]["Format"])
        except (KeyError, ValueError):
            wrong.append(f"{name}: no access log in JSON")
            continue
        wrong += [f"{name}: {value}" for value in line.values() if PERSONAL.search(value.split(".", 1)[-1])]
        if "ThrottlingRateLimit" not in stage.get("DefaultRouteSettings", {}):
            wrong.append(f"{name}: not throttled")
    return wrong


def events_are_ones_that_are_taken(world):
    """Every event parses, asks for a known action and holds no secret; every action has an event and a row."""
    asked, wrong = set(), []
    for name, text in world.events.items():
        try:
            event = json.loads(text)
        except ValueError as error:
            wrong.append(f"{name}: {error}")
            continue
        action = event.get("action", "help")
        asked.add(action)
        if action not in EVENT_ACTIONS:
            wrong.append(f"{name}: no action {action}")
        if any(word in key for key in event for word in ("token", "key", "secret")):
            wrong.append(f"{name}: a secret has no place in an event")
    rows = set(re.findall(r"^\| `([a-z_]+)` \|", world.runbook, re.MULTILINE))
    wrong += [f"{action}: no event" for action in sorted(EVENT_ACTIONS - asked)]
    wrong += [f"{action}: no row in the runbook" for action in sorted(EVENT_ACTIONS - rows)]
    wrong += [f"{row}: the runbook has it, and nobody takes it" for row in sorted(rows - EVENT_ACTIONS)]
    return wrong


def lint_is_silenced_with_a_reason_only(world):
    """A comment stands above every suppression of cfn-lint."""
    wrong, lines = [], world.text.splitlines()
    inside = False
    for place, line in enumerate(lines):
        above = lines[place - 1].strip()
        if "ignore_checks:" in line:
            inside = line.strip().endswith(":")
            if not inside and not above.startswith("#"):
                wrong.append(f"line {place + 1}: {line.strip()}")
        elif inside and line.strip().startswith("- "):
            if not above.startswith("#"):
                wrong.append(f"line {place + 1}: {line.strip()}")
        elif not line.strip().startswith("#"):
            inside = False
    return wrong


def what_is_built_is_deployed(world):
    """infra/build makes the folders that the template uploads, and says where random numbers come from."""
    uploaded = {f["CodeUri"] for f in _properties(world, FUNCTION).values()}
    block = re.search(r'FUNCTIONS="\n(.*?)"', world.build, re.DOTALL)
    built = {f"target/lambda/{line.split()[1]}/" for line in block[1].splitlines()} if block else set()
    wrong = [f"{path}: built or deployed, not both" for path in sorted(uploaded ^ built)]
    if "export AWS_LC_SYS_NO_JITTER_ENTROPY=1" not in world.build:
        wrong.append("infra/build: the first call of every start would gather entropy")
    return wrong


RULES = [value for value in list(globals().values()) if callable(value) and getattr(value, "__module__", "") == __name__]
RULES = [rule for rule in RULES if not rule.__name__.startswith("_") and rule.__name__ not in ("World", "read")]
