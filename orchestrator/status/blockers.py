"""What holds up how many tasks, and what lifts it."""

from collections.abc import Mapping, Sequence

from orchestrator.models import Frozen, JsonObject, Plan
from orchestrator.planrules import closure
from orchestrator.status import objections
from orchestrator.status.objections import Objection
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


def blockers(plan: Plan, events: Sequence[JsonObject], board: Board) -> tuple[Blocker, ...]:
    """Return the unfinished tasks that wait for no other one, those that hold up most first."""
    open_ = {item.task: item for item in board.tasks if item.state != "merged"}
    waiting: dict[str, list[str]] = {task_id: [] for task_id in open_}
    for task in plan.tasks:
        for dep in (*task.deps, *task.after) if task.id in open_ else ():
            waiting.get(dep, []).append(task.id)
    awaiting = {behind for names in waiting.values() for behind in names}
    fronts = [task_id for task_id in open_ if task_id not in awaiting]
    stand = objections.standing(events)
    found = [_blocker(open_[task_id], closure([task_id], waiting), open_, stand) for task_id in fronts]
    return tuple(sorted(found, key=lambda item: -len(item.holds_up)))


def _blocker(
    item: Standing, behind: set[str], open_: Mapping[str, Standing], stand: Mapping[str, Objection]
) -> Blocker:
    return Blocker(
        task=item.task,
        state=item.state,
        reason=item.reason,
        since=item.since,
        holds_up=tuple(task_id for task_id in open_ if task_id in behind),
        lifted_by=_lifted_by(item, stand.get(item.task)),
    )


def _lifted_by(item: Standing, objection: Objection | None) -> str:
    """Return what gets a task out of the way."""
    if item.lifted_by:
        return item.lifted_by
    match item.state:
        case "failed" if objection:
            return objection.lifted_by
        case "failed":
            return f"another try: `mbo execute --task-id {item.task}`"
        case "running":
            return "its merge"
        case _ if item.reason.startswith(("ready", "begun", "not part", "the run is paused")):
            return "a run that does it"
        case _:
            return "the run that is under way"
