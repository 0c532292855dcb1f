"""The newest run and the newest build, which a review may have followed: what was asked for, and how it ended."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

from orchestrator.models import Frozen, JsonObject

Ending = Literal["running", "succeeded", "failed", "paused", "stopped", "cut off"]


class LastRun(Frozen):
    """A run: what it was asked for, what it worked with, and how it ended if it has."""

    run: str
    """Its name in the journal."""
    command: str
    began: str
    ending: Ending
    """`cut off` where it was killed before it could say how it ended."""
    reason: str
    model: str
    sandbox: str
    plan: str
    """The digest of the plan that it ran."""
    tasks: tuple[str, ...] = ()
    """The ids of the tasks that it was to have merged; none where it builds nothing, as a review."""
    slots: int = 4
    """How many tasks were under way at once."""
    barrier: bool = False
    """Whether a phase began only when the one before it had ended."""
    pause: str = ""
    """Why it starts nothing more, or started nothing more to its end, if so."""
    paused_since: str = ""


def last_run(events: Sequence[JsonObject], held_by: JsonObject | None) -> LastRun | None:
    """Return the newest run; `held_by` is what the process that holds the home says of itself, if one does."""
    started = next(_started(events), None)
    return _told(events, started, is_running=_holds(held_by, started)) if started else None


def last_build(events: Sequence[JsonObject], last: LastRun | None) -> LastRun | None:
    """Return the newest run that was to have tasks merged: the `last` run, or one that does not run any more."""
    if last is None or last.tasks:
        return last
    started = next((event for event in _started(events) if event["data"].get("tasks")), None)
    return _told(events, started, is_running=False) if started else None


def of_run(events: Iterable[JsonObject], run: LastRun) -> list[JsonObject]:
    """Return the events of one run, in the order written."""
    return [event for event in events if event["run"] == run.run]


def _started(events: Sequence[JsonObject]) -> Iterator[JsonObject]:
    """Yield the beginnings of all runs, the newest first."""
    return (event for event in reversed(events) if event["kind"] == "run_started")


def _told(events: Sequence[JsonObject], started: JsonObject, *, is_running: bool) -> LastRun:
    ended = next((e for e in reversed(events) if e["kind"] == "run_ended" and e["run"] == started["run"]), None)
    own = (event for event in events if event["run"] == started["run"])
    breaker = next((event for event in own if event["kind"] == "breaker"), None)
    paused = breaker or (ended if ended and ended["data"]["status"] == "paused" else None)
    data = started["data"]
    return LastRun(
        run=started["run"],
        command=data["command"],
        began=started["time"],
        ending=ended["data"]["status"] if ended else "running" if is_running else "cut off",
        reason=ended["data"]["reason"] if ended else "",
        model=data["model"],
        sandbox=data["sandbox"],
        plan=data["plan"],
        tasks=tuple(data.get("tasks", ())),
        slots=data.get("slots", 4),
        barrier=data.get("barrier", False),
        pause=paused["data"]["reason"] if paused else "",
        paused_since=paused["time"] if paused else "",
    )


def _holds(held_by: JsonObject | None, started: JsonObject) -> bool:
    """Tell whether a run belongs to the process that holds the home, and not to an earlier one that was killed."""
    if held_by is None:
        return False
    moments = (held_by.get("started", started["time"]), started["time"])
    claimed, began = (datetime.fromisoformat(moment) for moment in moments)
    return claimed <= began
