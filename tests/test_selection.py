"""Which tasks a command means, and what it refuses with the names of what is missing."""

import pytest

from orchestrator import plan as plans
from orchestrator import selection
from orchestrator.errors import InputError
from orchestrator.settings import BUNDLED_PLAN

PLAN = plans.load(BUNDLED_PLAN)
ALL = frozenset(task.id for task in PLAN.tasks)
PHASE_1 = frozenset(task.id for task in PLAN.tasks if task.phase == 1)


def test_the_whole_plan_is_every_task() -> None:
    """`build` means every task of the plan, merged or not."""
    assert selection.whole(PLAN).tasks == ALL


def test_a_phase_is_its_tasks() -> None:
    """A phase whose prerequisites are merged means all its tasks and no others."""
    chosen = selection.phase(PLAN, 2, PHASE_1)

    assert chosen.title == "phase 2"
    assert chosen.tasks == {task.id for task in PLAN.tasks if task.phase == 2}


def test_a_workflow_with_prerequisites_is_closed() -> None:
    """With its prerequisites, a workflow brings everything that any of its tasks depends on."""
    chosen = selection.workflow(PLAN, "binary-manager", (), with_prerequisites=True)

    needed = {dep for task in PLAN.tasks if task.id in chosen.tasks for dep in task.deps}
    assert needed <= chosen.tasks
    assert set(plans.workflow(PLAN, "binary-manager").tasks) < chosen.tasks


def test_a_workflow_without_prerequisites_names_what_is_missing() -> None:
    """A workflow alone is refused with every task that it lacks, in the plan's order, and the option that helps."""
    with pytest.raises(InputError) as refused:
        selection.workflow(PLAN, "binary-manager", {"1.1"}, with_prerequisites=False)

    assert str(refused.value) == (
        "workflow binary-manager needs tasks that are not merged yet: 1.2, 1.4, 2.1, 2.2, 2.3, 2.5; "
        "add --with-prerequisites to run them as well"
    )


def test_a_workflow_alone_is_accepted_once_its_prerequisites_are_merged() -> None:
    """What is merged is not missing: then a workflow is its own tasks and nothing else."""
    own = frozenset(plans.workflow(PLAN, "binary-manager").tasks)
    merged = plans.prerequisites(PLAN, own)

    assert selection.workflow(PLAN, "Binary-Manager", merged, with_prerequisites=False).tasks == own


def test_one_task_is_itself() -> None:
    """Without a cascade one task is one task, whatever waits for it."""
    assert selection.single(PLAN, "1.1", (), cascade=False).tasks == {"1.1"}


def test_a_cascade_takes_what_waits_for_nothing_else() -> None:
    """A cascade reaches all that one task sets free, and nothing that also waits for a task outside it."""
    chosen = selection.single(PLAN, "4.1", plans.prerequisites(PLAN, ["4.1"]), cascade=True).tasks

    assert "5.1" in chosen  # waits for 4.1 alone
    assert "4.2" not in chosen  # waits for 3.2 too
    assert "5.2" not in chosen  # waits for 4.2
    merged = plans.prerequisites(PLAN, ["4.1"])
    assert all(set(task.deps) <= chosen | merged for task in PLAN.tasks if task.id in chosen)


def test_a_cascade_from_the_root_is_the_whole_plan() -> None:
    """From the one task that all others depend on, a cascade is everything."""
    assert selection.single(PLAN, "1.1", (), cascade=True).tasks == ALL


@pytest.mark.parametrize("cascade", [False, True], ids=["alone", "cascade"])
def test_one_task_names_what_it_needs(cascade: bool) -> None:
    """A task whose dependencies are not merged is refused with all of them, also where a cascade would follow."""
    with pytest.raises(InputError, match=r"^task 1\.3 needs tasks that are not merged yet: 1\.1, 1\.2; run them first"):
        selection.single(PLAN, "1.3", (), cascade=cascade)


def test_a_merge_sets_free_only_what_waits_for_nothing_more() -> None:
    """What becomes ready is told exactly: direct dependents whose other dependencies are merged, not yet merged."""
    assert selection.ready_after(PLAN, "1.1", {"1.5"}) == ("1.2", "2.1")
    assert selection.ready_after(PLAN, "2.1", {"1.1"}) == ("3.1",)
    assert selection.ready_after(PLAN, "3.3", {"3.2"}) == ()


@pytest.mark.parametrize(
    ("choose", "words"),
    [
        (lambda: selection.single(PLAN, "3.22", (), cascade=False), "no task `3.22`"),
        (lambda: selection.workflow(PLAN, "binary-manger", (), with_prerequisites=True), "`binary-manager`?"),
        (lambda: selection.phase(PLAN, 9, ()), "no phase 9"),
        (lambda: selection.phase(PLAN, 2, ()), "phase 2 needs tasks that are not merged yet: 1.1"),
    ],
    ids=["task", "workflow", "phase", "phase too early"],
)
def test_what_is_not_there_is_refused_by_name(choose: object, words: str) -> None:
    """A name that the plan does not have is repeated in the refusal, with the nearest one where there is one."""
    assert callable(choose)
    with pytest.raises(InputError) as refused:
        choose()

    assert words in str(refused.value)


def test_a_barrier_is_refused_where_a_phase_needs_a_later_one() -> None:
    """Neither task could ever begin; the line names both. What is merged already needs nothing any more."""
    turned = plans.task(PLAN, "1.1").model_copy(update={"deps": ("7.1",)})
    plan = PLAN.model_copy(update={"tasks": (turned, *PLAN.tasks[1:])})
    phase = plans.task(PLAN, "7.1").phase

    with pytest.raises(InputError) as refused:
        selection.require_phase_order(plan, ALL)
    selection.require_phase_order(plan, ALL - {"7.1"})
    selection.require_phase_order(PLAN, ALL)

    assert str(refused.value) == (
        f"task 1.1 of phase 1 needs 7.1 of phase {phase}, so no phase can wait for the one before; "
        "run without --phase-barrier"
    )
