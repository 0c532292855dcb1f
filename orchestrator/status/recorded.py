"""The plan and where it stands as the journal alone tells them, for who has no plan file: the report."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from orchestrator.models import BuildTask, Component, JsonObject, Phase, Plan, Policy
from orchestrator.status import standing
from orchestrator.status.standing import Board


class Recorded(NamedTuple):
    """A plan without what its tasks are accepted by, who may work on it and its policy; and where it stands."""

    plan: Plan
    board: Board


def read(events: Sequence[JsonObject]) -> Recorded:
    """Return the plan that ran last, and where it stood at the last event; there must be a run.

    A run whose end is not recorded was under way then, unless another has begun after it.
    """
    outline = _newest(events)
    plan = _plan(outline)
    return Recorded(plan, standing.board(plan, events, _at_work(events), outline["digest"]))


def _newest(events: Sequence[JsonObject]) -> Mapping[str, Any]:
    """Return the newest plan's outline; an older plan that is run again counts as the newest."""
    outlines = {event["id"]: event["data"] for event in events if event["kind"] == "plan"}
    for event in reversed(events):
        name = event["id"] if event["kind"] == "plan" else f"plan/{event.get('data', {}).get('plan')}"
        if event["kind"] in ("plan", "run_started") and name in outlines:
            return {**outlines[name], "digest": name.removeprefix("plan/")}
    raise AssertionError("a run records its plan before it starts")


def _plan(outline: Mapping[str, Any]) -> Plan:
    return Plan(
        version=1,
        name=outline["name"],
        phases=tuple(Phase.model_validate(phase) for phase in outline["phases"]),
        components=tuple(Component.model_validate(component) for component in outline["components"]),
        agents=(),
        policy=Policy.model_construct(deadlock="the coordinator"),  # who holds which power, the plan file alone says
        tasks=tuple(BuildTask.model_validate({**task, "accept": ("-",)}) for task in outline["tasks"]),
    )


def _at_work(events: Sequence[JsonObject]) -> JsonObject | None:
    """Return what the process of the newest run would say of itself, if the journal does not hold that run's end."""
    started = next(event for event in reversed(events) if event["kind"] == "run_started")
    if any(event["kind"] == "run_ended" and event["run"] == started["run"] for event in events):
        return None
    return {"command": started["data"]["command"], "started": started["time"]}
