"""What holds up how many tasks, and what lifts it."""

from collections.abc import Mapping

from orchestrator.models import Frozen, Plan
from orchestrator.planrules import closure
from orchestrator.status.standing import Board, Standing


class Blocker(Frozen):
    """One task that is in the way of others, or would be if there were any."""

    task: str
    state: str
    reason: str
    since: str
    holds_up: tuple[str, ...]
    """The unfinished tasks that wait for it, directly or not, in the plan's order."""
    lifted_by: str


def blockers(plan: Plan, board: Board) -> tuple[Blocker, ...]:
    """Return the unfinished tasks that wait for no other one, those that hold up most first.

    What failed holds up nothing that only comes after it.
    """
    failed = {item.task for item in board.tasks if item.state == "failed"}
    open_ = {item.task: item for item in board.tasks if item.state != "merged"}
    waiting: dict[str, list[str]] = {task_id: [] for task_id in open_}
    for task in plan.tasks:
        soft = (name for name in task.after if name not in failed)
        for dep in (*task.deps, *soft) if task.id in open_ else ():
            waiting.get(dep, []).append(task.id)
    awaiting = {behind for names in waiting.values() for behind in names}
    fronts = [task_id for task_id in open_ if task_id not in awaiting]
    found = [_blocker(open_[task_id], closure([task_id], waiting), open_) for task_id in fronts]
    return tuple(sorted(found, key=lambda item: -len(item.holds_up)))


def _blocker(item: Standing, behind: set[str], open_: Mapping[str, Standing]) -> Blocker:
    return Blocker(
        task=item.task,
        state=item.state,
        reason=item.reason,
        since=item.since,
        holds_up=tuple(task_id for task_id in open_ if task_id in behind),
        lifted_by=item.lifted_by or _lifted_by(item),
    )


def _lifted_by(item: Standing) -> str:
    """Return what gets a task out of the way that needs nobody's word."""
    if item.state == "running":
        return "its merge"
    if item.reason.startswith(("ready", "begun", "not part", "the run is paused")):
        return "a run that does it"
    return "the run that is under way"
