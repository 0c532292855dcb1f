"""How often the real end lies below the marks of the forecast, on simulated plans whose durations are known.

    .venv/bin/python benchmarks/forecast.py [executions]

Each execution makes a plan and a world of its own, lets the plan run in it as the real schedule decides, and asks for a
forecast at several points on the way. In a calibrated forecast, half of all real ends lie below its 50 % mark.

Who forecasts does not know the world. So no forecast is calibrated in every single one of them, least of all after a
few tasks; it must be where the world is drawn at random, and come near it in each world the more is measured. With 300
executions, chance moves a figure by up to 6 points.
"""

import heapq
import math
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from random import Random
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from analytics.forecast import predict, quantile, samples_for
from analytics.simulation import Course
from orchestrator.models import BuildTask, Component, Phase, Plan, Policy, RosterEntry
from orchestrator.schedule import Schedule
from orchestrator.status.lasting import SECONDS_PER_POINT, Lasting

TASKS, AGENTS, SLOTS, SAMPLES = 40, 8, 4, 300
POINTS = (0.1, 0.25, 0.5, 0.75)
MARKS = (0.5, 0.75, 0.9)


class World(NamedTuple):
    """What is true of durations: how far off the plan is, how much agents and efforts differ, and the noise."""

    name: str
    level: Callable[[Random], float]
    agents: float | None
    """How much agents differ, a standard deviation of logarithms; None where that is drawn too."""
    noise: Callable[[Random], float] | None
    """Draws the logarithm of one task's noise; None where its kind is drawn too."""


def _lognormal(random: Random) -> float:
    return random.gauss(0, 0.6)


def _gamma(random: Random) -> float:
    return math.log(random.gammavariate(2.5, 1 / 2.5))


def _rework(random: Random) -> float:
    return random.gauss(0, 0.35) + (random.uniform(0.6, 1.4) if random.random() < 0.25 else 0)


def _any(random: Random) -> Callable[[Random], float]:
    """Return a kind of noise drawn at random."""
    spread = random.uniform(0.25, 0.8)
    return random.choice((lambda random: random.gauss(0, spread), _gamma, _rework))


WORLDS = (
    World("as the plan says, agents differ", lambda random: random.gauss(0, 0.6), 0.4, _lognormal),
    World("agents all alike", lambda random: random.gauss(0, 0.6), 0.0, _lognormal),
    World("scripted: 60 times as fast", lambda _: math.log(1 / 60), 0.4, _lognormal),
    World("4 times as slow", lambda _: math.log(4), 0.4, _lognormal),
    World("no logarithms: gamma", lambda random: random.gauss(0, 0.6), 0.4, _gamma),
    World("every fourth task is redone", lambda random: random.gauss(0, 0.6), 0.4, _rework),
    World("all much the same", lambda random: random.gauss(0, 0.6), 0.2, lambda random: random.gauss(0, 0.3)),
    World("agents far apart", lambda random: random.gauss(0, 0.6), 0.8, _lognormal),
    World("drawn at random", lambda random: random.gauss(0, 0.8), None, None),
)


def made(random: Random, count: int = TASKS, agents: int = AGENTS) -> Plan:
    """Return a plan of tasks that mostly wait for a few of the ones shortly before them."""
    tasks: list[BuildTask] = []
    for number in range(1, count + 1):
        before = [task.id for task in tasks[-8:]]
        deps = random.sample(before, min(len(before), random.choice((0, 1, 1, 2))))
        agent = f"agent-{random.randrange(agents)}"
        tasks.append(
            BuildTask.model_construct(
                id=f"1.{number}", phase=1, component=1, agent=agent, effort=random.randint(1, 3), deps=tuple(deps)
            )
        )
    return Plan.model_construct(
        version=1,
        name="simulated",
        phases=(Phase(number=1, name="Only", tasks=count),),
        components=(Component(number=1, name="c", phase=1),),
        agents=tuple(RosterEntry(id=f"agent-{n}", label=f"agent-{n}", category="c") for n in range(agents)),
        policy=Policy.model_construct(),
        tasks=tuple(tasks),
    )


def lived(plan: Plan, world: World, random: Random) -> dict[str, float]:
    """Return how many seconds each task really takes in one drawing of a world."""
    level = world.level(random)
    apart = random.uniform(0, 0.8) if world.agents is None else world.agents
    noise = world.noise or _any(random)
    agents = {entry.id: random.gauss(0, apart) for entry in plan.agents}
    efforts = {effort: random.gauss(0, 0.2) for effort in (1, 2, 3)}
    return {
        task.id: SECONDS_PER_POINT
        * task.effort
        * math.exp(level + agents[task.agent] + efforts[task.effort] + noise(random))
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


def below(place: int, number: int) -> list[list[bool]]:
    """Return for each point of one execution in a world whether the real end lies below each mark."""
    random = Random(number)
    plan = made(random)
    spans = executed(plan, lived(plan, WORLDS[place], random))
    real = max(end for _, end in spans.values())
    return [[real <= mark for mark in marks(plan, spans, share, number)] for share in POINTS]


def table(executions: int) -> Table:
    """Return for each world and point how many of the real ends lay below each mark."""
    rows = Table(title=f"Real ends below the marks, of {executions} executions each", title_justify="left")
    rows.add_column("world")
    rows.add_column("merged", justify="right")
    for mark in MARKS:
        rows.add_column(f"{mark:.0%} mark", justify="right")
    with ProcessPoolExecutor() as pool:
        for place, world in enumerate(WORLDS):
            found = list(pool.map(below, [place] * executions, range(executions), chunksize=10))
            for point, share in enumerate(POINTS):
                counts = [sum(execution[point][mark] for execution in found) for mark in range(len(MARKS))]
                name = "" if point else world.name
                rows.add_row(name, f"{share:.0%}", *(f"{count / executions:.0%}" for count in counts))
            rows.add_section()
    return rows


def seconds(tasks: int) -> float:
    """Return how long a forecast takes for so many tasks of one agent, none of which has begun."""
    random = Random(0)
    plan = made(random, tasks, agents=1)
    course = Course(plan, [task.id for task in plan.tasks], (), SLOTS)
    began = time.perf_counter()
    predict(plan, course, [], [], samples=samples_for(tasks))
    return time.perf_counter() - began


if __name__ == "__main__":
    console = Console()
    console.print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
    told = ", ".join(f"{tasks:,} tasks {seconds(tasks):.2f} s" for tasks in (95, 300, 1000))
    console.print(f"one forecast, one agent, {SLOTS} slots: {told}")
