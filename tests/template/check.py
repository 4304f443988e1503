#!/usr/bin/env python3
"""Holds template.yaml and infra/ against the rules of rules.py, and shows of each rule that it finds what it is for:
every rule is tried on copies that are spoilt in one place.

    target/tools/lint/bin/python tests/template/check.py
    target/tools/lint/bin/python tests/template/check.py --policies    what each role may do, as JSON, for other tests

Ends with one line `N passed, N failed`.
"""

import copy
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import loading
import rules

COST_MODEL = loading.ROOT / "infra/cost_model.py"


def resource(world, name):
    return world.template["Resources"][name]


def given(world, name):
    return resource(world, name)["Properties"]


def statement(world, role, sid):
    found = given(world, role)["Policies"][0]["PolicyDocument"]["Statement"]
    return next(item for item in found if item["Sid"] == sid)


def put(find, key, value):
    """A change that sets one key of what `find` finds; None takes it out."""

    def change(world):
        found = find(world)
        assert isinstance(found, list) or value is not None or key in found, f"{key} is not there to be taken out"
        if value is None:
            del found[key]
        else:
            found[key] = value

    return change


def of(name, *path):
    """Finds the properties of a resource, or what lies deeper."""

    def find(world):
        found = given(world, name)
        for part in path:
            found = found[part]
        return found

    return find


def item(name):
    return lambda world: resource(world, name)


def swap(part, old, new):
    """A change of a text: one of the files, or one event."""

    def change(world):
        texts = world.events if part in world.events else world.__dict__
        assert old in texts[part], f"{old!r} is not in {part}"
        texts[part] = texts[part].replace(old, new)

    return change


def shared_variables(world):
    return world.template["Globals"]["Function"]["Environment"]["Variables"]


def policy(role, sid):
    return lambda world: statement(world, role, sid)


LIVE = ("LiveSyncFunction", "Events", "Live", "Properties")
STAR = "*"
# What each rule must find. cfn-lint 1.58 finds nothing wrong with the first and third that dangle, nor with any that
# is visible too early.
SPOILT = {
    "nothing_dangles": [
        put(shared_variables, "TILLSYNC_TABLE", {"Ref": "Tabel"}),
        put(policy("ConsoleRole", "Queues"), "Resource", {"Fn::GetAtt": ["Tabel", "Arn"]}),
        put(of(*LIVE), "Queue", {"Fn::GetAtt": ["LiveQueu", "Arn"]}),
        put(policy("ConsoleRole", "Queues"), "Resource", {"Fn::Sub": "arn:${AWS::Partition}:dynamodb:${Tabel}"}),
        put(item("AlarmTopic"), "Condition", "TellsNobody"),
        put(of("FreshnessAlarm"), "Threshold", {"Fn::FindInMap": ["Legs", {"Ref": "PollMinutes"}, "Seconds"]}),
    ],
    "messages_stay_hidden_while_worked_on": [
        put(of("LiveQueue"), "VisibilityTimeout", 1079),
        put(of("HistoryQueue"), "VisibilityTimeout", None),
        put(of("BackfillFunction"), "Timeout", 300),
    ],
    "queues_lose_nothing": [
        put(of(*LIVE), "FunctionResponseTypes", None),
        put(of(*LIVE), "ScalingConfig", None),
        put(of("LiveQueue"), "RedrivePolicy", None),
        put(of("HistoryDead"), "MessageRetentionPeriod", 345600),
    ],
    "no_policy_has_a_wildcard": [
        put(policy("LiveSyncRole", "Table"), "Action", ["dynamodb:*"]),
        put(policy("LiveSyncRole", "Secret"), "Resource", STAR),
        put(policy("LiveSyncRole", "Logs"), "Resource", {"Fn::Sub": "${LiveSyncLogs.Arn}:*"}),
        put(of("ScheduleRole"), "ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        put(of("ConsoleFunction"), "Policies", ["AmazonDynamoDBFullAccess"]),
        put(of("HealthPermission"), "SourceArn", None),
    ],
    "roles_may_do_what_is_listed": [
        put(policy("ConsoleRole", "Queues"), "Action", ["dynamodb:GetItem", "dynamodb:DeleteTable"]),
        put(policy("BackfillRole", "Table"), "Action", ["dynamodb:GetItem"]),
        put(lambda world: world.template["Resources"], "ScheduleRole", None),
    ],
    "functions_share_nothing": [
        put(of("ConsoleFunction"), "Role", {"Fn::GetAtt": ["BackfillRole", "Arn"]}),
        put(of("ConsoleFunction"), "LoggingConfig", {"LogGroup": {"Ref": "BackfillLogs"}}),
        put(of("ConsoleLogs"), "RetentionInDays", None),
        put(of("AccessLogs"), "RetentionInDays", None),
        put(lambda world: world.template["Resources"], "ConsoleErrorsAlarm", None),
        put(lambda world: world.template["Resources"], "BackfillThrottlesAlarm", None),
    ],
    "variables_are_explained": [
        put(shared_variables, "TILLSYNC_NEW", "1"),
        put(of("ScheduledPollFunction", "Environment", "Variables"), "TILLSYNC_SECRET", {"Ref": "Secret"}),
        swap("runbook", "| `TILLSYNC_STAGE` |", "| `TILLSYNC_STAGES` |"),
    ],
    "callers_know_whom_and_how_fast": [
        put(of("OauthCallbackFunction", "Environment", "Variables"), "TILLSYNC_DESTINATION_HOSTS", None),
        put(of("LiveSyncFunction", "Environment", "Variables"), "TILLSYNC_CALLS_PER_SECOND", None),
    ],
    "alarms_say_what_to_do": [
        swap("runbook", "### Alarm: freshness", "### Freshness"),
        swap("runbook", "### Alarm: parked", "### Alarm: parked\n\n### Alarm: moon"),
        put(of("ParkedAlarm"), "AlarmDescription", "Records were parked."),
        put(of("ParkedAlarm"), "TreatMissingData", None),
    ],
    "metrics_are_known": [
        put(of("ParkedAlarm"), "MetricName", "RecordParked"),
        put(of("FreshnessAlarm"), "TreatMissingData", "notBreaching"),
        put(lambda world: world.template["Resources"], "Dashboard", None),
    ],
    "figures_follow_from_others": [
        put(lambda world: world.template["Mappings"]["Lag"]["30"], "Seconds", 1800),
        put(lambda world: world.template["Parameters"]["PollMinutes"], "AllowedValues", ["30", "40"]),
        put(of("LiveSyncDurationAlarm"), "Threshold", 144),
    ],
    "parameters_are_explained": [
        put(lambda world: world.template["Parameters"]["Stage"], "Description", None),
        put(lambda world: world.template["Parameters"], "New", {"Type": "String", "AllowedPattern": "a"}),
        put(lambda world: world.template["Parameters"]["Stage"], "AllowedPattern", None),
    ],
    "what_must_last_is_kept": [
        put(item("Table"), "DeletionPolicy", None),
        put(item("Secret"), "UpdateReplacePolicy", "Delete"),
        put(of("Table"), "PointInTimeRecoverySpecification", None),
        put(of("Table"), "DeletionProtectionEnabled", False),
    ],
    "access_logs_tell_of_nobody": [
        put(of("ApiStage", "AccessLogSettings"), "Format", '{"ip":"$context.identity.sourceIp"}'),
        put(of("ApiStage", "AccessLogSettings"), "Format", '{"path":"$context.path"}'),
        put(of("ApiStage", "AccessLogSettings"), "Format", "$context.requestId"),
        put(of("ApiStage"), "DefaultRouteSettings", None),
    ],
    "events_are_ones_that_are_taken": [
        swap("cancel", "cancel", "stop"),
        swap("list", "}", ""),
        swap("locations", '"source"', '"source_token"'),
        put(lambda world: world.events, "explain", None),
        swap("runbook", "| `resume` |", "| `continue` |"),
    ],
    "lint_is_silenced_with_a_reason_only": [
        swap("text", "    # It is where others are redriven to.\n", ""),
        swap("text", "        - WS1004\n", "        - WS1004\n        - WS1005\n"),
    ],
    "what_is_built_is_deployed": [
        swap("build", "tillsync-webhook-intake webhook_intake", ""),
        put(of("ConsoleFunction"), "CodeUri", "target/lambda/web/"),
        swap("build", "export AWS_LC_SYS_NO_JITTER_ENTROPY=1", ""),
    ],
}


def run_cost_model(measured, *arguments):
    """Status, output and errors of the cost model over these values."""
    with tempfile.TemporaryDirectory(prefix="tillsync-") as folder:
        path = Path(folder) / "measured.json"
        path.write_text(json.dumps(measured))
        command = [sys.executable, str(COST_MODEL), "--measured", str(path), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr


def measured(value):
    """Values of the form of measured.json, all the same."""
    form = json.loads((loading.ROOT / "infra/measured.json").read_text())
    filled = {key: dict.fromkeys(part, value) for key, part in form.items() if isinstance(part, dict)}
    return {"how": "a test", "date": "2026-11-22", **filled}


def cost_model_refuses_what_was_not_measured():
    spoilt = measured(1)
    spoilt["idle_poll"]["log_bytes"] = None
    status, _, said = run_cost_model(spoilt)
    assert status == 2 and "idle_poll.log_bytes" in said, (status, said)
    del spoilt["idle_tick"]
    status, _, said = run_cost_model(spoilt)
    assert status == 2 and "idle_tick.secret_reads" in said, (status, said)


def cost_model_adds_up():
    used = measured(0)
    used["backfill_1000_orders"].update(dynamodb_write_units=8000, lambda_gb_seconds=75)
    status, text, said = run_cost_model(used, "--json")
    assert status == 0, said
    figures = json.loads(text)
    backfill = figures["backfill_1000_orders"]
    # 8,000 at 0.625 a million, and 75 at 0.0000133334.
    assert abs(backfill["usd"] - (0.005 + 0.001000005)) < 1e-12 and backfill["over"] is True, backfill
    assert figures["idle_connection_month"]["usd"] == 0, figures
    alarms = len(loading.of_type(loading.load(), rules.ALARM))
    assert abs(figures["stack_month"]["parts"][f"{alarms} alarms"] - alarms * 0.10) < 1e-9, figures["stack_month"]
    status, text, _ = run_cost_model(used)
    assert status == 0 and "OVER the goal of $0.006" in text, text


def policies(template):
    """What each role may do: role, then pairs of an action and the logical id it is about."""
    told = {}
    for name, role in loading.of_type(template, "AWS::IAM::Role").items():
        pairs = set()
        for policy_ in role["Properties"]["Policies"]:
            for part in policy_["PolicyDocument"]["Statement"]:
                for about in part["Resource"] if isinstance(part["Resource"], list) else [part["Resource"]]:
                    # Of a choice, what belongs to the stack itself.
                    about = about["Fn::If"][1] if "Fn::If" in about else about
                    name_ = about.get("Ref") or about["Fn::GetAtt"][0]
                    pairs |= {(action, name_) for action in part["Action"]}
        told[name] = sorted(pairs)
    return told


def main():
    world = rules.read()
    if sys.argv[1:] == ["--policies"]:
        print(json.dumps(policies(world.template), indent=2))
        return 0
    passed = failed = 0

    def case(name, wrong):
        nonlocal passed, failed
        if wrong:
            failed += 1
            print(f"FAILED {name}")
            for line in wrong:
                print(f"    {line}")
        else:
            passed += 1

    for rule in rules.RULES:
        case(rule.__name__, rule(world))
        changes = SPOILT.get(rule.__name__, [])
        case(f"{rule.__name__}: is tried on spoilt copies", [] if changes else ["no copy is spoilt for it"])
        for place, change in enumerate(changes, 1):
            spoilt = copy.deepcopy(world)
            change(spoilt)
            case(f"{rule.__name__}: finds spoilt copy {place}", [] if rule(spoilt) else ["it finds nothing wrong"])
    for check in (cost_model_refuses_what_was_not_measured, cost_model_adds_up):
        try:
            check()
            case(check.__name__, [])
        except AssertionError as error:
            case(check.__name__, [str(error)])
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
