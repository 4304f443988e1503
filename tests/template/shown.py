"""Asks each service for what the stack made. One function per type of resource: it gets a `Look` and returns what
the service shows, or fails. What must be so, beyond being there, is asserted here too."""

import json


class Look:
    """One resource of the stack: its name there, and the stack's whole template and names."""

    def __init__(self, emulator, stack, logical, physical, properties, names):
        self.emulator = emulator
        self.stack = stack
        self.logical = logical
        self.physical = physical
        self.properties = properties
        self.names = names

    def client(self, service):
        return self.emulator.client(service)


def equal(what, found, wanted):
    assert found == wanted, f"{what} is {found!r}, not {wanted!r}"


def not_applied(what, found, wanted):
    """Something ministack 1.5.33 takes from a template and forgets. Fails once it has learnt it."""
    assert found != wanted, f"{what} is applied by ministack now: take it out of the exceptions"


def table(look):
    client = look.client("dynamodb")
    found = client.describe_table(TableName=look.physical)["Table"]
    equal("key", [key["AttributeName"] for key in found["KeySchema"]], ["pk", "sk"])
    equal("billing", found["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
    equal("deletion protection", found["DeletionProtectionEnabled"], True)
    lasts = client.describe_continuous_backups(TableName=look.physical)["ContinuousBackupsDescription"]
    recovery = lasts["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    not_applied("point-in-time recovery", recovery, "ENABLED")
    expiry = client.describe_time_to_live(TableName=look.physical)["TimeToLiveDescription"]
    not_applied("time to live", expiry["TimeToLiveStatus"], "ENABLED")


def secret(look):
    text = look.client("secretsmanager").get_secret_value(SecretId=look.physical)["SecretString"]
    fields = json.loads(text)
    wanted = {"TILLSYNC_SOURCE_TOKEN", "TILLSYNC_DESTINATION_KEY", "TILLSYNC_DATA_KEY"}
    equal("fields", set(fields), wanted)
    key = fields["TILLSYNC_DATA_KEY"]
    assert len(key) == 64 and key.isascii() and key.isalnum(), "the data key is no 64 letters and digits"


def queue(look):
    client = look.client("sqs")
    found = client.get_queue_attributes(QueueUrl=look.physical, AttributeNames=["All"])["Attributes"]
    dead = look.logical.endswith("Dead")
    equal("redrive", "RedrivePolicy" in found, not dead)
    equal("redrive allowed", "RedriveAllowPolicy" in found, dead)
    equal("days kept", int(found["MessageRetentionPeriod"]) // 86400, 14 if dead else 4)
    if not dead:
        policy = json.loads(found["RedrivePolicy"])
        equal("tries", int(policy["maxReceiveCount"]), 5)
        equal("visibility", int(found["VisibilityTimeout"]), 1080)


def role(look):
    client = look.client("iam")
    found = client.get_role(RoleName=look.physical)["Role"]
    assert found["AssumeRolePolicyDocument"], "nobody may take it"
    names = client.list_role_policies(RoleName=look.physical)["PolicyNames"]
    equal("policies", names, ["calls"])
    policy = client.get_role_policy(RoleName=look.physical, PolicyName="calls")["PolicyDocument"]
    policy = json.loads(policy) if isinstance(policy, str) else policy
    wanted = look.properties["Policies"][0]["PolicyDocument"]["Statement"]
    equal("actions", [s["Action"] for s in policy["Statement"]], [s["Action"] for s in wanted])


def function(look):
    client = look.client("lambda")
    found = client.get_function_configuration(FunctionName=look.physical)
    equal("runtime", found["Runtime"], "provided.al2023")
    equal("memory", found["MemorySize"], 256)
    equal("timeout", found["Timeout"], look.properties["Timeout"])
    equal("log format", found["LoggingConfig"]["LogFormat"], "JSON")
    logs = look.logical.replace("Function", "Logs")
    equal("log group", found["LoggingConfig"]["LogGroup"], look.names[logs])
    variables = set(look.properties["Environment"]["Variables"])
    equal("variables", set(found["Environment"]["Variables"]), variables)
    loop = client.get_function_recursion_config(FunctionName=look.physical)["RecursiveLoop"]
    if look.properties.get("RecursiveLoop"):
        not_applied("recursive loop", loop, "Allow")


def event_source(look):
    found = look.client("lambda").get_event_source_mapping(UUID=look.physical)
    wanted = look.properties
    equal("batch", found["BatchSize"], wanted["BatchSize"])
    equal("answers", found["FunctionResponseTypes"], ["ReportBatchItemFailures"])
    assert found["ScalingConfig"]["MaximumConcurrency"] >= 2, "its concurrency is not bounded"
    equal("state", found["State"], "Enabled")


def invoke_config(look):
    name = look.physical.split(":")[0]
    found = look.client("lambda").get_function_event_invoke_config(FunctionName=name, Qualifier="$LATEST")
    equal("tries again", found["MaximumRetryAttempts"], 0)


def permission(look):
    method, path = key_of(look, look.logical.replace("Permission", "Route")).split()
    function = look.names[look.properties["FunctionName"]["Ref"]]
    policy = json.loads(look.client("lambda").get_policy(FunctionName=function)["Policy"])
    sources = [json.dumps(statement["Condition"]) for statement in policy["Statement"]]
    wanted = f":{look.names['Api']}/$default/{method}{path}\""
    assert any(wanted in source for source in sources), f"the API may not call it: {sources}"


def log_group(look):
    groups = look.client("logs").describe_log_groups(logGroupNamePrefix=look.physical)["logGroups"]
    found = [group for group in groups if group["logGroupName"] == look.physical]
    assert found, "not listed"
    equal("days kept", found[0]["retentionInDays"], 30)


def schedule_group(look):
    look.client("scheduler").get_schedule_group(Name=look.physical)


def schedule(look):
    group = look.names["ScheduleGroup"]
    found = look.client("scheduler").get_schedule(Name=look.physical, GroupName=group)
    equal("expression", found["ScheduleExpression"], "rate(5 minutes)")
    equal("state", found["State"], "ENABLED")
    equal("input", json.loads(found["Target"]["Input"]), {"action": "tick"})
    assert found["Target"]["Arn"].endswith(look.names["ScheduledPollFunction"]), found["Target"]["Arn"]


def api(look):
    found = look.client("apigatewayv2").get_api(ApiId=look.physical)
    equal("protocol", found["ProtocolType"], "HTTP")


def integration(look):
    client = look.client("apigatewayv2")
    found = client.get_integration(ApiId=look.names["Api"], IntegrationId=look.physical)
    equal("payload", found["PayloadFormatVersion"], "2.0")
    function = look.names[look.properties["IntegrationUri"]["Fn::GetAtt"][0]]
    assert f":function:{function}" in found["IntegrationUri"], found["IntegrationUri"]


def key_of(look, logical):
    """The key of a route that was made, by its name in the template."""
    routes = look.client("apigatewayv2").get_routes(ApiId=look.names["Api"])["Items"]
    found = [item["RouteKey"] for item in routes if item["RouteId"] in look.names[logical]]
    assert found, f"{look.names[logical]} is none of {routes}"
    return found[0]


def route(look):
    equal("route", key_of(look, look.logical), look.properties["RouteKey"])


def stage(look):
    found = look.client("apigatewayv2").get_stage(ApiId=look.names["Api"], StageName="$default")
    equal("deploys itself", found["AutoDeploy"], True)
    not_applied("throttling", found["DefaultRouteSettings"].get("ThrottlingRateLimit"), 25)
    line = json.loads(found["AccessLogSettings"]["Format"])
    told = " ".join(line.values()).lower()
    assert not any(word in told for word in ("ip", "path", "query", "useragent")), told


def alarm(look):
    found = look.client("cloudwatch").describe_alarms(AlarmNames=[look.physical])["MetricAlarms"]
    assert found, "not listed"
    equal("metric", found[0]["MetricName"], look.properties["MetricName"])
    equal("tells", found[0]["AlarmActions"], [look.names["AlarmTopic"]])
    if look.logical == "FreshnessAlarm":
        equal("seconds", found[0]["Threshold"], 3600.0)


def dashboard(look):
    found = look.client("cloudwatch").get_dashboard(DashboardName=look.physical)
    widgets = json.loads(found["DashboardBody"])["widgets"]
    assert len(widgets) == 9 and "${" not in found["DashboardBody"], "its figures name nothing"


def topic(look):
    look.client("sns").get_topic_attributes(TopicArn=look.physical)


def subscription(look):
    found = look.client("sns").list_subscriptions_by_topic(TopicArn=look.names["AlarmTopic"])["Subscriptions"]
    equal("told", [item["Protocol"] for item in found], ["email"])


SHOWN = {
    "AWS::ApiGatewayV2::Api": api,
    "AWS::ApiGatewayV2::Integration": integration,
    "AWS::ApiGatewayV2::Route": route,
    "AWS::ApiGatewayV2::Stage": stage,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::CloudWatch::Dashboard": dashboard,
    "AWS::DynamoDB::Table": table,
    "AWS::IAM::Role": role,
    "AWS::Lambda::EventInvokeConfig": invoke_config,
    "AWS::Lambda::EventSourceMapping": event_source,
    "AWS::Lambda::Function": function,
    "AWS::Lambda::Permission": permission,
    "AWS::Logs::LogGroup": log_group,
    "AWS::SNS::Subscription": subscription,
    "AWS::SNS::Topic": topic,
    "AWS::SQS::Queue": queue,
    "AWS::Scheduler::Schedule": schedule,
    "AWS::Scheduler::ScheduleGroup": schedule_group,
    "AWS::SecretsManager::Secret": secret,
}
