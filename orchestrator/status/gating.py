"""The gates under way: which task's answer or merge is checked now, by which command, and since when."""

from collections.abc import Sequence

from orchestrator.models import BuildTask, Frozen, JsonObject, Plan
from orchestrator.plan import gate
from orchestrator.status.lastrun import of_run
from orchestrator.status.standing import Board


class Gating(Frozen):
    """One task whose gate runs: of its answer, or of the tree that its merge would make."""

    task: str
    is_merge: bool
    check: str
    """The command that runs now, by its name."""
    since: str
    """When the check before it ended, or the gate began."""


def under_way(plan: Plan, events: Sequence[JsonObject], board: Board) -> tuple[Gating, ...]:
    """Return the gates of the run under way, in the plan's order."""
    if not board.last_run or not board.is_running:
        return ()
    own = of_run(events, board.last_run)
    running = {item.task for item in board.tasks if item.state == "running"}
    gates = (_gating(plan, task, own) for task in plan.tasks if task.id in running)
    return tuple(found for found in gates if found)


def _gating(plan: Plan, task: BuildTask, events: Sequence[JsonObject]) -> Gating | None:
    """Return the gate of one task, if its newest events are those of a gate that has not come to its end."""
    done: set[str] = set()
    newest = ""
    for event in reversed(events):
        if event.get("task") != task.id:
            continue
        newest = newest or event["time"]
        if event["kind"] == "check" and not event["data"].get("problem"):
            done.add(event["data"]["name"])
            continue
        begins = _begins(event)
        left = [command.name for command in gate(plan, task) if command.name not in done]
        if not begins or not left:
            return None
        return Gating(task=task.id, is_merge=begins == "merge", check=left[0], since=newest)
    return None


def _begins(event: JsonObject) -> str:
    """Return of what an event begins the gate, if it begins one."""
    if event["kind"] == "answer":
        return "answer"
    is_approved = event["kind"] in ("ruling", "approval") and event["data"]["decision"] == "approve"
    return "merge" if is_approved else ""
