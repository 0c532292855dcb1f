"""The rest of a schedule, run through in an instant: it chooses as `orchestrator.schedule` does."""

from bisect import insort
from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush

from orchestrator.models import BuildTask, Plan
from orchestrator.schedule import remaining

_Place = tuple[int, int]
"""A phase, or 0 without a barrier, and the number of a task."""


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
        agents = {name: place for place, name in enumerate(dict.fromkeys(entries[name].agent for name in self.tasks))}
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
        self._free: list[list[_Place]] = [[] for _ in set(self._agents)]
        for place in (place for place, deps in enumerate(waits) if not deps and place not in under_way):
            insort(self._free[self._agents[place]], self._place(place))

    def _awaited(self, task: BuildTask) -> tuple[str, ...]:
        """Return what a task waits for, softly too; with a barrier it comes after nothing of a later phase."""
        return (*task.deps, *(name for name in task.after if not self.barrier or self._phase[name] <= task.phase))

    def _place(self, task: int) -> _Place:
        """Return where a task stands among those of its agent: with a barrier, the open phase's come first."""
        return (self._phases[task] if self.barrier else 0, task)

    def run(self, seconds: Sequence[float]) -> list[float]:
        """Return when each task ends, in seconds from now, if it takes so many more; both in the order of `tasks`."""
        ends = list(seconds)
        agents, slots = self._agents, self.slots
        waits, free = self._waits.copy(), [own.copy() for own in self._free]
        under_way = [(seconds[place], place) for place in self._running]
        heapify(under_way)
        busy = {agents[place] for place in self._running}
        phases = _Phases(self._phases, barrier=self.barrier)
        now = 0.0
        while True:
            while len(under_way) < slots:
                agent = self._next(free, busy, phases)
                if agent is None:
                    break
                task = free[agent].pop(0)[1]
                busy.add(agent)
                heappush(under_way, (now + seconds[task], task))
            if not under_way:
                return ends
            now, task = heappop(under_way)
            ends[task] = now
            busy.discard(agents[task])
            phases.end(task)
            for dependent in self._dependents[task]:
                waits[dependent] -= 1
                if not waits[dependent]:
                    insort(free[agents[dependent]], self._place(dependent))

    @staticmethod
    def _next(free: Sequence[Sequence[_Place]], busy: Collection[int], phases: "_Phases") -> int | None:
        """Return the agent whose task is next: of those that are idle, the one with the task that is preferred."""
        heads = [(own[0][1], agent) for agent, own in enumerate(free) if own and agent not in busy]
        open_ = [head for head in heads if not phases.bars(head[0])]
        return min(open_)[1] if open_ else None


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
