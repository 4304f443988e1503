#!/usr/bin/env python3
"""Deploys template.yaml to ministack and asks every service whether it has what the template says.

    target/tools/ministack/bin/python tests/template/deploy.py target/lambda
    target/tools/ministack/bin/python tests/template/deploy.py --stub

The folder holds NAME/bootstrap for each function, built for x86-64 (`infra/build x86_64`). With --stub a script
stands in for them, for when only the template is at question. Ends with one line `N passed, N failed`.
"""

import argparse
import io
import json
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from botocore.exceptions import ClientError

sys.dont_write_bytecode = True

import loading
from emulator import Ministack
from shown import SHOWN, Look

STACK = "tillsync-test"
BUCKET = "tillsync-code"
WAIT_SECONDS = 120

# Types that ministack does not know. They are left out of what is deployed, and one that it has learnt fails the
# test, so that it is taken out of this list.
UNKNOWN_TO_MINISTACK = {
    "AWS::Logs::QueryDefinition": {"Name": "one", "QueryString": "fields @message"},
}

# Answers everything, so that the template can be deployed without a build.
STUB = """#!/usr/bin/env python3
import os, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(base + "next") as event:
        event.read()
        request = event.headers["Lambda-Runtime-Aws-Request-Id"]
    answer = b'{"statusCode": 200, "body": "{}", "stub": true}'
    urllib.request.urlopen(urllib.request.Request(base + request + "/response", data=answer, method="POST")).close()
"""


class Cases:
    """Counts what held and what did not."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def run(self, name, check):
        try:
            answer = check()
        except (AssertionError, ClientError, KeyError, OSError, ValueError) as error:
            self.failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}")
            return None
        self.passed += 1
        return answer


def zipped(text):
    """A zip that holds it as `bootstrap`, allowed to run."""
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(entry, text)
    return buffer.getvalue()


def upload(emulator, template, folder):
    """What `sam deploy` does: puts each function's folder into a bucket and says so in the template."""
    client = emulator.client("s3")
    client.create_bucket(Bucket=BUCKET)
    for item in loading.of_type(template, "AWS::Serverless::Function").values():
        name = Path(item["Properties"]["CodeUri"]).name
        code = bootstrap(folder, name).read_bytes() if folder else STUB
        client.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=zipped(code))
        item["Properties"]["CodeUri"] = f"s3://{BUCKET}/{name}.zip"


def bootstrap(folder, name):
    """A function's program: as `infra/build` leaves it, or as cargo does."""
    plain = folder / name
    return plain if plain.is_file() else plain / "bootstrap"


def settled(client, stack):
    """The stack once nothing is under way."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        found = client.describe_stacks(StackName=stack)["Stacks"][0]
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            return found
        time.sleep(0.2)
    raise AssertionError(f"{stack} is {found['StackStatus']} for {WAIT_SECONDS} s")


def create(client, emulator, name, template, parameters=None):
    """Creates a stack and returns it, whatever became of it. The template comes from the bucket, as `sam deploy` has it
    too: as a part of the request it may have no more than 51,200 bytes."""
    emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{name}.template", Body=json.dumps(template).encode())
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()]
    made = client.create_stack(
        StackName=name,
        TemplateURL=f"https://s3.amazonaws.com/{BUCKET}/{name}.template",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=given,
    )
    return settled(client, made["StackId"])


def why(client, stack):
    """The reasons of a stack that failed."""
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return "; ".join(f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in failed)


def still_unknown(client, emulator, kind, properties):
    """Fails when ministack has learnt a type."""
    template = {"Resources": {"One": {"Type": kind, "Properties": properties}}}
    try:
        status = create(client, emulator, "probe-" + kind.rsplit("::", 1)[1].lower(), template)["StackStatus"]
    except ClientError:
        return
    assert status != "CREATE_COMPLETE", f"ministack knows {kind} now: deploy it too"


def processed(client):
    """The resources as SAM made them, those with a condition that does not hold left out."""
    body = client.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    return (json.loads(body) if isinstance(body, str) else body)["Resources"]


def look_at_all(emulator, client, cases):
    """One case per resource of the transformed template."""
    listed = client.get_paginator("list_stack_resources").paginate(StackName=STACK)
    rows = [row for page in listed for row in page["StackResourceSummaries"]]
    names = {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows}
    for logical, item in sorted(processed(client).items()):
        kind = item["Type"]

        def check():
            assert kind in SHOWN, f"nobody asks for {kind}: add it to shown.py"
            SHOWN[kind](Look(emulator, STACK, logical, names[logical], item.get("Properties", {}), names))

        cases.run(f"{kind} {logical}", check)
    print(f"{len(names)} resources: {', '.join(sorted({row['ResourceType'] for row in rows}))}")
    return names


def ask_backfill(emulator, names):
    answer = emulator.client("lambda").invoke(FunctionName=names["BackfillFunction"], Payload=b"{}")
    text = answer["Payload"].read().decode()
    assert "FunctionError" not in answer, text
    print("backfill answers {} with:")
    print(json.dumps(json.loads(text), indent=2, ensure_ascii=False))


def ask_health(emulator, names):
    url = f"{emulator.url}/_aws/execute-api/{names['Api']}/$default/healthz"
    with urllib.request.urlopen(url, timeout=30) as reply:
        assert reply.status == 200, reply.status
        print("GET /healthz answers", reply.read().decode()[:200])


def ask_strangers(emulator, names):
    """What anybody may ask of the other two functions is answered by them, and refused."""
    base = f"{emulator.url}/_aws/execute-api/{names['Api']}/$default"
    for path, body, status, words in (
        ("enter/nobody", None, 404, "sign_in.link_unknown"),
        ("oauth/square/start", None, 403, "sign_in."),
        ("webhooks/square/nobody", b"{}", 404, "route.unknown"),
    ):
        try:
            with urllib.request.urlopen(f"{base}/{path}", data=body, timeout=30) as reply:
                found, text = reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            found, text = error.code, error.read().decode()
        print(f"/{path} answers {found} {text[:60]!r}")
        assert found == status and words in text, f"{path}: {found}: {text[:400]}"


def ask_elsewhere(emulator, names):
    url = f"{emulator.url}/_aws/execute-api/{names['Api']}/$default/other"
    try:
        urllib.request.urlopen(url, timeout=30).close()
    except urllib.error.HTTPError as error:
        assert error.code == 404, error.code
        return
    raise AssertionError("a path without a route is answered")


def remove(emulator, client, names):
    """What must outlive the stack does."""
    found = client.describe_stacks(StackName=STACK)["Stacks"][0]
    client.delete_stack(StackName=STACK)
    status = settled(client, found["StackId"])["StackStatus"]
    assert status == "DELETE_COMPLETE", f"{status}: {why(client, found['StackId'])}"
    emulator.client("dynamodb").describe_table(TableName=names["Table"])
    emulator.client("secretsmanager").get_secret_value(SecretId=names["Secret"])
    left = emulator.client("sqs").list_queues().get("QueueUrls", [])
    assert not left, f"left behind: {left}"


def take_over(emulator, client, template, names):
    """A new stack on the table and the secret that the first left makes neither."""
    secret = emulator.client("secretsmanager").describe_secret(SecretId=names["Secret"])["ARN"]
    given = {"TableName": names["Table"], "SecretArn": secret, "InstallId": STACK, "Running": "false"}
    found = create(client, emulator, "tillsync-again", template, given)
    assert found["StackStatus"] == "CREATE_COMPLETE", why(client, "tillsync-again")
    outputs = {item["OutputKey"]: item["OutputValue"] for item in found["Outputs"]}
    assert outputs["TableName"] == names["Table"], outputs
    assert outputs["SecretArn"] == secret, outputs
    assert outputs["InstallId"] == STACK, outputs
    tables = emulator.client("dynamodb").list_tables()["TableNames"]
    assert tables == [names["Table"]], tables


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binaries", nargs="?", type=Path, help="holds NAME/bootstrap for each function")
    arguments.add_argument("--stub", action="store_true", help="a script in place of the functions")
    given = arguments.parse_args()
    if bool(given.binaries) == given.stub:
        arguments.error("give the folder of the functions, or --stub")
    cases = Cases()
    template = loading.load()
    for name in [n for n, item in template["Resources"].items() if item["Type"] in UNKNOWN_TO_MINISTACK]:
        del template["Resources"][name]
    with Ministack() as emulator:
        client = emulator.client("cloudformation")
        upload(emulator, template, given.binaries)
        for kind, properties in UNKNOWN_TO_MINISTACK.items():
            cases.run(
                f"{kind} is unknown to ministack",
                lambda k=kind, p=properties: still_unknown(client, emulator, k, p),
            )
        chosen = {"Architecture": "x86_64", "AlarmEmail": "somebody@example.com"}
        stack = create(client, emulator, STACK, template, chosen)
        if stack["StackStatus"] != "CREATE_COMPLETE":
            print(f"FAILED {stack['StackStatus']}: {why(client, STACK)}")
            print(f"\n{cases.passed} passed, {cases.failed + 1} failed")
            return 1
        cases.passed += 1
        names = look_at_all(emulator, client, cases)
        cases.run("backfill answers {}", lambda: ask_backfill(emulator, names))
        cases.run("GET /healthz", lambda: ask_health(emulator, names))
        cases.run("what is open to anybody", lambda: ask_strangers(emulator, names))
        cases.run("a path without a route", lambda: ask_elsewhere(emulator, names))
        cases.run("removing leaves the table and the secret", lambda: remove(emulator, client, names))
        cases.run("another stack takes them over", lambda: take_over(emulator, client, template, names))
    print(f"\n{cases.passed} passed, {cases.failed} failed")
    return 1 if cases.failed else 0


if __name__ == "__main__":
    sys.exit(main())
