"""Which tasks a command means: a workflow, a phase, one task with what it sets free, or the whole plan.

A selection is complete: whatever its tasks need is in it or merged already. What is not is refused, with the names.
"""

from collections.abc import Collection

from orchestrator import plan as plans
from orchestrator.errors import InputError
from orchestrator.models import Frozen, Plan


class Selection(Frozen):
    """The tasks that a command is about, and how a person calls them."""

    title: str
    tasks: frozenset[str]


def whole(plan: Plan) -> Selection:
    """Return every task of the plan."""
    return Selection(title=f"plan {plan.name}", tasks=frozenset(task.id for task in plan.tasks))


def phase(plan: Plan, number: int, merged: Collection[str]) -> Selection:
    """Return the tasks of one phase.

    Raises:
        InputError: there is no such phase, or it needs tasks of others that are not merged.
    """
    chosen = Selection(title=f"phase {number}", tasks=frozenset(task.id for task in plans.phase(plan, number)))
    return _complete(plan, chosen, merged, "run the phases before it first, or `mbo build`")


def workflow(plan: Plan, name: str, merged: Collection[str], *, with_prerequisites: bool) -> Selection:
    """Return the tasks of a workflow, with everything they depend on if asked for.

    Raises:
        InputError: there is no such workflow, or it needs tasks outside it that are not merged.
    """
    found = plans.workflow(plan, name)
    tasks = frozenset(found.tasks)
    if with_prerequisites:
        tasks |= plans.prerequisites(plan, tasks)
    chosen = Selection(title=f"workflow {found.name}", tasks=tasks)
    return _complete(plan, chosen, merged, "add --with-prerequisites to run them as well")


def single(plan: Plan, task_id: str, merged: Collection[str], *, cascade: bool) -> Selection:
    """Return one task; with `cascade`, also all that depends on it and waits for nothing else.

    Raises:
        InputError: there is no such task, or it needs tasks that are not merged.
    """
    task = plans.task(plan, task_id)
    alone = Selection(title=f"task {task.id}", tasks=frozenset([task.id]))
    _complete(plan, alone, merged, f"run them first, or `mbo execute --task-id` on each before {task.id}")
    if not cascade:
        return alone
    tasks = alone.tasks | plans.dependents(plan, [task.id])
    waiting = {item.id for item in plan.tasks if item.id in tasks and set(item.deps) - tasks - set(merged)}
    return alone.model_copy(update={"tasks": tasks - waiting - plans.dependents(plan, waiting)})


def require_phase_order(plan: Plan, todo: Collection[str]) -> None:
    """Check that no task to do needs one of a later phase that is to be done too.

    Raises:
        InputError: one does, so that with a barrier between the phases neither could ever begin.
    """
    phases = {task.id: task.phase for task in plan.tasks}
    for task in plan.tasks:
        later = [dep for dep in task.deps if dep in todo and phases[dep] > task.phase]
        if task.id in todo and later:
            raise InputError(
                f"task {task.id} of phase {task.phase} needs {later[0]} of phase {phases[later[0]]}, so no phase can "
                "wait for the one before; run without --phase-barrier"
            )


def ready_after(plan: Plan, task_id: str, merged: Collection[str]) -> tuple[str, ...]:
    """Return the direct dependents of a merged task that wait for nothing any more."""
    done = {*merged, task_id}
    free = (task for task in plan.tasks if task_id in task.deps and task.id not in done)
    return tuple(task.id for task in free if set(task.deps) <= done)


def _complete(plan: Plan, chosen: Selection, merged: Collection[str], advice: str) -> Selection:
    """Return the selection if nothing that it needs is missing."""
    todo = chosen.tasks - frozenset(merged)
    missing = plans.prerequisites(plan, todo) - chosen.tasks - frozenset(merged)
    if missing:
        ordered = ", ".join(task.id for task in plan.tasks if task.id in missing)
        raise InputError(f"{chosen.title} needs tasks that are not merged yet: {ordered}; {advice}")
    return chosen
