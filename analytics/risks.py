"""What may keep the rest of the plan from being built, read from what happened so far."""

from datetime import timedelta
from statistics import median
from typing import Literal, NamedTuple

from analytics import lifts, paths
from analytics.markdown import count, duration
from analytics.rows import Ask, Row

_OVERDUE = 2.0  # times the usual
_MANY_RETRIES = 0.5  # of the tasks begun
_SAMPLE = 3  # fewer measured tasks tell nothing about the usual


class Risk(NamedTuple):
    """One risk, in plain words that may hold an agent's own."""

    level: Literal["high", "medium", "low"]
    kind: str
    text: str
    lifted_by: str = ""
    task: str | None = None


def risks(ask: Ask) -> list[Row]:
    """Return the risks, the gravest first."""
    found = [risk for look in (_held, _overdue, _retries, _conduct) for risk in look(ask)]
    order = ("high", "medium", "low")
    return [risk._asdict() for risk in sorted(found, key=lambda risk: order.index(risk.level))]


def _held(ask: Ask) -> list[Risk]:
    """Find what somebody or something holds up by its power, and since when."""
    until = ask("moment")[0]["until"]
    vetoes = [
        Risk(
            "high",
            row["decision"],
            f"{row['decision']} by {', '.join(row['by_agents'] or ['nobody named'])} for "
            f"{_age(until - row['since'])}: {row['reason']}",
            lifts.objection(row),
            row["task"],
        )
        for row in ask("vetoed")
    ]
    holds = [
        Risk(
            "high",
            "hold",
            f"component {row['component']} {row['name'] or ''} is held by a {row['power']} of {row['by_agent']} for "
            f"{_age(until - row['since'])}: {row['reason']}",
            row["lifts"],
        )
        for row in ask("holds")
        if row["lifted"] is None
    ]
    return [*vetoes, *holds, *_stuck(ask), *_undecided(ask)]


def _stuck(ask: Ask) -> list[Risk]:
    """Find failures that hold up others, and a last run that stopped itself."""
    until = ask("moment")[0]["until"]
    ends = {row["task"]: row["ended"] for row in ask("tasks")}
    failed = [row for row in ask("failures") if row["holds_up"]]
    found = [
        Risk(
            "high", "pause", f"the last run stopped itself: {row['reason']}", "the reason mended, then the same command"
        )
        for row in ask("pauses")
        if row["is_last"]
    ]
    if failed:
        oldest = min(failed, key=lambda row: ends[row["task"]] or until)
        held = len({task for row in failed for task in row["holds_up"]})
        since = _age(until - (ends[oldest["task"]] or until))
        text = f"failed {since} ago: {oldest['reason']}; failures hold up {count(held, 'task')}"
        found.append(Risk("high", "failure", text, lifts.failure(oldest), oldest["task"]))
    return found


def _undecided(ask: Ask) -> list[Risk]:
    """Find deadlocks and contradictions that nobody has resolved."""
    deadlocks = [
        Risk("medium", "deadlock", f"deadlock of {', '.join(row['tasks'])}: {row['reason']}", "a resolution")
        for row in ask("deadlocks")
        if row["resolution"] is None
    ]
    contradictions = [
        Risk("medium", "contradiction", f"two sides on one {row['about']}: {row['subject']}", "mbo conflicts resolve")
        for row in ask("contradictions")
        if row["state"] == "open"
    ]
    return deadlocks + contradictions


def _overdue(ask: Ask) -> list[Risk]:
    """Find tasks on the longest path left that take much longer than merged tasks of their size did."""
    tasks = ask("tasks")
    usual = [row["seconds"] / row["effort"] for row in tasks if row["state"] == "merged" and row["seconds"]]
    if len(usual) < _SAMPLE:
        return []
    left = {row["task"]: row for row in tasks if row["state"] not in ("merged", "failed")}
    ahead = paths.longest(
        paths.dependents({task: row["deps"] for task, row in left.items()}),
        {task: row["effort"] for task, row in left.items()},
    )
    until = ask("moment")[0]["until"]
    found: list[Risk] = []
    for task, row in left.items():
        if row["state"] == "in work" and row["last_began"] and ahead[task] == max(ahead.values()):
            taken, expected = (until - row["last_began"]).total_seconds(), median(usual) * row["effort"]
            if taken > _OVERDUE * expected:
                text = f"takes {duration(taken)} so far, {duration(expected)} is usual; the longest path waits for it"
                found.append(Risk("medium", "overdue", text, task=task))
    return found


def _retries(ask: Ask) -> list[Risk]:
    """Say how much work is done more than once where that is much."""
    total = ask("totals")[0]
    if total["begun"] < _SAMPLE or total["reworked"] < _MANY_RETRIES * total["begun"]:
        return []
    share = round(100 * total["reworked"] / total["begun"])
    text = f"{share} % of the {count(total['begun'], 'task')} begun took more than one round"
    return [Risk("medium", "retries", text)]


def _conduct(ask: Ask) -> list[Risk]:
    """Find what makes the figures or the runs themselves less than they seem."""
    runs, total = ask("runs"), ask("totals")[0]
    found: list[Risk] = []
    if bare := sum(run["sandbox"] == "none" for run in runs):
        text = f"{count(bare, 'run')} without a sandbox: agents and checks could reach all of this machine"
        found.append(Risk("high", "sandbox", text, "a run without --unsafe-no-sandbox"))
    if total["unpriced_turns"]:
        text = f"{count(total['unpriced_turns'], 'turn')} without a known price: the cost is more than is shown"
        found.append(Risk("medium", "price", text))
    if runs and runs[-1]["model"] == "playbook":
        found.append(Risk("low", "playbook", "the turns were scripted: times and cost say nothing about a real model"))
    return found


def _age(age: timedelta) -> str:
    return duration(age.total_seconds())
