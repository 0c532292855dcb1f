"""When what is left of a plan will be merged: from measured durations, by running through its schedule many times."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from random import Random

from analytics import durations
from analytics.simulation import Course
from orchestrator.models import Frozen, JsonObject, Plan
from orchestrator.models.value import now as this_moment
from orchestrator.status.lasting import SECONDS_PER_POINT, Lasting, measured
from orchestrator.status.standing import Board

SAMPLES, FEWEST, DRAWS = 400, 100, 80_000
"""How often the rest is run through: so many times, but for a plan so big that this would draw too many durations."""
SLOTS = 4
"""How many tasks are taken to be under way at once where no run has said so."""
_STEPS = 40
"""How many moments the band has."""


class Quantiles(Frozen):
    """By when something ends with 50, 75 and 90 % probability, in seconds from the moment of the forecast."""

    p50: float = 0.0
    p75: float = 0.0
    p90: float = 0.0


class Expected(Quantiles):
    """When one task ends; `begins` is when it begins most likely (the median), 0 while it is under way."""

    begins: float = 0.0


class Band(Frozen):
    """How many tasks are merged at a moment ahead: at the least (10 %), most likely (50 %), at best (90 %)."""

    seconds: float
    low: float
    middle: float
    high: float


class Forecast(Quantiles):
    """When all tasks of the plan, of the run under way, or of one phase are merged, if none fails and work goes on."""

    at: datetime
    """The moment that all seconds count from."""
    scope: str
    """`run`, where a run is under way, else `plan`."""
    left: int
    """How many tasks have to be merged."""
    measured: int
    """From how many merged tasks durations are known."""
    samples: int
    method: str
    """How this was found, in one line."""
    basis: str
    """What it rests on, in one line."""
    by_phase: dict[int, Quantiles] = {}
    by_task: dict[str, Expected] = {}
    band: tuple[Band, ...] = ()
    """From now to a moment that all is merged by with 95 %; counts what was merged before as well."""


def forecast(
    plan: Plan,
    events: Iterable[JsonObject],
    board: Board,
    *,
    at: datetime | None = None,
    phase: int | None = None,
    samples: int | None = None,
    seed: int = 0,
) -> Forecast:
    """Return when what is left, of everything or of one phase, will be merged.

    The same history and moment give the same forecast, for a phase the one that `by_phase` has in that of everything.
    """
    at = at or this_moment()
    build = board.last_build
    under_way = board.is_building and not board.is_other_plan
    running = [item.task for item in board.tasks if item.state == "running" and item.task in board.left]
    slots = max(build.slots if build else SLOTS, len(running))
    course = Course(plan, board.left, running, slots, barrier=bool(build and under_way and build.barrier))
    merged, lasting = measured(plan, events, running, at)
    samples = samples or samples_for(len(course.tasks))
    predicted = predict(plan, course, merged, lasting, samples=samples, seed=seed)
    asked = {task.id for task in plan.tasks if phase in (None, task.phase)}
    done = len(asked & board.scope) - len(asked.intersection(board.left))
    return _summed_up(plan, course.tasks, asked, predicted, done).model_copy(
        update={
            "at": at,
            "scope": "run" if under_way else "plan",
            "measured": len(merged),
            "method": _method(samples, slots),
            "basis": _basis(merged),
        }
    )


def samples_for(tasks: int) -> int:
    """Return how often the rest of so many tasks is run through."""
    return max(FEWEST, min(SAMPLES, DRAWS // max(1, tasks)))


def predict(
    plan: Plan,
    course: Course,
    merged: Sequence[Lasting],
    running: Sequence[Lasting],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> list[tuple[list[float], list[float]]]:
    """Return for each sample when each task of the course begins and ends, in seconds from now."""
    entries = {task.id: task for task in plan.tasks}
    so_far = {item.task: item.seconds for item in running}
    ahead = [
        Lasting(task_id, entries[task_id].agent, entries[task_id].effort, 0.0)
        for task_id in course.tasks
        if task_id not in so_far
    ]
    order = {item.task: place for place, item in enumerate((*running, *ahead))}
    found: list[tuple[list[float], list[float]]] = []
    for drawn in islice(durations.draws(merged, running, ahead, Random(seed)), samples):  # noqa: S311 no secret
        rest = [drawn[order[task_id]] - so_far.get(task_id, 0.0) for task_id in course.tasks]
        ends = course.run(rest)
        found.append(([end - lasts for end, lasts in zip(ends, rest, strict=True)], ends))
    return found


def _summed_up(
    plan: Plan,
    tasks: Sequence[str],
    asked: Collection[str],
    predicted: Sequence[tuple[list[float], list[float]]],
    merged: int,
) -> Forecast:
    """Return the quantiles of what was predicted for those of the `tasks` that are asked about."""
    phases = {task.id: task.phase for task in plan.tasks}
    places = {task_id: place for place, task_id in enumerate(tasks) if task_id in asked}
    last: defaultdict[int, list[float]] = defaultdict(list)
    for phase in sorted({phases[task_id] for task_id in places}):
        own = [place for task_id, place in places.items() if phases[task_id] == phase]
        last[phase] = [max(ends[place] for place in own) for _, ends in predicted]
    by_task = {
        task_id: Expected(
            **_quantiles([ends[place] for _, ends in predicted]),
            begins=round(max(0.0, quantile(sorted(begins[place] for begins, _ in predicted), 0.5)), 3),
        )
        for task_id, place in places.items()
    }
    own_ends = [[ends[place] for place in places.values()] for _, ends in predicted]
    return Forecast(
        **_quantiles([max(ends, default=0.0) for ends in own_ends]),
        at=this_moment(),
        scope="plan",
        left=len(places),
        measured=0,
        samples=len(predicted),
        method="",
        basis="",
        by_phase={phase: Quantiles(**_quantiles(ends)) for phase, ends in last.items()},
        by_task=by_task,
        band=_band([sorted(ends) for ends in own_ends], merged) if places else (),
    )


def _band(ends: Sequence[Sequence[float]], merged: int) -> tuple[Band, ...]:
    most = quantile(sorted(each[-1] for each in ends), 0.95)
    points: list[Band] = []
    for step in range(_STEPS + 1):
        seconds = most * step / _STEPS
        counts = sorted(merged + bisect_right(each, seconds) for each in ends)
        low, middle, high = (quantile(counts, share) for share in (0.1, 0.5, 0.9))
        points.append(Band(seconds=round(seconds, 3), low=low, middle=middle, high=high))
    return tuple(points)


def _quantiles(values: Sequence[float]) -> Mapping[str, float]:
    ordered = sorted(values)
    shares = {"p50": 0.5, "p75": 0.75, "p90": 0.9}
    return {name: round(quantile(ordered, share), 3) for name, share in shares.items()}


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share of the ordered values lies, in between two where it falls there."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _method(samples: int, slots: int) -> str:
    return (
        f"{samples} runs through the remaining schedule, {slots} tasks at once, with durations drawn by agent and "
        "effort; as if no task failed and the work went on without a pause"
    )


def _basis(merged: Sequence[Lasting]) -> str:
    if not merged:
        return f"nothing measured yet: {SECONDS_PER_POINT / 60:g} minutes for each effort point"
    agents = len({item.agent for item in merged})
    return f"{len(merged)} measured tasks of {agents} agents, drawn towards the plan's effort points"
