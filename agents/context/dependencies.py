"""The plan's graph and where each task stands: `dependencies.json`, for people and other programs to read."""

from collections.abc import Mapping

from orchestrator.home import Home, write_json
from orchestrator.models import JsonObject, Plan

UNKNOWN = "pending"


def write(home: Home, plan: Plan, states: Mapping[str, str]) -> None:
    """Replace the file by the plan's tasks, each with its agent, state, dependencies and dependents."""
    dependents: dict[str, list[str]] = {task.id: [] for task in plan.tasks}
    for task in plan.tasks:
        for dependency in task.deps:
            dependents[dependency].append(task.id)
    tasks: JsonObject = {
        task.id: {
            "title": task.title,
            "agent": task.agent,
            "state": states.get(task.id, UNKNOWN),
            "deps": list(task.deps),
            "dependents": dependents[task.id],
        }
        for task in plan.tasks
    }
    write_json(home.dependencies, {"plan": plan.name, "tasks": tasks})
