"""How often the real end lies below the marks of the forecast, on simulated plans whose durations are known.

    .venv/bin/python benchmarks/forecast.py [executions]

Each execution makes a plan and a world of its own, lets the plan run in it as the real schedule decides, and asks for a
forecast at several points on the way. In a calibrated forecast, half of all real ends lie below its 50 % mark.
"""

import heapq
import math
import sys
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from analytics.forecast import predict, quantile
from analytics.simulation import Course
from orchestrator.models import BuildTask, Component, Phase, Plan, Policy, RosterEntry
from orchestrator.schedule import Schedule
from orchestrator.status.lasting import SECONDS_PER_POINT, Lasting

TASKS, AGENTS, SLOTS, SAMPLES = 40, 8, 4, 300
POINTS = (0.0, 0.1, 0.25, 0.5, 0.75)
MARKS = (0.5, 0.75, 0.9)


class World(NamedTuple):
    """What is true of durations: how far off the plan is, how much agents and efforts differ, and the noise."""

    name: str
    level: Callable[[Random], float]
    agents: float
    noise: Callable[[Random], float]


def _lognormal(random: Random) -> float:
    return random.gauss(0, 0.6)


def _gamma(random: Random) -> float:
    return math.log(random.gammavariate(2.5, 1 / 2.5))


def _rework(random: Random) -> float:
    return random.gauss(0, 0.35) + (random.uniform(0.6, 1.4) if random.random() < 0.25 else 0)


WORLDS = (
    World("as the plan says, agents differ", lambda random: random.gauss(0, 0.6), 0.4, _lognormal),
    World("agents all alike", lambda random: random.gauss(0, 0.6), 0.0, _lognormal),
    World("scripted: 60 times as fast", lambda _: math.log(1 / 60), 0.4, _lognormal),
    World("4 times as slow", lambda _: math.log(4), 0.4, _lognormal),
    World("no logarithms: gamma", lambda random: random.gauss(0, 0.6), 0.4, _gamma),
    World("every fourth task is redone", lambda random: random.gauss(0, 0.6), 0.4, _rework),
)


def made(random: Random) -> Plan:
    """Return a plan of tasks that mostly wait for a few of the ones shortly before them."""
    tasks: list[BuildTask] = []
    for number in range(1, TASKS + 1):
        before = [task.id for task in tasks[-8:]]
        deps = random.sample(before, min(len(before), random.choice((0, 1, 1, 2))))
        agent = f"agent-{random.randrange(AGENTS)}"
        tasks.append(
            BuildTask.model_construct(
                id=f"1.{number}", phase=1, component=1, agent=agent, effort=random.randint(1, 3), deps=tuple(deps)
            )
        )
    return Plan.model_construct(
        version=1,
        name="simulated",
        phases=(Phase(number=1, name="Only", tasks=TASKS),),
        components=(Component(number=1, name="c", phase=1),),
        agents=tuple(RosterEntry(id=f"agent-{n}", label=f"agent-{n}", category="c") for n in range(AGENTS)),
        policy=Policy.model_construct(),
        tasks=tuple(tasks),
    )


def lived(plan: Plan, world: World, random: Random) -> dict[str, float]:
    """Return how many seconds each task really takes in one drawing of a world."""
    level = world.level(random)
    agents = {entry.id: random.gauss(0, world.agents) for entry in plan.agents}
    efforts = {effort: random.gauss(0, 0.2) for effort in (1, 2, 3)}
    return {
        task.id: SECONDS_PER_POINT
        * task.effort
        * math.exp(level + agents[task.agent] + efforts[task.effort] + world.noise(random))
        for task in plan.tasks
    }


def executed(plan: Plan, seconds: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Return when each task begins and ends where the real schedule decides."""
    schedule = Schedule(plan, seconds, (), SLOTS)
    spans: dict[str, tuple[float, float]] = {}
    under_way: list[tuple[float, str]] = []
    now = 0.0
    while not schedule.is_over:
        for task in schedule.ready():
            schedule.start(task.id)
            spans[task.id] = (now, now + seconds[task.id])
            heapq.heappush(under_way, (now + seconds[task.id], task.id))
        now, ended = heapq.heappop(under_way)
        schedule.finish(ended, merged=True)
    return spans


def marks(
    plan: Plan, spans: dict[str, tuple[float, float]], share: float, seed: int, samples: int = SAMPLES
) -> list[float]:
    """Return by when the forecast sees the end, at the moment when this share of the tasks is merged."""
    ends = sorted(end for _, end in spans.values())
    place = int(share * len(ends))
    now = ends[place - 1] if place else 0.0

    def lasting(task: BuildTask, seconds: float) -> Lasting:
        return Lasting(task.id, task.agent, task.effort, seconds)

    merged = [lasting(t, spans[t.id][1] - spans[t.id][0]) for t in plan.tasks if spans[t.id][1] <= now]
    running = [lasting(t, now - spans[t.id][0]) for t in plan.tasks if spans[t.id][0] <= now < spans[t.id][1]]
    done = {item.task for item in merged}
    course = Course(plan, [t.id for t in plan.tasks if t.id not in done], {item.task for item in running}, SLOTS)
    predicted = predict(plan, course, merged, running, samples=samples, seed=seed)
    whole = sorted(now + max(ends) for _, ends in predicted)
    return [quantile(whole, mark) for mark in MARKS]


def table(executions: int) -> Table:
    """Return for each world and point how many of the real ends lay below each mark."""
    rows = Table(title=f"Real ends below the marks, of {executions} executions each", title_justify="left")
    rows.add_column("world")
    rows.add_column("merged", justify="right")
    for mark in MARKS:
        rows.add_column(f"{mark:.0%} mark", justify="right")
    for world in WORLDS:
        below = {share: [0] * len(MARKS) for share in POINTS}
        for number in range(executions):
            random = Random(number)
            plan = made(random)
            spans = executed(plan, lived(plan, world, random))
            real = max(end for _, end in spans.values())
            for share in POINTS:
                found = marks(plan, spans, share, number)
                below[share] = [count + (real <= mark) for count, mark in zip(below[share], found, strict=True)]
        for share, counts in below.items():
            name = world.name if share == POINTS[0] else ""
            rows.add_row(name, f"{share:.0%}", *(f"{count / executions:.0%}" for count in counts))
        rows.add_section()
    return rows


if __name__ == "__main__":
    Console().print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
