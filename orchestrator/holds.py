"""Holds: what keeps components from release, who put it there, and what lifts it; read from the journal alone.

A hold follows from the verdict of a component's review that puts it, and its end from the verdict or waiver that lifts
it. Neither is recorded anywhere else, so there is nothing that a kill could leave out of step.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from orchestrator.models import Frozen, JsonObject

HoldPower = Literal["veto", "block"]
VERBS: dict[HoldPower, str] = {"veto": "vetoed", "block": "blocked"}
"""What has become of a component, by the power that holds it."""
_SPEAKS = frozenset({"approve", *VERBS})
"""The verdicts by which a reviewer's word on a component becomes another one; a request for changes leaves it."""
_COMPONENT = re.compile(r"component-(\d+)")
"""What the events of a component's review bear where a task's id would stand."""


class Hold(Frozen):
    """One reviewer's veto or block of one component."""

    id: str
    """The id of the event of its verdict."""
    component: int
    by: str
    power: HoldPower
    reason: str
    lifts: str
    """What lifts it, in words that follow `lifted by`."""
    round: int
    """The review of the component in which it was said."""
    since: str

    @property
    def told(self) -> str:
        """Return the hold in one line."""
        return f"component {self.component} is {VERBS[self.power]} by {self.by}: {self.reason}; lifted by {self.lifts}"


class Put(NamedTuple):
    """A hold, and the event that ended it; none while it stands."""

    hold: Hold
    end: JsonObject | None


def lifting(component: int, by: str) -> str:
    """Return what lifts a hold of a component by a reviewer."""
    return f"a later review in which {by} approves, or by `mbo waive --component {component} --reason …`"


def history(events: Iterable[JsonObject]) -> list[Put]:
    """Return every hold put in these events of the project journal, in the order in which they were put.

    A reviewer's word replaces its own earlier one. The user's waiver lifts the hold that it is about, and none later.
    """
    put: list[Hold] = []
    stands: dict[tuple[int, str], Hold] = {}
    ends: dict[str, JsonObject] = {}
    for event in events:
        ended = _ended(stands, event)
        if ended:
            ends[ended.id] = event
            del stands[ended.component, ended.by]
        hold = _put(event)
        if hold:
            put.append(hold)
            stands[hold.component, hold.by] = hold
    return [Put(hold, ends.get(hold.id)) for hold in put]


def standing(events: Iterable[JsonObject]) -> list[Hold]:
    """Return the holds that stand after these events of the project journal, in the order in which they were put."""
    return [hold for hold, end in history(events) if end is None]


def powers(events: Iterable[JsonObject], component: int) -> frozenset[HoldPower]:
    """Return by which powers a component is held after these events of the project journal."""
    return frozenset(hold.power for hold in standing(events) if hold.component == component)


def held(events: Iterable[JsonObject]) -> str | None:
    """Return in words why no release may start, or None where nothing stands against it."""
    found = standing(events)
    return f"release is held: {'; and '.join(hold.told for hold in found)}" if found else None


def _put(event: JsonObject) -> Hold | None:
    """Return the hold that a verdict puts: a veto or a block is taken only from the agent that holds the power."""
    component = _reviewed(event) if event["kind"] == "verdict" else None
    if component is None or event["data"]["decision"] not in VERBS:
        return None
    data = event["data"]
    return Hold(
        id=event["id"],
        component=component,
        by=event["agent"],
        power=data["decision"],
        reason=" ".join(data["summary"].split()),
        lifts=lifting(component, event["agent"]),
        round=data["session"]["round"],
        since=event["time"],
    )


def _ended(stands: Mapping[tuple[int, str], Hold], event: JsonObject) -> Hold | None:
    """Return the hold that an event ends, of those that stand."""
    match event["kind"]:
        case "verdict" if (component := _reviewed(event)) is not None and event["data"]["decision"] in _SPEAKS:
            return stands.get((component, event["agent"]))
        case "waiver":
            return next((hold for hold in stands.values() if hold.id == event["data"].get("of")), None)
        case _:
            return None


def _reviewed(event: JsonObject) -> int | None:
    """Return the component that an event of a component's review is about; None for any other event."""
    found = _COMPONENT.fullmatch(event.get("task") or "")
    return int(found[1]) if found else None
