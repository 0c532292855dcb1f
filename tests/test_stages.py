"""Stages: which one a task belongs to, and where a component stands."""

import pytest

from orchestrator import settings, stages
from orchestrator.models import BuildTask
from orchestrator.plan import load, task


def part(task_id: str, kind: str, stage: str | None = None) -> BuildTask:
    """Return a task of component 3."""
    place = {"id": task_id, "phase": 1, "component": 3, "component_name": "binary-manager", "title": "Part"}
    return BuildTask.model_validate(
        {**place, "agent": "a", "kind": kind, "effort": 1, "accept": ["it works"], "stage": stage}
    )


@pytest.mark.parametrize(
    ("kind", "stage"),
    [("design", "planning"), ("code", "implementation"), ("test", "integration"), ("doc", "review")],
)
def test_a_task_is_of_the_stage_of_its_kind_unless_the_plan_says_otherwise(kind: str, stage: str) -> None:
    """Each kind has its stage; what the plan gives a task goes before it."""
    assert stages.of_task(part("3.1", kind)) == stage
    assert stages.of_task(part("3.1", kind, "review")) == "review"


@pytest.mark.parametrize(
    ("merged", "stage"),
    [("", "not begun"), ("3.2", "planning"), ("3.1", "implementation"), ("3.1 3.2", "integration"), ("all", "done")],
)
def test_a_component_stands_at_its_first_stage_that_is_not_whole(merged: str, stage: str) -> None:
    """A later task that is merged early moves no component past a stage that has work left."""
    whole = load(settings.BUNDLED_PLAN)
    tasks = (part("3.1", "design"), part("3.2", "code"), part("3.3", "code", "integration"))
    plan = whole.model_copy(update={"tasks": tasks})
    done = {item.id for item in tasks} if merged == "all" else set(merged.split())

    (found,) = stages.of_components(plan, dict.fromkeys(done, "merged") | {"3.9": "failed"})

    assert (found.component, found.name, found.stage) == (3, "binary-manager", stage)
    assert [(item.stage, item.total) for item in found.progress] == [
        ("planning", 1),
        ("implementation", 1),
        ("integration", 1),
    ]


def test_the_bundled_plan_has_components_that_are_integrated_and_reviewed() -> None:
    """Its integration is by integrators, platform and testing agents; its review holds audit and analysis."""
    plan = load(settings.BUNDLED_PLAN)

    assert {stages.of_task(item) for item in plan.tasks} == set(stages.ORDER)
    assert stages.of_task(task(plan, "3.3")) == "integration"
    assert stages.of_task(task(plan, "17.1")) == "review"
