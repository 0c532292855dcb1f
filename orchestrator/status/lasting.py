"""How long tasks take: measured from the project journal, and what is usual where little or nothing is measured."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from orchestrator.models import BuildTask, JsonObject, Plan

SECONDS_PER_POINT = 600.0
"""What a task takes for each point of its effort before anything is measured: ten minutes."""
_ENOUGH = 3
"""So many measured tasks tell what is usual for tasks like them."""

_Spans = Mapping[tuple[str, str], Sequence[str]]
"""For a key and a run, the moments of the first and the last event of a task."""


class Lasting(NamedTuple):
    """A task that has lasted so many seconds: until its merge, or until now where it is under way."""

    task: str
    agent: str
    effort: int
    seconds: float


def measured(
    plan: Plan, events: Iterable[JsonObject], running: Collection[str], at: datetime
) -> tuple[list[Lasting], list[Lasting]]:
    """Return how long each merged task took, and how long each of those `running` has lasted at the moment `at`.

    Counted is the time that runs worked on the task, from its first event in each run to its last; not the time
    between them.
    """
    known = {task.id: task for task in plan.tasks}
    spans: defaultdict[str, dict[tuple[str, str], list[str]]] = defaultdict(dict)
    merged: dict[str, str] = {}
    for event in events:
        task_id, key = event.get("task"), event.get("key")
        if task_id not in known or key is None:
            continue
        span = spans[task_id].setdefault((key, event["run"]), [event["time"], event["time"]])
        span[1] = event["time"]
        if event["kind"] == "merged":
            merged[task_id] = key
    done = (
        _lasting(known[task_id], _worked(spans[task_id], key))
        for task_id, key in merged.items()
        if task_id not in running
    )
    going = [_lasting(known[task_id], _so_far(spans[task_id], at)) for task_id in running]
    return [item for item in done if item.seconds > 0], going


def usual(task: BuildTask, done: Sequence[Lasting]) -> float:
    """Return the seconds that a task takes as a rule.

    It is the middle of what was measured for its agent and effort, else for its effort, else of all for each point;
    where too little is measured, what the plan's effort points say.
    """
    alike = (
        [item.seconds for item in done if (item.agent, item.effort) == (task.agent, task.effort)],
        [item.seconds for item in done if item.effort == task.effort],
        [item.seconds / item.effort * task.effort for item in done],
    )
    for seconds in alike:
        if len(seconds) >= _ENOUGH:
            return sorted(seconds)[len(seconds) // 2]
    return SECONDS_PER_POINT * task.effort


def in_words(seconds: float) -> str:
    """Return a length of time, such as `1 min 20 s`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _lasting(task: BuildTask, seconds: float) -> Lasting:
    return Lasting(task.id, task.agent, task.effort, seconds)


def _worked(spans: _Spans, key: str) -> float:
    """Return how long runs worked on one form of a task."""
    return sum(_between(*span) for (of, _), span in spans.items() if of == key)


def _so_far(spans: _Spans, at: datetime) -> float:
    """Return how long the newest form of a task has lasted until the moment `at`."""
    if not spans:
        return 0.0
    newest, run = list(spans)[-1]
    earlier = sum(_between(*span) for place, span in spans.items() if place[0] == newest and place[1] != run)
    return earlier + max(0.0, (at - datetime.fromisoformat(spans[newest, run][0])).total_seconds())


def _between(first: str, last: str) -> float:
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
