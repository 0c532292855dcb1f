"""What tasks wait for that is no dependency, agent or slot: a person, another's verdict, a decision, a lifted hold."""

from collections.abc import Iterable, Sequence
from typing import Literal

from orchestrator import holds
from orchestrator.models import Frozen, JsonObject, Plan

Cause = Literal["approval", "user", "deferral", "deadlock", "hold"]
RESTING: frozenset[Cause] = frozenset({"user", "deferral"})
"""Waits in which a task gives its agent and slot back."""
USER = "user"

_STUCK = {
    "rounds": "its review rounds are used up",
    "verdicts": "the verdicts on {tasks} wait for each other",
    "requests": "the requests of {agents} wait for each other's answers",
}
_ENDS = frozenset({"merged", "outcome"})


class Wait(Frozen):
    """What one task waits for."""

    cause: Cause
    reason: str
    """The reason in words, which begin with `waits for` or say what is held."""
    since: str
    lifted_by: str = ""
    """What ends the wait."""
    on: str | None = None
    """The other task, of a deferral."""


def standing(plan: Plan, events: Sequence[JsonObject]) -> dict[str, Wait]:
    """Return by task the wait that stands after these events of the project journal."""
    found: dict[str, Wait] = {}
    for event in events:
        _take(plan, found, event)
    return found | _held(plan, events)


def _take(plan: Plan, found: dict[str, Wait], event: JsonObject) -> None:
    """Take in one event: it may begin a wait, or end some."""
    task, data = event.get("task"), event.get("data", {})
    match event["kind"]:
        case "approval_requested" if task:
            found[task] = _approval(task, data["by"], event["time"])
        case "deferred" if task:
            on = data["on"]
            reason = f"waits for {on}: its reviewer wants that first"
            found[task] = Wait(
                cause="deferral", reason=reason, since=event["time"], lifted_by=f"the end of {on}", on=on
            )
        case "deadlock":
            found.update(dict.fromkeys([task] if task else data["tasks"], _deadlock(plan, data, event["time"])))
        case "resolution":
            _end(found, {task, *data.get("tasks", ())}, {"deadlock"})
        case "approval":
            _end(found, {task}, {"approval", "user"})
        case "session_started" | "turn" | "answer" | "ruling":
            _end(found, {task}, {"deferral"})
        case kind if kind in _ENDS:
            _end(found, {task}, {"approval", "user", "deferral", "deadlock"})
            _end(found, {name for name, wait in found.items() if wait.on == task}, {"deferral"})
        case _:
            pass


def _end(found: dict[str, Wait], tasks: Iterable[str | None], causes: Iterable[str]) -> None:
    for name in tasks:
        if name in found and found[name].cause in causes:
            del found[name]


def _approval(task: str, by: str, since: str) -> Wait:
    if by == USER:
        given = f"`mbo approve {task}`"
        reason = f"waits for your approval: {given}, or `mbo reject {task} --reason …`"
        return Wait(cause="user", reason=reason, since=since, lifted_by=given)
    return Wait(cause="approval", reason=f"waits for the approval of {by}", since=since, lifted_by=f"the word of {by}")


def _deadlock(plan: Plan, data: JsonObject, since: str) -> Wait:
    who = plan.policy.deadlock
    told = _STUCK.get(data["cause"], "it cannot go on by itself")
    stuck = told.format(tasks=_listed(data["tasks"]), agents=_listed(data["agents"]))
    reason = f"waits for the decision of {who}: {stuck}"
    return Wait(cause="deadlock", reason=reason, since=since, lifted_by=f"the decision of {who}")


def _held(plan: Plan, events: Sequence[JsonObject]) -> dict[str, Wait]:
    """Return for each task that releases what holds the release, if anything does."""
    reason = holds.held(events) if plan.policy.release_gates else None
    if reason is None:
        return {}
    stands = holds.standing(events)
    lifted_by = " and ".join(hold.lifts for hold in stands)
    wait = Wait(cause="hold", reason=reason, since=stands[0].since, lifted_by=lifted_by)
    return dict.fromkeys(plan.policy.release_gates, wait)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
