"""What endangers the end of a plan, the gravest first: for `status` and for the report alike.

Told from the journal and from where the tasks stand; what no journal holds, others add as risks of the same form.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from orchestrator import contradictions, holds
from orchestrator.models import Frozen, JsonObject, Plan
from orchestrator.plan import dependents
from orchestrator.plan import task as lookup
from orchestrator.status import awaited, critical, lasting, objections, stuck
from orchestrator.status.objections import Objection
from orchestrator.status.standing import Board, Standing

Kind = Literal[
    "paused",
    "veto",
    "block",
    "hold",
    "failed",
    "overdue",
    "deadlock",
    "contradiction",
    "rework",
    "review queue",
    "sandbox",
    "price",
    "playbook",
]
Level = Literal["high", "medium", "low"]

OVERDUE = 3.0
"""A task is overdue once it runs so many times as long as is usual.

Durations of like tasks spread by about 0.6 in their logarithm: 12 % take twice the middle one, 3 % three times.
"""
MUCH_REWORK = 0.4
"""The share of tasks with a second round or attempt from which on it is no longer a small risk."""
FEW = 3
"""A share of fewer tasks than this says little."""
LONG_QUEUE = 3
"""So many verdicts still to come are a queue that matters."""


class Risk(Frozen):
    """One thing that endangers the end, in plain words that may hold an agent's own."""

    level: Level
    kind: Kind
    text: str
    task: str | None = None
    """The id of the task that it is about, or `component-N`."""
    since: str = ""
    """Since when it stands, where that is known."""
    lifted_by: str = ""
    """What ends it, in words that follow `lifted by`; empty where time alone does."""


class _Seen(NamedTuple):
    """What risks are looked for in."""

    plan: Plan
    events: Sequence[JsonObject]
    board: Board
    at: datetime
    tasks: Mapping[str, Standing]
    """Where each task stands that is asked about."""
    components: Mapping[int, str]
    """The name of each component that is asked about."""
    objections: Mapping[str, Objection]
    """The vetoes and blocks that stand, by task."""


def risks(plan: Plan, events: Sequence[JsonObject], board: Board, at: datetime, phase: int | None = None) -> list[Risk]:
    """Return the risks at the moment `at`, of everything or of one phase, the gravest first."""
    asked = {task.id for task in plan.tasks if phase in (None, task.phase)}
    tasks = {item.task: item for item in board.tasks if item.task in asked}
    components = {item.number: item.name for item in plan.components if phase in (None, item.phase)}
    seen = _Seen(plan, events, board, at, tasks, components, objections.standing(events))
    return gravest_first(risk for look in _LOOKS for risk in look(seen))


def gravest_first(found: Iterable[Risk]) -> list[Risk]:
    """Return risks by their level, those of one level in the order given."""
    return sorted(found, key=lambda risk: get_args(Level).index(risk.level))


def _paused(seen: _Seen) -> Iterator[Risk]:
    build = seen.board.last_build
    if build and build.pause:
        lifted_by = f"a mended cause, then `mbo {build.command}`"
        text = f"the run is paused: {build.pause}"
        yield Risk(level="high", kind="paused", text=text, since=build.paused_since, lifted_by=lifted_by)


def _objections(seen: _Seen) -> Iterator[Risk]:
    """Yield the vetoes and blocks; one that its task's agent still works on is a smaller risk."""
    for task, item in seen.objections.items():
        if task in seen.tasks:
            yield Risk(
                level="medium" if seen.tasks[task].state == "running" else "high",
                kind="veto" if item.power == "veto" else "block",
                text=item.reason,
                task=task,
                since=item.since,
                lifted_by=item.lifted_by,
            )


def _holds(seen: _Seen) -> Iterator[Risk]:
    for hold in holds.standing(seen.events):
        if hold.component in seen.components:
            yield Risk(
                level="high",
                kind="hold",
                text=f"{seen.components[hold.component]} is {holds.VERBS[hold.power]} by {hold.by}: {hold.reason}",
                task=f"component-{hold.component}",
                since=hold.since,
                lifted_by=hold.lifts,
            )


def _failures(seen: _Seen) -> Iterator[Risk]:
    """Yield the tasks that failed, what holds up most first, but for a veto or a block, which is told already."""
    unmerged = {item.task for item in seen.board.tasks if item.state != "merged"}
    failed = [item for item in seen.tasks.values() if item.state == "failed" and item.task not in seen.objections]
    held_up = {item.task: len(dependents(seen.plan, [item.task]) & unmerged) for item in failed}
    for item in sorted(failed, key=lambda item: -held_up[item.task]):
        number = held_up[item.task]
        behind = f"; it holds up {number} {'task' if number == 1 else 'tasks'}" if number else ""
        yield Risk(
            level="high",
            kind="failed",
            text=item.reason + behind,
            task=item.task,
            since=item.since,
            lifted_by=item.lifted_by,
        )


def _overdue(seen: _Seen) -> Iterator[Risk]:
    """Yield the tasks that run for long; on the critical path they put off the end."""
    running = [item.task for item in seen.tasks.values() if item.state == "running"]
    on_path = frozenset(critical.path(seen.plan, seen.board.left).tasks)
    merged, going = lasting.measured(seen.plan, seen.events, running, seen.at)
    for item in going:
        usual = lasting.usual(lookup(seen.plan, item.task), merged)
        if item.seconds > OVERDUE * usual:
            where = "on the critical path" if item.task in on_path else "beside the critical path"
            yield Risk(
                level="high" if item.task in on_path else "low",
                kind="overdue",
                text=f"runs {item.seconds / usual:.1f} times as long as the usual {lasting.in_words(usual)}, {where}",
                task=item.task,
                since=seen.tasks[item.task].since,
            )


def _deadlocks(seen: _Seen) -> Iterator[Risk]:
    for item in stuck.undecided(seen.events):
        if any(task in seen.tasks for task in item.tasks):
            yield Risk(
                level="medium",
                kind="deadlock",
                text=f"deadlock of {', '.join(item.tasks)}: {item.reason}",
                since=item.since,
                lifted_by="the coordinator's decision",
            )


def _contradictions(seen: _Seen) -> Iterator[Risk]:
    noted = {contradictions.load(e["data"]).id: e["time"] for e in seen.events if e["kind"] == "contradiction"}
    for item in contradictions.unsettled(contradictions.read(seen.events)):
        if any(side.task in seen.tasks for side in item.sides):
            who = " and ".join(dict.fromkeys(side.agent for side in item.sides))
            yield Risk(
                level="medium",
                kind="contradiction",
                text=f"{who} contradict each other on the {item.about} {item.subject}",
                since=noted[item.id],
                lifted_by=f"`mbo conflicts resolve {item.id} --keep NUMBER --reason TEXT`",
            )


def _rework(seen: _Seen) -> Iterator[Risk]:
    """Say of how many tasks more than one round was begun, if of any."""
    rounds: dict[str, set[tuple[int, int]]] = {}
    for event in seen.events:
        if event["kind"] == "session_started" and event["data"]["role"] == "work" and event["task"] in seen.tasks:
            rounds.setdefault(event["task"], set()).add((event["data"]["attempt"], event["data"]["round"]))
    again = sum(len(places) > 1 for places in rounds.values())
    if again:
        level: Level = "medium" if len(rounds) >= FEW and again > MUCH_REWORK * len(rounds) else "low"
        share = round(100 * again / len(rounds))
        text = f"{again} of {len(rounds)} tasks begun ({share} %) took more than one round or attempt"
        yield Risk(level=level, kind="rework", text=text)


def _queue(seen: _Seen) -> Iterator[Risk]:
    queue = awaited.verdicts(seen.plan, seen.events, seen.board)
    places = {*seen.tasks, *(f"component-{number}" for number in seen.components)}
    waiting = {place: people for place, people in queue.items() if place in places}
    left = sum(len(people) for people in waiting.values())
    if left:
        names = "; ".join(f"{task} for {', '.join(people)}" for task, people in waiting.items())
        text = f"{left} {'verdict is' if left == 1 else 'verdicts are'} still to come: {names}"
        yield Risk(level="medium" if left >= LONG_QUEUE else "low", kind="review queue", text=text)


def _conduct(seen: _Seen) -> Iterator[Risk]:
    """Yield what makes the runs themselves, or what is known of them, less than they seem."""
    sandboxes = [event["data"]["sandbox"] for event in seen.events if event["kind"] == "run_started"]
    bare = sandboxes.count("none")
    if bare:
        runs = "1 run" if bare == 1 else f"{bare} runs"
        text = f"{runs} without a sandbox: agents and checks could reach all of this machine"
        goes_on = sandboxes[-1] == "none"
        lifted_by = "a run in a sandbox" if goes_on else ""
        yield Risk(level="high" if goes_on else "medium", kind="sandbox", text=text, lifted_by=lifted_by)
    if seen.board.last_build and seen.board.last_build.model == "playbook":
        text = "the turns are scripted: times and cost say nothing about a real model"
        yield Risk(level="low", kind="playbook", text=text)


_LOOKS: tuple[Callable[[_Seen], Iterator[Risk]], ...] = (
    _paused,
    _objections,
    _holds,
    _failures,
    _overdue,
    _deadlocks,
    _contradictions,
    _rework,
    _queue,
    _conduct,
)
