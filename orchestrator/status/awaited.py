"""Verdicts that are still to come."""

from collections.abc import Mapping, Sequence

from orchestrator.models import JsonObject, Plan
from orchestrator.plan import task as lookup
from orchestrator.status import sessions
from orchestrator.status.standing import Board


def verdicts(plan: Plan, events: Sequence[JsonObject], board: Board) -> Mapping[str, tuple[str, ...]]:
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
