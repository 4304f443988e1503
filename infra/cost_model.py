#!/usr/bin/env python3
"""What tillsync costs on AWS, from what it was measured to use and dated list prices of us-east-1.

    python3 infra/cost_model.py                  for arm64 and a poll every 30 minutes
    python3 infra/cost_model.py --architecture x86_64 --poll-minutes 60 --json

What it uses is in infra/measured.json: for 1,000 orders of a history, for a poll of one connection that finds
nothing new, and for a tick that finds nothing due. A value that is missing there is refused (status 2), since a
guess would look like a figure. Free tiers and taxes are left out. A goal that is missed is said and is no failure.
"""

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOURS = 730
MINUTES = HOURS * 60
TICK_MINUTES = 5

GOLDEN = "infracost, prices its tests expect, commit of 2026-08-21"
# What is counted: dollars, of how many, and where the price is from. List prices of us-east-1.
PRICES = {
    "lambda_invocations": (0.20, 1e6, GOLDEN),
    "lambda_gb_seconds_arm64": (0.0000133334, 1, GOLDEN),
    "lambda_gb_seconds_x86_64": (0.0000166667, 1, GOLDEN),
    "sqs_requests": (0.40, 1e6, GOLDEN),
    "dynamodb_write_units": (0.625, 1e6, "AWS's own DynamoDB calculator, read 2026-11-22"),
    "dynamodb_read_units": (0.125, 1e6, "AWS's own DynamoDB calculator, read 2026-11-22"),
    "dynamodb_gb_months": (0.25, 1, GOLDEN),
    "dynamodb_pitr_gb_months": (0.20, 1, GOLDEN),
    "secret_months": (0.40, 1, GOLDEN),
    "secret_reads": (0.05, 1e4, GOLDEN),
    "log_bytes": (0.50, 1e9, GOLDEN),
    "alarms": (0.10, 1, GOLDEN),
    "kms_requests": (0.03, 1e4, GOLDEN),
    "schedules": (1.00, 1e6, "cloudburn.io, March 2026; 14 million a month are free and not deducted here"),
    "custom_metrics": (0.30, 1, "c3x.dev, What CloudWatch metrics cost, read 2026-11-22"),
    "dashboards": (3.00, 1, "factualminds.com, 2026-06-13; an account's first three are free and not deducted here"),
}

# Dollars, as the project set them; and what 1,000 orders are at a service that bills by task.
GOAL_BACKFILL = 0.006
GOAL_IDLE = 0.02
ZAPIER = 53.0
ZAPIER_SOURCE = "Professional, 2 tasks an order at $0.0267, help.zapier.com, 2026-11-22"

USED = (
    "lambda_invocations",
    "lambda_gb_seconds",
    "sqs_requests",
    "dynamodb_write_units",
    "dynamodb_read_units",
    "secret_reads",
    "log_bytes",
)
SECTIONS = ("backfill_1000_orders", "idle_poll", "idle_tick")
METRICS = 9


def price(name, amount):
    """Dollars for so many of something."""
    dollars, of, _ = PRICES[name]
    return amount * dollars / of


def cost(used, architecture):
    """Dollars for what was used, by what it was."""
    named = {"lambda_gb_seconds": f"lambda_gb_seconds_{architecture}"}
    return {name: price(named.get(name, name), used[name]) for name in USED}


def read(path):
    """What was measured; names everything that is missing at once."""
    found = json.loads(path.read_text())
    wrong = [name for name in ("how", "date") if not isinstance(found.get(name), str)]
    for section in SECTIONS:
        for name in USED:
            value = found.get(section, {}).get(name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                wrong.append(f"{section}.{name}")
    if wrong:
        raise ValueError(f"{path.name}: not measured: {', '.join(wrong)}")
    return found


def fixed(measured, architecture, alarms):
    """Dollars a month for a stack in which nothing is connected, by what it is for."""
    ticks = MINUTES / TICK_MINUTES
    # Lambda keeps 5 pollers at a queue, and one asks again every 20 seconds; empty answers are billed.
    polls = 2 * 5 * HOURS * 3600 / 20
    # The table's key is fetched again at most every 5 minutes by each of three functions.
    keys = 3 * ticks
    return {
        "secret": price("secret_months", 1),
        f"{alarms} alarms": price("alarms", alarms),
        f"{METRICS} metrics": price("custom_metrics", METRICS),
        "dashboard": price("dashboards", 1),
        "asking empty queues": price("sqs_requests", polls),
        "schedule": price("schedules", ticks),
        "ticks": ticks * sum(cost(measured["idle_tick"], architecture).values()),
        "the table's key, at most": price("kms_requests", keys),
    }


def model(measured, architecture, poll_minutes, alarms):
    """All figures."""
    backfill = cost(measured["backfill_1000_orders"], architecture)
    polls = MINUTES / poll_minutes
    idle = {name: polls * dollars for name, dollars in cost(measured["idle_poll"], architecture).items()}
    stack = fixed(measured, architecture, alarms)
    backfill_sum, idle_sum = sum(backfill.values()), sum(idle.values())
    return {
        "architecture": architecture,
        "poll_minutes": poll_minutes,
        "measured": {"how": measured["how"], "date": measured["date"]},
        "backfill_1000_orders": {
            "usd": backfill_sum,
            "parts": backfill,
            "goal": GOAL_BACKFILL,
            "over": backfill_sum > GOAL_BACKFILL,
            "times_cheaper_than_zapier": ZAPIER / backfill_sum if backfill_sum else None,
        },
        "idle_connection_month": {
            "usd": idle_sum,
            "parts": idle,
            "goal": GOAL_IDLE,
            "over": idle_sum > GOAL_IDLE,
        },
        "stack_month": {"usd": sum(stack.values()), "parts": stack},
        "table_gb_month": price("dynamodb_gb_months", 1) + price("dynamodb_pitr_gb_months", 1),
    }


def tell(title, part, what):
    goal = ""
    if "goal" in part:
        word = "OVER the goal of" if part["over"] else "within the goal of"
        goal = f"  {word} ${part['goal']}"
    print(f"{title}: ${part['usd']:.5f}{goal}")
    for name, dollars in sorted(part["parts"].items(), key=lambda pair: -pair[1]):
        print(f"    {name.replace('_', ' '):<28} ${dollars:.6f}")
    print(what)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--architecture", choices=("arm64", "x86_64"), default="arm64")
    arguments.add_argument("--poll-minutes", type=int, default=30)
    arguments.add_argument("--measured", type=Path, default=ROOT / "infra/measured.json")
    arguments.add_argument("--json", action="store_true", help="one JSON document")
    given = arguments.parse_args()
    if not 5 <= given.poll_minutes <= 1440:
        arguments.error("--poll-minutes: from 5 to 1440")
    try:
        measured = read(given.measured)
    except (OSError, ValueError) as error:
        print(f"infra/cost_model.py: {error}", file=sys.stderr)
        return 2
    alarms = len(re.findall(r"Type: AWS::CloudWatch::Alarm\b", (ROOT / "template.yaml").read_text()))
    figures = model(measured, given.architecture, given.poll_minutes, alarms)
    if given.json:
        figures["prices"] = {
            name: {"usd": dollars, "per": of, "source": source} for name, (dollars, of, source) in PRICES.items()
        }
        print(json.dumps(figures, indent=2))
        return 0
    print(f"List prices of us-east-1, {given.architecture}. Measured {measured['date']}: {measured['how']}\n")
    times = figures["backfill_1000_orders"]["times_cheaper_than_zapier"]
    beside = f"    Zapier: ${ZAPIER:.0f} ({ZAPIER_SOURCE})"
    beside += f", {times:,.0f} times as much\n" if times else "\n"
    tell("1,000 orders of a history", figures["backfill_1000_orders"], beside)
    tell(f"An idle connection, a month, polled every {given.poll_minutes} min", figures["idle_connection_month"], "")
    tell("A stack, a month, with nothing connected", figures["stack_month"], "")
    print(f"A GB in the table, a month, with its backup: ${figures['table_gb_month']:.2f}\n\nPrices:")
    for name, (dollars, of, source) in PRICES.items():
        print(f"    {name.replace('_', ' '):<28} ${dollars:g} for {of:,.0f}: {source}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
