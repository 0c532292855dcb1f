"""What may start now, what a task's end sets free or blocks, and why everything else waits."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import TopologicalSorter

from orchestrator.deadlock import circle
from orchestrator.errors import InputError
from orchestrator.models import BuildTask, Plan
from orchestrator.plan import task as lookup
from orchestrator.planrules import closure


def remaining(plan: Plan, ids: Iterable[str]) -> dict[str, int]:
    """Return the effort points of the longest path that begins with each of these tasks and stays among them."""
    chosen = _chosen(plan, ids)
    deps = {id_: [dep for dep in (*task.deps, *task.after) if dep in chosen] for id_, task in chosen.items()}
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

    A task is unstarted, running, deferred until another has ended, merged, failed, or blocked by the failure of one
    that it depends on. What it only comes after (softly) it waits for as well, but no failure of that blocks it.
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
        self._soft = {task_id: self._soft_of(self._tasks[task_id]) for task_id in self._left}
        """For each task that is not merged, what else it is to come after and still waits for."""
        self._deferred: dict[str, str] = {}
        """From each deferred task to the one whose end it waits for."""
        self._dependents = _turned(self._tasks, self._left)
        self._followers = _turned(self._tasks, self._soft)
        self.held = ""
        """Why nothing more is started; empty where it is."""
        longest = remaining(plan, self._left)
        by_length = sorted(self._left, key=lambda task_id: -longest[task_id])
        self._rank = {task_id: rank for rank, task_id in enumerate(by_length)}
        self._free = [task_id for task_id in by_length if not self._left[task_id] | self._soft[task_id]]
        """The unstarted tasks that wait for no other, longest remaining path first."""
        self._open = Counter(self._tasks[task_id].phase for task_id in self._left)
        """How many tasks of each phase have not come to an end."""

    @property
    def is_over(self) -> bool:
        """Tell whether every selected task has come to an end."""
        return not self._open.total()

    @property
    def has_unstarted(self) -> bool:
        """Tell whether a task that has not come to an end does not run."""
        return self._open.total() > len(self.running)

    def ready(self) -> list[BuildTask]:
        """Return the tasks that may start now, all of them at once, longest remaining path first."""
        if self.held:
            return []
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
            blocked = self._block(task_id)
            self._free_after((task_id, *blocked))
            return blocked
        self._merged.add(task_id)
        del self._left[task_id]
        for dependent in self._dependents[task_id]:
            self._left[dependent].discard(task_id)
        return self._free_after((task_id,))

    def hold(self, reason: str) -> None:
        """Start nothing more; what runs goes on to its end."""
        self.held = self.held or reason

    def leave(self, task_id: str) -> None:
        """Note that a running task has stopped without coming to an end; only while the schedule is held."""
        del self.running[task_id]

    def defer(self, task_id: str, on: str) -> tuple[str, ...]:
        """Put a running task back until the task `on` has ended; return the circle of waits that this closes, if any.

        A circle is for the caller to break: see `go_on`.
        """
        self._deferred[task_id] = on
        del self.running[task_id]
        if not self._is_unended(on):
            self.go_on(task_id)
            return ()
        if self.barrier and self._tasks[on].phase > self._tasks[task_id].phase:
            return (task_id, on)
        waits = {id_: self._left[id_] | self._soft[id_] for id_ in self._left}
        return circle(task_id, waits | {id_: {awaited} for id_, awaited in self._deferred.items()})

    def go_on(self, task_id: str) -> None:
        """Let a deferred task start again, though what it waits for may not have ended."""
        del self._deferred[task_id]
        self._add_free([task_id])

    def pause(self, task_id: str, reason: str) -> None:
        """Note that a running task waits for something outside, and gives its agent and slot back meanwhile."""
        self._paused[task_id] = reason
        del self.running[task_id]

    def resume(self, task_id: str) -> None:
        """Note that a paused task may start again; one that is not paused stays as it is."""
        if self._paused.pop(task_id, None) is not None:
            self._add_free([task_id])

    def waiting(self) -> dict[str, str]:
        """Return for each selected task that is neither merged nor failed the one reason in words, in plan order."""
        ready = {task.agent: task.id for task in self.ready()}
        holders = {task.agent: task.id for task in self.running.values()}
        ended = self._merged | self._failed
        return {id_: self._reason(task, ready, holders) for id_, task in self._tasks.items() if id_ not in ended}

    def _reason(self, task: BuildTask, ready: dict[str, str], holders: dict[str, str]) -> str:
        if task.id in self.running:
            return "running"
        if task.id in self._blocked:
            return f"waits for {self._blocked[task.id]}, which failed"
        if task.id in self._paused or task.id in self._deferred:
            return self._paused.get(task.id) or f"its verdicts wait for {self._deferred[task.id]}"
        if self._left[task.id] | self._soft[task.id]:
            return self._reason_of_deps(task)
        if self.held:
            return f"the run is paused: {self.held}"
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
        soft = [dep for dep in task.after if dep in self._soft[task.id]]
        waits = left + soft
        first, *others = sorted(waits, key=lambda dep: dep not in self.running)
        if len(others) == 1:
            return f"waits for {self._dep(first, soft)} and {self._dep(others[0], soft)}"
        more = f" and {len(others)} more" if others else ""
        return f"waits for {self._dep(first, soft)}{more}"

    def _dep(self, dep: str, soft: Collection[str]) -> str:
        states = ["soft"] * (dep in soft) + ["running"] * (dep in self.running)
        return f"{dep} ({', '.join(states)})" if states else dep

    def _phase_limit(self) -> int:
        """Return the last phase whose tasks may start: with a barrier, the first that has not come to its end."""
        open_phases = [phase for phase, count in self._open.items() if count]
        return (min if self.barrier else max)(open_phases, default=0)

    def _soft_of(self, task: BuildTask) -> set[str]:
        """Return what a task is to come after; with a barrier nothing of a later phase, which waits for it itself."""
        there = {id_: self._tasks[id_] for id_ in task.after if id_ in self._left}
        return {id_ for id_, other in there.items() if not (self.barrier and other.phase > task.phase)}

    def _is_unended(self, task_id: str) -> bool:
        return task_id in self._left and task_id not in self._failed and task_id not in self._blocked

    def _free_after(self, ended: Collection[str]) -> tuple[str, ...]:
        """Free what waits for nothing any more after these ends, and return it."""
        touched = [waiting for id_ in ended for waiting in (*self._dependents[id_], *self._followers[id_])]
        for follower in (waiting for id_ in ended for waiting in self._followers[id_]):
            self._soft[follower].difference_update(ended)
        unblocked = (id_ for id_ in dict.fromkeys(touched) if id_ not in self._blocked)
        freed = [id_ for id_ in unblocked if not self._left[id_] | self._soft[id_]]
        self._add_free(freed)
        for id_ in [id_ for id_, awaited in self._deferred.items() if awaited in ended]:
            self.go_on(id_)
        return tuple(freed)

    def _add_free(self, freed: Iterable[str]) -> None:
        self._free = sorted((*self._free, *freed), key=self._rank.__getitem__)

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


def _turned(tasks: Iterable[str], waits: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return for each task those that wait for it."""
    turned: dict[str, list[str]] = {task_id: [] for task_id in tasks}
    for task_id, awaited in waits.items():
        for name in awaited:
            turned[name].append(task_id)
    return turned


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
