"""The newest run: what it was asked for, and how it ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from orchestrator.models import Frozen, JsonObject

Ending = Literal["running", "succeeded", "failed", "paused", "stopped", "cut off"]


class LastRun(Frozen):
    """The newest run: what it was asked for, what it worked with, and how it ended if it has."""

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
    """The ids of the tasks that it was to have merged."""
    slots: int = 4
    """How many tasks were under way at once."""
    barrier: bool = False
    """Whether a phase began only when the one before it had ended."""


def last_run(events: Sequence[JsonObject], held_by: JsonObject | None) -> LastRun | None:
    """Return the newest run; `held_by` is what the process that holds the home says of itself, if one does."""
    started = next((event for event in reversed(events) if event["kind"] == "run_started"), None)
    if started is None:
        return None
    ended = next((e for e in reversed(events) if e["kind"] == "run_ended" and e["run"] == started["run"]), None)
    data = started["data"]
    return LastRun(
        command=data["command"],
        began=started["time"],
        ending=ended["data"]["status"] if ended else "running" if _holds(held_by, started) else "cut off",
        reason=ended["data"]["reason"] if ended else "",
        model=data["model"],
        sandbox=data["sandbox"],
        plan=data["plan"],
        tasks=tuple(data.get("tasks", ())),
        slots=data.get("slots", 4),
        barrier=data.get("barrier", False),
    )


def _holds(held_by: JsonObject | None, started: JsonObject) -> bool:
    """Tell whether a run belongs to the process that holds the home, and not to an earlier one that was killed."""
    if held_by is None:
        return False
    moments = (held_by.get("started", started["time"]), started["time"])
    claimed, began = (datetime.fromisoformat(moment) for moment in moments)
    return claimed <= began


def of_last_run(events: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the events of the newest run; there must be one."""
    run = next(event["run"] for event in reversed(events) if event["kind"] == "run_started")
    return [event for event in events if event["run"] == run]
