"""What endangers the end of a plan, the gravest first; told from the journal and from where the tasks stand."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from orchestrator import contradictions, holds
from orchestrator.models import Frozen, JsonObject, Plan
from orchestrator.plan import task as lookup
from orchestrator.status import critical, lasting, objections, sessions
from orchestrator.status.standing import Board

Kind = Literal["overdue", "failed", "veto", "block", "hold", "paused", "contradiction", "rework", "review queue"]
Level = Literal["high", "medium", "low"]

OVERDUE = 2.0
"""A task is overdue once it runs so many times as long as is usual."""
MUCH_REWORK = 0.4
"""The share of tasks with a second round or attempt from which on it is no longer a small risk."""
LONG_QUEUE = 3
"""So many verdicts still to come are a queue that matters."""

_LEVELS: tuple[Level, ...] = ("high", "medium", "low")


class Risk(Frozen):
    """One thing that endangers the end."""

    kind: Kind
    level: Level
    text: str
    task: str | None = None
    since: str = ""


def risks(plan: Plan, events: Sequence[JsonObject], board: Board, at: datetime) -> tuple[Risk, ...]:
    """Return the risks at the moment `at`, the gravest first."""
    found = [
        *_paused(board),
        *_objections(events, board),
        *_holds(events),
        *_failures(events, board),
        *_overdue(plan, events, board, at),
        *_contradictions(events),
        *_rework(events),
        *_queue(plan, events, board),
    ]
    return tuple(sorted(found, key=lambda risk: _LEVELS.index(risk.level)))


def _paused(board: Board) -> Iterator[Risk]:
    if board.last_build and board.last_build.ending == "paused":
        yield Risk(kind="paused", level="high", text=f"the run is paused: {board.last_build.reason}")


def _objections(events: Sequence[JsonObject], board: Board) -> Iterator[Risk]:
    """Yield the vetoes and blocks; one that its task's agent still works on is a smaller risk."""
    running = {item.task for item in board.tasks if item.state == "running"}
    for task, item in objections.standing(events).items():
        power: Literal["veto", "block"] = "veto" if item.power == "veto" else "block"
        level: Level = "medium" if task in running else "high"
        yield Risk(kind=power, level=level, text=item.reason, task=task, since=item.since)


def _holds(events: Sequence[JsonObject]) -> Iterator[Risk]:
    put = {(e["data"]["component"], e["data"]["by"]): e["time"] for e in events if e["kind"] == "hold"}
    for hold in holds.standing(events):
        yield Risk(kind="hold", level="high", text=hold.told, since=put[hold.component, hold.by])


def _failures(events: Sequence[JsonObject], board: Board) -> Iterator[Risk]:
    """Yield the tasks that failed without a veto or a block, which are told already."""
    told = objections.standing(events)
    for item in board.tasks:
        if item.state == "failed" and item.task not in told:
            yield Risk(kind="failed", level="high", text=item.reason, task=item.task, since=item.since)


def _overdue(plan: Plan, events: Sequence[JsonObject], board: Board, at: datetime) -> Iterator[Risk]:
    running = [item.task for item in board.tasks if item.state == "running"]
    on_path = frozenset(critical.path(plan, board.left).tasks)
    merged, going = lasting.measured(plan, events, running, at)
    since = {item.task: item.since for item in board.tasks}
    for item in going:
        usual = lasting.usual(lookup(plan, item.task), merged)
        if item.seconds > OVERDUE * usual:
            where = "on the critical path" if item.task in on_path else "beside the critical path"
            text = f"runs {item.seconds / usual:.1f} times as long as is usual, {where}"
            level: Level = "high" if item.task in on_path else "low"
            yield Risk(kind="overdue", level=level, text=text, task=item.task, since=since[item.task])


def _contradictions(events: Sequence[JsonObject]) -> Iterator[Risk]:
    for item in contradictions.unsettled(contradictions.read(events)):
        who = " and ".join(dict.fromkeys(side.agent for side in item.sides))
        text = f"{who} contradict each other on `{item.subject}` (`mbo conflicts`)"
        yield Risk(kind="contradiction", level="medium", text=text)


def _rework(events: Sequence[JsonObject]) -> Iterator[Risk]:
    ended = [e["data"] for e in events if e["kind"] == "outcome" and e["data"]["status"] in ("merged", "failed")]
    again = sum(data.get("rounds", 0) > 1 or data.get("attempts", 0) > 1 for data in ended)
    if again:
        text = f"{again} of {len(ended)} tasks that ended took more than one round or attempt"
        yield Risk(kind="rework", level="medium" if again > MUCH_REWORK * len(ended) else "low", text=text)


def _queue(plan: Plan, events: Sequence[JsonObject], board: Board) -> Iterator[Risk]:
    waiting = queue(plan, events, board)
    left = sum(len(people) for people in waiting.values())
    if left:
        names = "; ".join(f"{task} for {', '.join(people)}" for task, people in waiting.items())
        plural = "verdict is" if left == 1 else "verdicts are"
        yield Risk(
            kind="review queue",
            level="medium" if left >= LONG_QUEUE else "low",
            text=f"{left} {plural} still to come: {names}",
        )


def queue(plan: Plan, events: Sequence[JsonObject], board: Board) -> Mapping[str, tuple[str, ...]]:
    """Return whose verdicts are still to come.

    By running task they are those on its newest answer, only where its checks are green; by `component-N` those of the
    reviewers who read a component now.
    """
    running = {item.task for item in board.tasks if item.state == "running"}
    waiting: dict[str, tuple[str, ...]] = {}
    for event in events:
        task = event.get("task")
        if task not in running:
            continue
        match event["kind"]:
            case "answer":
                waiting[task] = lookup(plan, task).reviewers
            case "verdict":
                waiting[task] = tuple(name for name in waiting.get(task, ()) if name != event["agent"])
            case "ruling" | "conflict" | "rejected" | "outcome":
                waiting.pop(task, None)
            case "check" if event["data"].get("problem"):
                waiting.pop(task, None)
            case _:
                pass
    known = {task.id for task in plan.tasks}
    for session in sessions.active(events, board):
        if session.task not in known:
            waiting[session.task] = (*waiting.get(session.task, ()), session.agent)
    return {task: people for task, people in waiting.items() if people}
