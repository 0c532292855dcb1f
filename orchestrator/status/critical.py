"""The critical path: of all that is left, the chain of tasks that takes longest, one waiting for the other."""

from collections.abc import Collection

from orchestrator.models import Frozen, Plan
from orchestrator.schedule import remaining


class Path(Frozen):
    """A chain of tasks from its first to its last, and the effort points on it."""

    tasks: tuple[str, ...] = ()
    points: int = 0


def path(plan: Plan, left: Collection[str]) -> Path:
    """Return the longest chain of the tasks that are left, in effort points; of several the first in the plan."""
    longest = remaining(plan, left)
    dependents: dict[str, list[str]] = {task_id: [] for task_id in longest}
    for task in plan.tasks:
        for dep in (*task.deps, *task.after) if task.id in longest else ():
            dependents.get(dep, []).append(task.id)
    chain: list[str] = []
    ahead = list(longest)
    while ahead:
        chain.append(max(ahead, key=lambda task_id: longest[task_id]))
        ahead = dependents[chain[-1]]
    return Path(tasks=tuple(chain), points=longest[chain[0]] if chain else 0)
