"""Holds: what keeps components from release, who put it there, and what lifts it; read from the journal alone."""

from collections.abc import Iterable
from typing import Literal

from orchestrator.models import Frozen, JsonObject

HoldPower = Literal["veto", "block"]
VERBS: dict[HoldPower, str] = {"veto": "vetoed", "block": "blocked"}
"""What has become of a component, by the power that holds it."""


class Hold(Frozen):
    """One reviewer's veto or block of one component."""

    component: int
    by: str
    power: HoldPower
    reason: str
    lifts: str
    """What lifts it, in words that follow `lifted by`."""
    round: int
    """The review of the component in which it was said."""

    @property
    def id(self) -> str:
        """Return the id of the event that puts it."""
        return f"component-{self.component}/hold/{self.by}/{self.round}"

    @property
    def told(self) -> str:
        """Return the hold in one line."""
        return f"component {self.component} is {VERBS[self.power]} by {self.by}: {self.reason}; lifted by {self.lifts}"


def lifting(component: int, by: str) -> str:
    """Return what lifts a hold of a component by a reviewer."""
    return f"a later review in which {by} approves, or by `mbo waive --component {component} --reason …`"


def standing(events: Iterable[JsonObject]) -> list[Hold]:
    """Return the holds that stand after these events of the project journal, in the order in which they were put.

    A reviewer's word replaces its own earlier one. The user's waiver of a component lifts what stood when it was said.
    """
    stands: dict[tuple[int, str], Hold] = {}
    for event in events:
        data = event.get("data", {})
        match event["kind"]:
            case "hold":
                hold = Hold.model_validate({name: data[name] for name in Hold.model_fields})
                stands.pop((hold.component, hold.by), None)
                stands[hold.component, hold.by] = hold
            case "hold_lifted":
                stands.pop((data["component"], data["by"]), None)
            case "waiver" if data.get("scope") == "component":
                stands = {place: hold for place, hold in stands.items() if not _waived(hold, data)}
            case _:
                pass
    return list(stands.values())


def held(events: Iterable[JsonObject]) -> str | None:
    """Return in words why no release may start, or None where nothing stands against it."""
    found = standing(events)
    return f"release is held: {'; and '.join(hold.told for hold in found)}" if found else None


def _waived(hold: Hold, waiver: JsonObject) -> bool:
    return hold.component == waiver["component"] and waiver.get("power") in {None, hold.power}
