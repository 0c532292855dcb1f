"""When what is left will be merged: the same schedule, durations that follow what was measured, and honest marks."""

import heapq
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from analytics.forecast import Forecast, forecast
from analytics.simulation import Course
from benchmarks.forecast import WORLDS, executed, lived, made, marks
from orchestrator.home import Home, exclusive
from orchestrator.models import Plan
from orchestrator.models.value import now
from orchestrator.schedule import Schedule
from orchestrator.status import lasting, standing
from tests.story import Story, plan_of


def told(story: Story, seed: int = 0) -> Forecast:
    """Return the forecast of a story now."""
    board = standing.read(story.home, story.plan)
    return forecast(story.plan, story.events(), board, samples=200, seed=seed)


def mixed(seed: int) -> Plan:
    """Return a plan with soft dependencies and two phases."""
    random = Random(seed)
    plan = made(random)
    ids = [task.id for task in plan.tasks]
    tasks = [
        task.model_copy(
            update={
                "phase": 1 + (place > len(ids) // 2),
                "after": (random.choice(ids[:place]),) if place and random.random() < 0.3 else (),
            }
        )
        for place, task in enumerate(plan.tasks)
    ]
    return plan.model_copy(update={"tasks": tuple(tasks)})


@pytest.mark.parametrize("barrier", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_rest_goes_as_the_schedule_decides(seed: int, barrier: bool) -> None:
    """From any moment on, running through what is left gives the very ends that the real schedule gives."""
    plan, slots, random = mixed(seed), 3, Random(seed)
    seconds = {task.id: random.uniform(1, 9) for task in plan.tasks}
    schedule = Schedule(plan, seconds, (), slots, barrier=barrier)
    under_way: list[tuple[float, str]] = []
    ends: dict[str, float] = {}
    at, began = 0.0, 0.0
    course: Course | None = None
    left: list[str] = []
    running: dict[str, float] = {}
    while not schedule.is_over:
        for task in schedule.ready():
            schedule.start(task.id)
            heapq.heappush(under_way, (at + seconds[task.id], task.id))
        if len(ends) == 10 and course is None:
            left = [task.id for task in plan.tasks if task.id not in ends]
            course = Course(plan, left, schedule.running, slots, barrier=barrier)
            began, running = at, {name: end for end, name in under_way}
        at, ended = heapq.heappop(under_way)
        ends[ended] = at
        schedule.finish(ended, merged=True)

    assert course is not None
    rest = [running[task] - began if task in running else seconds[task] for task in course.tasks]
    assert dict(zip(course.tasks, course.run(rest), strict=True)) == pytest.approx(
        {task: ends[task] - began for task in left}
    )


def test_before_anything_is_measured_the_plans_effort_counts(home: Home) -> None:
    """A fresh plan's forecast rests on ten minutes a point, says so, and is the wider the less is sure."""
    found = told(Story(home, plan_of(t1=(), t2=("t1",))))

    assert found.basis == "nothing measured yet: 10 minutes for each effort point"
    assert (found.scope, found.left, found.measured, found.samples) == ("plan", 2, 0, 200)
    assert 600 < found.p50 < 2400
    assert found.p50 < found.p75 < found.p90
    assert found.by_task["1.1"].p50 < found.by_task["1.2"].begins + 1 < found.by_task["1.2"].p50
    assert found.by_phase.keys() == {1}
    assert found.by_phase[1].p90 == found.p90


def test_the_same_history_gives_the_same_forecast(home: Home) -> None:
    """Chance plays no part in what is shown: only another seed gives other draws."""
    story = Story(home, plan_of(t1=(), t2=("t1",)))
    first, second, other = told(story), told(story), told(story, seed=1)

    assert first.by_task == second.by_task
    assert first.by_task != other.by_task


def measured(story: Story, seconds: float) -> None:
    """Have t1, t2 and t3 merged one after the other, so many seconds each."""
    story.ago = timedelta(hours=10)
    story.start()
    for name in ("1.1", "1.2", "1.3"):
        story.work(name)
        story.later(seconds)
        story.merge(name)
    story.end("succeeded", "")


@pytest.mark.parametrize("seconds", [5.0, 7200.0])
def test_a_few_measured_tasks_correct_a_plan_that_is_far_off(home: Home, seconds: float) -> None:
    """Three tasks that took a hundredth, or twelve times, of what the plan says move the forecast for the others."""
    story = Story(home, plan_of(t1=(), t2=("t1",), t3=("t2",), t4=("t3",)))
    measured(story, seconds)
    found = told(story)

    assert found.measured == 3
    assert found.basis == "3 measured tasks of 3 agents, drawn towards the plan's effort points"
    assert seconds / 2 < found.p50 < seconds * 2
    assert found.p90 < seconds * 8


def test_time_between_runs_is_not_taken_for_work(home: Home) -> None:
    """A task that two runs worked on, hours apart, counts with the time that they worked on it."""
    story = Story(home, plan_of(t1=()), ago=timedelta(hours=10))
    story.start()
    story.work("1.1")
    story.later(20)
    story.tell("turn", "1.1", role="work", attempt=1, round=1, turn=1, tools=[], session="work-1.1")
    again = Story(home, story.plan, "r2", ago=timedelta(hours=2))
    again.start()
    again.tell("turn", "1.1", role="work", attempt=1, round=1, turn=2, tools=[], session="work-1.1")
    again.later(10)
    again.merge("1.1")
    (done,), going = lasting.measured(story.plan, story.events(), [], now())

    assert done.seconds == pytest.approx(30, abs=1)
    assert going == []


def test_a_task_under_way_lasts_longer_than_it_has(home: Home) -> None:
    """The longer a task has run, the later the forecast sees its end; never before now, and never soon."""
    ends: list[float] = []
    for hours in (0, 2, 9):
        place = Home(home.root / str(hours))
        story = Story(place, plan_of(t1=(), t2=("t1",)), ago=timedelta(hours=hours))
        with exclusive(place, "build"):
            story.ago = timedelta()
            story.start()
            story.ago = timedelta(hours=hours)
            story.work("1.1")
            found = told(story)
        assert (found.scope, found.by_task["1.1"].begins) == ("run", 0)
        ends.append(found.by_task["1.1"].p50)

    assert 0 < ends[0] < ends[1] < ends[2]


def test_the_band_goes_from_what_is_merged_to_everything(home: Home) -> None:
    """The band for the burn-up begins at what is merged now, never falls, and ends with all tasks merged."""
    story = Story(home, plan_of(t1=(), t2=("t1",), t3=("t2",), t4=("t3",), t5=()))
    measured(story, 60)
    band = told(story).band

    assert (band[0].seconds, band[0].low, band[0].high) == (0, 3, 3)
    assert band[-1].middle == band[-1].high == 5
    for before, after in pairwise(band):
        assert before.seconds < after.seconds
        assert (before.low, before.middle, before.high) <= (after.low, after.middle, after.high)
    assert all(point.low <= point.middle <= point.high for point in band)


def test_a_plan_that_is_done_has_nothing_ahead(home: Home) -> None:
    """When all is merged the end is now."""
    story = Story(home, plan_of(t1=()))
    story.start()
    story.merge("1.1")
    found = told(story)

    assert (found.left, found.p50, found.p90, found.band, found.by_task) == (0, 0, 0, (), {})


def test_the_real_end_lies_below_the_marks_about_as_often_as_they_say() -> None:
    """On simulated plans, forecast when a quarter is merged, the marks hold roughly; the benchmark shows it finely."""
    below = [0, 0, 0]
    for number in range(40):
        random = Random(number)
        plan = made(random)
        spans = executed(plan, lived(plan, WORLDS[0], random))
        found = marks(plan, spans, 0.25, number, samples=60)
        below = [
            count + (max(end for _, end in spans.values()) <= mark) for count, mark in zip(below, found, strict=True)
        ]

    assert 12 <= below[0] <= 28
    assert 22 <= below[1] <= 36
    assert 30 <= below[2] <= 40
