"""The stages of a component: planning, implementation, integration, review; which one a task belongs to."""

from collections.abc import Mapping
from typing import Literal, get_args

from orchestrator.models import BuildTask, Frozen, Kind, Plan, TaskStage

Reached = TaskStage | Literal["not begun", "done"]

ORDER: tuple[TaskStage, ...] = get_args(TaskStage)
OF_KIND: dict[Kind, TaskStage] = {
    "design": "planning",
    "code": "implementation",
    "test": "integration",
    "doc": "review",
}


class Progress(Frozen):
    """How far one stage of a component is."""

    stage: TaskStage
    merged: int
    total: int


class ComponentStage(Frozen):
    """Where a component stands: the first stage with a task that is not merged, and how far each of its stages is.

    One of whose tasks none is merged, running or failed is not begun.
    """

    component: int
    name: str
    stage: Reached
    progress: tuple[Progress, ...]
    """Only the stages that the component has tasks in."""


def of_task(task: BuildTask) -> TaskStage:
    """Return the stage that a task belongs to: the one that the plan gives it, else that of its kind."""
    return task.stage or OF_KIND[task.kind]


def of_components(plan: Plan, states: Mapping[str, str]) -> tuple[ComponentStage, ...]:
    """Return where each component with tasks stands, in the plan's order, from the states of its tasks by id."""
    found: list[ComponentStage] = []
    for component in plan.components:
        tasks = [task for task in plan.tasks if task.component == component.number]
        if tasks:
            progress = tuple(_progress(tasks, states))
            ahead: list[Reached] = [item.stage for item in progress if item.merged < item.total]
            is_begun = any(states.get(task.id, "waiting") != "waiting" for task in tasks)
            stage = (ahead[0] if is_begun else "not begun") if ahead else "done"
            found.append(
                ComponentStage(component=component.number, name=component.name, stage=stage, progress=progress)
            )
    return tuple(found)


def _progress(tasks: list[BuildTask], states: Mapping[str, str]) -> list[Progress]:
    own: dict[TaskStage, list[str | None]] = {
        stage: [states.get(task.id) for task in tasks if of_task(task) == stage] for stage in ORDER
    }
    return [
        Progress(stage=stage, merged=reached.count("merged"), total=len(reached))
        for stage, reached in own.items()
        if reached
    ]
