"""What may start now, what a task's end sets free or blocks, and why everything else waits."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from graphlib import TopologicalSorter

from orchestrator.errors import InputError
from orchestrator.models import BuildTask, Plan
from orchestrator.plan import task as lookup
from orchestrator.planrules import closure


def remaining(plan: Plan, ids: Iterable[str]) -> dict[str, int]:
    """Return the effort points of the longest path that begins with each of these tasks and stays among them."""
    chosen = _chosen(plan, ids)
    deps = {task_id: [dep for dep in task.deps if dep in chosen] for task_id, task in chosen.items()}
    longest = {task_id: task.effort for task_id, task in chosen.items()}
    for task_id in reversed(list(TopologicalSorter(deps).static_order())):
        for dep in deps[task_id]:
            longest[dep] = max(longest[dep], chosen[dep].effort + longest[task_id])
    return longest


def missing(plan: Plan, selected: Iterable[str], done: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return for each selected task what it needs that is neither selected nor done; nothing for the others."""
    chosen = _chosen(plan, selected)
    there = {*chosen, *done}
    lacking = {
        task_id: tuple(dep for dep in task.deps if dep not in there)
        for task_id, task in chosen.items()
        if task_id not in done
    }
    return {task_id: deps for task_id, deps in lacking.items() if deps}


class Schedule:
    """Keep the state of a selection of tasks while they run; decides, but starts nothing itself.

    A task is unstarted, running, merged, failed, or blocked by the failure of one that it waits for.
    """

    def __init__(
        self, plan: Plan, selected: Iterable[str], done: Collection[str], slots: int, *, barrier: bool = False
    ) -> None:
        """Schedule the `selected` tasks, of which those in `done` are merged already, at most `slots` at once.

        With `barrier`, no task starts before all selected tasks of earlier phases have come to an end.

        Raises:
            InputError: there is no slot, a task is unknown, or it needs one that is neither selected nor done.
        """
        if slots < 1:
            raise InputError(f"{slots} slots run nothing; give at least 1")
        done = frozenset(done)
        self.slots = slots
        self.barrier = barrier
        self.running: dict[str, BuildTask] = {}
        self._tasks = _chosen(plan, selected)
        _refuse_missing(missing(plan, self._tasks, done))
        self._merged = {task_id for task_id in self._tasks if task_id in done}
        self._failed: set[str] = set()
        self._paused: dict[str, str] = {}
        """The tasks that gave their agent and slot back for a while, each with what it waits for."""
        self._blocked: dict[str, str] = {}
        """From each blocked task to the failed one that blocks it."""
        self._left = {
            task_id: {dep for dep in task.deps if dep not in done}
            for task_id, task in self._tasks.items()
            if task_id not in self._merged
        }
        """For each task that is not merged, what it still waits for."""
        self._dependents: dict[str, list[str]] = {task_id: [] for task_id in self._tasks}
        for task_id, deps in self._left.items():
            for dep in deps:
                self._dependents[dep].append(task_id)
        longest = remaining(plan, self._left)
        by_length = sorted(self._left, key=lambda task_id: -longest[task_id])
        self._rank = {task_id: rank for rank, task_id in enumerate(by_length)}
        self._free = [task_id for task_id in by_length if not self._left[task_id]]
        """The unstarted tasks that wait for no other, longest remaining path first."""
        self._open = Counter(self._tasks[task_id].phase for task_id in self._left)
        """How many tasks of each phase have not come to an end."""

    @property
    def is_over(self) -> bool:
        """Tell whether every selected task has come to an end."""
        return not self._open.total()

    def ready(self) -> list[BuildTask]:
        """Return the tasks that may start now, all of them at once, longest remaining path first."""
        busy = {task.agent for task in self.running.values()}
        limit = self._phase_limit()
        chosen: list[BuildTask] = []
        for task_id in self._free:
            task = self._tasks[task_id]
            if len(chosen) >= self.slots - len(self.running):
                break
            if task.agent not in busy and task.phase <= limit:
                busy.add(task.agent)
                chosen.append(task)
        return chosen

    def start(self, task_id: str) -> None:
        """Note that a task of `ready` runs now."""
        if task_id not in [task.id for task in self.ready()]:
            raise ValueError(f"task {task_id} may not start now")
        self._free.remove(task_id)
        self.running[task_id] = self._tasks[task_id]

    def finish(self, task_id: str, merged: bool) -> tuple[str, ...]:
        """Note that a running task has ended; return the ids that now wait for no other, or that it now blocks."""
        self._end(self.running.pop(task_id))
        if not merged:
            self._failed.add(task_id)
            return self._block(task_id)
        self._merged.add(task_id)
        del self._left[task_id]
        return self._unblock(task_id)

    def pause(self, task_id: str, reason: str) -> None:
        """Note that a running task waits for something outside, and gives its agent and slot back meanwhile."""
        self._paused[task_id] = reason
        del self.running[task_id]

    def resume(self, task_id: str) -> None:
        """Note that a paused task may start again; one that is not paused stays as it is."""
        if self._paused.pop(task_id, None) is not None:
            self._free = sorted((*self._free, task_id), key=self._rank.__getitem__)

    def waiting(self) -> dict[str, str]:
        """Return for each selected task that is neither merged nor failed the one reason in words, in plan order."""
        ready = {task.agent: task.id for task in self.ready()}
        holders = {task.agent: task.id for task in self.running.values()}
        ended = self._merged | self._failed
        return {id_: self._reason(task, ready, holders) for id_, task in self._tasks.items() if id_ not in ended}

    def _reason(self, task: BuildTask, ready: dict[str, str], holders: dict[str, str]) -> str:
        if task.id in self.running:
            return "running"
        if task.id in self._paused:
            return self._paused[task.id]
        if task.id in self._blocked:
            return f"waits for {self._blocked[task.id]}, which failed"
        if self._left[task.id]:
            return self._reason_of_deps(task)
        if task.phase > (limit := self._phase_limit()):
            return f"waits for the end of phase {limit} ({self._open[limit]} left)"
        if task.agent in holders:
            return f"agent {task.agent} is busy with {holders[task.agent]}"
        if len(self.running) >= self.slots:
            return "the one slot is busy" if self.slots == 1 else f"all {self.slots} slots are busy"
        first = ready.get(task.agent)
        if first == task.id:
            return "starts next"
        return (
            f"agent {task.agent} takes {first} first" if first else "tasks on a longer path take the free slots first"
        )

    def _reason_of_deps(self, task: BuildTask) -> str:
        left = [dep for dep in task.deps if dep in self._left[task.id]]
        first = next((dep for dep in left if dep in self.running), left[0])
        state = " (running)" if first in self.running else ""
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        return f"waits for {first}{state}{more}"

    def _phase_limit(self) -> int:
        """Return the last phase whose tasks may start: with a barrier, the first that has not come to its end."""
        open_phases = [phase for phase, count in self._open.items() if count]
        return (min if self.barrier else max)(open_phases, default=0)

    def _unblock(self, task_id: str) -> tuple[str, ...]:
        freed: list[str] = []
        for dependent in self._dependents[task_id]:
            self._left[dependent].discard(task_id)
            if not self._left[dependent]:
                freed.append(dependent)
        self._free = sorted((*self._free, *freed), key=self._rank.__getitem__)
        return tuple(freed)

    def _block(self, task_id: str) -> tuple[str, ...]:
        reached = closure([task_id], self._dependents)
        blocked = tuple(item for item in self._tasks if item in reached and item not in self._blocked)
        for item in blocked:
            self._blocked[item] = task_id
            self._end(self._tasks[item])
        return blocked

    def _end(self, task: BuildTask) -> None:
        self._open[task.phase] -= 1


def waits_for_user(task_id: str) -> str:
    """Return the reason of a task that waits for the user's approval."""
    return f"waits for your approval: `mbo approve {task_id}`, or `mbo reject {task_id} --reason …`"


def _chosen(plan: Plan, ids: Iterable[str]) -> dict[str, BuildTask]:
    """Return these tasks by id, in the plan's order."""
    wanted = set(ids)
    found = {task.id: task for task in plan.tasks if task.id in wanted}
    for unknown in wanted.difference(found):
        _ = lookup(plan, unknown)  # says so
    return found


def _refuse_missing(lacking: dict[str, tuple[str, ...]]) -> None:
    if lacking:
        needs = "; ".join(_needs(lacking))
        raise InputError(f"this selection cannot run: {needs}; select those too, or build them first")


def _needs(lacking: dict[str, tuple[str, ...]], at_most: int = 5) -> Iterator[str]:
    for task_id, deps in list(lacking.items())[:at_most]:
        yield f"{task_id} needs {', '.join(deps)}"
    if len(lacking) > at_most:
        yield f"{len(lacking) - at_most} more tasks lack something"
