"""The rest of a schedule, run through in an instant: it chooses as `orchestrator.schedule` does."""

from bisect import insort
from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush

from orchestrator.models import BuildTask, Plan
from orchestrator.schedule import remaining


class Course:
    """What is left of a plan in the form that runs through it fast; made once, run through many times.

    Its tasks are numbered in the order in which the schedule prefers them.
    """

    def __init__(
        self, plan: Plan, left: Collection[str], running: Collection[str], slots: int, *, barrier: bool = False
    ) -> None:
        """Begin where of the tasks `left` those in `running` are under way, and all others are out of the way."""
        longest = remaining(plan, left)
        self.tasks = tuple(sorted(longest, key=lambda task_id: -longest[task_id]))
        self.slots = slots
        self.barrier = barrier
        number = {task_id: place for place, task_id in enumerate(self.tasks)}
        entries = {task.id: task for task in plan.tasks}
        self._phase = {task.id: task.phase for task in plan.tasks}
        agents = {entry: place for place, entry in enumerate(dict.fromkeys(task.agent for task in plan.tasks))}
        self._agents = [agents[entries[task_id].agent] for task_id in self.tasks]
        self._phases = [entries[task_id].phase for task_id in self.tasks]
        self._running = [number[task_id] for task_id in self.tasks if task_id in running]
        waits = [[number[dep] for dep in self._awaited(entries[task_id]) if dep in number] for task_id in self.tasks]
        self._waits = [len(deps) for deps in waits]
        self._dependents: list[list[int]] = [[] for _ in self.tasks]
        for place, deps in enumerate(waits):
            for dep in deps:
                self._dependents[dep].append(place)
        under_way = set(self._running)
        self._free = [place for place, deps in enumerate(waits) if not deps and place not in under_way]

    def _awaited(self, task: BuildTask) -> tuple[str, ...]:
        """Return what a task waits for, softly too; with a barrier it comes after nothing of a later phase."""
        return (*task.deps, *(name for name in task.after if not self.barrier or self._phase[name] <= task.phase))

    def run(self, seconds: Sequence[float]) -> list[float]:
        """Return when each task ends, in seconds from now, if it takes so many more; both in the order of `tasks`."""
        ends = list(seconds)
        agents, dependents, slots = self._agents, self._dependents, self.slots
        waits, free = self._waits.copy(), self._free.copy()
        under_way = [(seconds[place], place) for place in self._running]
        heapify(under_way)
        busy = {agents[place] for place in self._running}
        phases = _Phases(self._phases, barrier=self.barrier)
        now = 0.0
        while under_way or free:
            place = 0
            while place < len(free) and len(under_way) < slots:
                task = free[place]
                if agents[task] in busy or phases.bars(task):
                    place += 1
                    continue
                del free[place]
                busy.add(agents[task])
                heappush(under_way, (now + seconds[task], task))
            now, task = heappop(under_way)
            ends[task] = now
            busy.discard(agents[task])
            phases.end(task)
            for dependent in dependents[task]:
                waits[dependent] -= 1
                if not waits[dependent]:
                    insort(free, dependent)
        return ends


class _Phases:
    """Keep which phase has not come to its end, where one must before the next begins."""

    def __init__(self, phases: Sequence[int], *, barrier: bool) -> None:
        self._of = phases
        self._barrier = barrier
        self._open = sorted(phases) if barrier else []

    def bars(self, task: int) -> bool:
        """Tell whether a task must wait for the end of an earlier phase."""
        return self._barrier and self._of[task] > self._open[0]

    def end(self, task: int) -> None:
        """Note that a task has ended."""
        if self._barrier:
            self._open.remove(self._of[task])
