"""`status --json`: everything that the status knows, under names that stay."""

from collections.abc import Sequence
from datetime import datetime

from analytics.forecast import forecast
from orchestrator import stages
from orchestrator.models import Frozen, JsonObject, Plan
from orchestrator.plan import digest
from orchestrator.status import awaited, critical, gating, sessions
from orchestrator.status.blockers import blockers
from orchestrator.status.risks import risks
from orchestrator.status.standing import Board
from orchestrator.status.timeline import timeline

_OF_TASK = {"id", "title", "phase", "component", "agent", "kind", "effort", "deps", "after", "reviewers"}
_OF_STANDING = {"state", "reason", "since", "lifted_by"}
_STATES = ("merged", "running", "failed", "waiting")


def snapshot(project: str, plan: Plan, events: Sequence[JsonObject], board: Board, at: datetime) -> JsonObject:
    """Return where everything stands at the moment `at`, as JSON holds it."""
    states = {item.task: item.state for item in board.tasks}
    return {
        "project": project,
        "at": at.isoformat(),
        "plan": {"name": plan.name, "digest": digest(plan), "tasks": len(plan.tasks)},
        "is_other_plan": board.is_other_plan,
        "run": board.last_run.model_dump(mode="json") if board.last_run else None,
        "build": board.last_build.model_dump(mode="json") if board.last_build else None,
        "held_by": board.held_by,
        "totals": {state: board.count(state) for state in _STATES},
        "phases": _phases(plan, states),
        "components": _dumped(stages.of_components(plan, states)),
        "tasks": _tasks(plan, board),
        "sessions": _dumped(sessions.active(events, board)),
        "gates": _dumped(gating.under_way(plan, events, board)),
        "critical_path": critical.path(plan, board.left).model_dump(mode="json"),
        "review_queue": {task_id: list(people) for task_id, people in awaited.verdicts(plan, events, board).items()},
        "blockers": _dumped(blockers(plan, board)),
        "risks": _dumped(risks(plan, events, board, at)),
        "timeline": timeline(events, at if board.is_running else None).model_dump(mode="json"),
        "forecast": forecast(plan, events, board, at=at).model_dump(mode="json"),
    }


def _tasks(plan: Plan, board: Board) -> list[JsonObject]:
    return [
        task.model_dump(mode="json", include=_OF_TASK) | item.model_dump(mode="json", include=_OF_STANDING)
        for task, item in zip(plan.tasks, board.tasks, strict=True)
    ]


def _phases(plan: Plan, states: dict[str, str]) -> list[JsonObject]:
    told: list[JsonObject] = []
    for phase in plan.phases:
        own = [states[task.id] for task in plan.tasks if task.phase == phase.number]
        counts = {state: own.count(state) for state in _STATES}
        told.append({"number": phase.number, "name": phase.name, "tasks": len(own), **counts})
    return told


def _dumped(models: Sequence[Frozen]) -> list[JsonObject]:
    return [model.model_dump(mode="json") for model in models]
