"""What to do next, and by what command: whose word is awaited, what failed and what lifts it, what is ready."""

from typing import NamedTuple

from analytics.markdown import count
from analytics.rows import Ask, Row
from orchestrator.recovery import lifted_by

_AT_MOST = 5  # of one kind; the rest is a number


class Step(NamedTuple):
    """One step, in plain words that may hold an agent's own."""

    kind: str
    text: str
    command: str = ""
    task: str | None = None


def next_steps(ask: Ask, again: str = "") -> list[Row]:
    """Return the steps, what holds up most first; each command ends with the options `again`."""
    looks = (_paused, _awaited, _held, _failed, _under_way, _ready)
    steps = [step for look in looks for step in _bounded(look(ask))] or [_done(ask)]
    return [step._replace(command=step.command and step.command + again)._asdict() for step in steps]


def _bounded(steps: list[Step]) -> list[Step]:
    more = len(steps) - _AT_MOST
    return steps if more <= 0 else [*steps[:_AT_MOST], Step(steps[0].kind, f"and {more} more of this kind")]


def _paused(ask: Ask) -> list[Step]:
    return [
        Step("paused", f"mend what stopped the last build, then go on: {row['pause']}", f"mbo {row['command']}")
        for row in ask("last_build")
        if row["pause"]
    ]


def _awaited(ask: Ask) -> list[Step]:
    """Name whose word a task or a disagreement waits for."""
    words = [
        Step("awaited", "waits for your approval", f"mbo approve {row['task']}", row["task"])
        if row["asked"] == "user"
        else Step("awaited", f"waits for the approval of {row['asked']}", task=row["task"])
        for row in ask("approvals")
        if row["decision"] is None and row["state"] not in ("merged", "failed")
    ]
    sides = [
        Step("awaited", f"say which side stands: {row['text']}", "mbo conflicts") for row in _of(ask, "contradiction")
    ]
    return [*words, *sides, *(Step("awaited", f"resolve the {row['text']}") for row in _of(ask, "deadlock"))]


def _held(ask: Ask) -> list[Step]:
    """Name what a power keeps from being merged or released, and what lifts it."""
    vetoes = [
        Step("held", f"answer the {row['kind']}: {row['text']}", f"mbo execute --task-id {row['task']}", row["task"])
        for row in _vetoed(ask)
    ]
    holds = [
        Step(
            "held",
            f"lift the hold: {row['text']}",
            f"mbo review --component {row['task'].removeprefix('component-')}",
            row["task"],
        )
        for row in _of(ask, "hold")
    ]
    return vetoes + holds


def _failed(ask: Ask) -> list[Step]:
    """Name what failed, most held up first; what is under a veto is named already."""
    vetoed = {row["task"] for row in _vetoed(ask)}
    rows = [row for row in ask("failures") if row["task"] not in vetoed]
    return [
        Step(
            "failed",
            f"{row['reason']}; lifted by {lifted_by(row['failure'])}; holds up {count(_held_up(row), 'task')}",
            f"mbo execute --task-id {row['task']}",
            row["task"],
        )
        for row in sorted(rows, key=_held_up, reverse=True)
    ]


def _held_up(failure: Row) -> int:
    return len(failure["holds_up"] or [])


def _under_way(ask: Ask) -> list[Step]:
    begun = [row["task"] for row in ask("tasks") if row["state"] == "in work"]
    if not begun:
        return []
    text = f"{count(len(begun), 'task')} begun and not ended: {', '.join(begun)}"
    resting = [row for row in ask("last_build") if row["ending"] != "running"]
    return [Step("in work", text, *(f"mbo {row['command']}" for row in resting))]


def _of(ask: Ask, *kinds: str) -> list[Row]:
    """Return the risks of some kinds."""
    return [row for row in ask("risks") if row["kind"] in kinds]


def _vetoed(ask: Ask) -> list[Row]:
    """Return the vetoes and blocks that nobody works on now."""
    return [row for row in _of(ask, "veto", "block") if row["level"] == "high"]


def _ready(ask: Ask) -> list[Step]:
    return [
        Step(
            "ready",
            f"{row['title']}; {row['agent']} can begin, {count(row['sets_free'], 'task')} behind it",
            f"mbo execute --task-id {row['task']}",
            row["task"],
        )
        for row in ask("ready")
    ]


def _done(ask: Ask) -> Step:
    total = ask("totals")[0]
    if total["merged"] == total["tasks"]:
        return Step("done", f"nothing is left: all {count(total['tasks'], 'task')} are merged")
    return Step("waiting", "nothing can start here: what is left waits for other phases", "mbo status --detailed")
