"""The schedule: what starts, in which order, what an end sets free or blocks, and why the rest waits."""

import random
import time
from collections.abc import Collection, Iterable

import pytest

from orchestrator import plan as plans
from orchestrator.errors import InputError
from orchestrator.models import BuildTask, Component, Phase, Plan, Policy, RosterEntry
from orchestrator.schedule import Schedule, missing, remaining
from orchestrator.settings import BUNDLED_PLAN

BUNDLED = plans.load(BUNDLED_PLAN)


def plan_of(*tasks: tuple[str, str, int, str]) -> Plan:
    """Return a plan of tasks given as id, agent, effort and deps (words); a component is a phase."""
    steps = [
        BuildTask(
            id=task_id,
            phase=int(task_id.partition(".")[0]),
            component=int(task_id.partition(".")[0]),
            component_name="c",
            title=task_id,
            agent=agent,
            kind="code",
            effort=effort,
            deps=tuple(deps.split()),
            accept=("works",),
        )
        for task_id, agent, effort, deps in tasks
    ]
    numbers = sorted({step.phase for step in steps})
    return Plan(
        version=1,
        phases=tuple(Phase(number=n, name="p", tasks=sum(s.phase == n for s in steps)) for n in numbers),
        components=tuple(Component(number=n, name="c", phase=n) for n in numbers),
        agents=tuple(RosterEntry(id=a, label=a, category="c") for a in sorted({s.agent for s in steps})),
        policy=Policy(
            planning_approver="a",
            design_final_say="a",
            implementation_veto="a",
            release_block="a",
            deadlock="a",
            integration="a",
        ),
        tasks=tuple(steps),
    )


def schedule_of(plan: Plan, done: Collection[str] = (), slots: int = 4, *, barrier: bool = False) -> Schedule:
    """Return the schedule of a whole plan."""
    return Schedule(plan, [task.id for task in plan.tasks], done, slots, barrier=barrier)


def ids(tasks: Iterable[BuildTask]) -> list[str]:
    """Return the ids of tasks, in their order."""
    return [task.id for task in tasks]


DIAMOND = plan_of(("1.1", "a", 1, ""), ("1.2", "b", 1, "1.1"), ("1.3", "c", 3, "1.1"), ("1.4", "d", 2, "1.2 1.3"))
WIDE = plan_of(
    ("1.1", "a", 1, ""),
    ("1.2", "a", 3, ""),
    ("1.3", "b", 1, ""),
    ("1.4", "c", 1, ""),
    ("2.1", "d", 2, "1.4"),
    ("2.2", "e", 1, ""),
)


def test_the_remaining_path_is_the_longest_one() -> None:
    """A task's remaining path counts its own effort and the longest way on."""
    assert remaining(DIAMOND, ["1.1", "1.2", "1.3", "1.4"]) == {"1.1": 6, "1.2": 3, "1.3": 5, "1.4": 2}


def test_the_remaining_path_stays_in_the_selection() -> None:
    """What is not selected makes no path longer."""
    assert remaining(DIAMOND, ["1.1", "1.2"]) == {"1.1": 2, "1.2": 1}


def test_the_longest_path_goes_first() -> None:
    """Ready tasks come by their longest remaining path; a tie goes by the plan's order; one for each agent."""
    schedule = schedule_of(WIDE, slots=10)

    assert ids(schedule.ready()) == ["1.2", "1.4", "1.3", "2.2"]


def test_slots_bound_what_is_ready() -> None:
    """No more tasks are ready than there are free slots, counting those that run."""
    schedule = schedule_of(WIDE, slots=2)
    at_first = ids(schedule.ready())
    schedule.start("1.2")

    assert at_first == ["1.2", "1.4"]
    assert ids(schedule.ready()) == ["1.4"]


def test_an_agent_does_one_task_at_a_time() -> None:
    """The second task of an agent waits for the first, however many slots are free."""
    schedule = schedule_of(WIDE, slots=10)
    schedule.start("1.2")
    while_busy = ids(schedule.ready())
    schedule.finish("1.2", merged=True)

    assert "1.1" not in while_busy
    assert "1.1" in ids(schedule.ready())


def test_a_merge_sets_free_what_waited_for_it_alone() -> None:
    """`finish` names the tasks that no longer wait for another, and only those."""
    schedule = schedule_of(DIAMOND)
    schedule.start("1.1")
    first = schedule.finish("1.1", merged=True)
    schedule.start("1.2")
    second = schedule.finish("1.2", merged=True)
    schedule.start("1.3")
    third = schedule.finish("1.3", merged=True)

    assert (first, second, third) == (("1.2", "1.3"), (), ("1.4",))


def test_a_failure_blocks_all_that_depends_on_it_and_nothing_else() -> None:
    """`finish` names the transitive dependents of a failed task; the rest goes on to the end."""
    plan = plan_of(("1.1", "a", 1, ""), ("1.2", "b", 1, "1.1"), ("1.3", "c", 1, "1.2"), ("1.4", "d", 1, ""))
    schedule = schedule_of(plan)
    schedule.start("1.1")
    schedule.start("1.4")

    blocked = schedule.finish("1.1", merged=False)

    assert blocked == ("1.2", "1.3")
    assert not schedule.is_over
    assert schedule.finish("1.4", merged=True) == ()
    assert schedule.is_over
    assert schedule.ready() == []


def test_a_task_is_blocked_once() -> None:
    """Of two failures, the first that blocks a task is the one it is told by."""
    schedule = schedule_of(DIAMOND, done=["1.1"])
    schedule.start("1.2")
    schedule.start("1.3")

    assert schedule.finish("1.2", merged=False) == ("1.4",)
    assert schedule.finish("1.3", merged=False) == ()
    assert schedule.waiting() == {"1.4": "waits for 1.2, which failed"}
    assert schedule.is_over


def test_what_is_merged_already_is_not_done_again() -> None:
    """Done tasks are over from the start, and what waited for them is ready."""
    schedule = schedule_of(DIAMOND, done=["1.1", "1.2"])

    assert ids(schedule.ready()) == ["1.3"]
    assert set(schedule.waiting()) == {"1.3", "1.4"}


def test_nothing_left_is_over_at_once() -> None:
    """A selection that is merged already is over before anything starts."""
    schedule = schedule_of(DIAMOND, done=["1.1", "1.2", "1.3", "1.4"])

    assert schedule.is_over
    assert (schedule.ready(), schedule.waiting()) == ([], {})


def soft(plan: Plan, task_id: str, *after: str) -> Plan:
    """Return the plan with one task that comes softly after others."""
    tasks = tuple(task.model_copy(update={"after": after}) if task.id == task_id else task for task in plan.tasks)
    return plan.model_copy(update={"tasks": tasks})


LOOSE = soft(plan_of(("1.1", "a", 1, ""), ("1.2", "b", 1, "1.1"), ("1.3", "c", 1, "")), "1.3", "1.2")


@pytest.mark.parametrize("fails", ["1.1", "1.2", ""], ids=["blocked", "failed", "merged"])
def test_what_only_comes_after_waits_for_any_end(fails: str) -> None:
    """A soft dependency is waited for; however it ends, the task that comes after it may then start."""
    schedule = schedule_of(LOOSE)
    seen = [schedule.waiting()["1.3"]]
    for task_id in ("1.1", "1.2"):
        if task_id in ids(schedule.ready()):
            schedule.start(task_id)
            seen.append(schedule.waiting()["1.3"])
            schedule.finish(task_id, merged=task_id != fails)

    assert seen[0] == "waits for 1.2 (soft)"
    assert fails == "1.1" or seen[-1] == "waits for 1.2 (soft, running)"
    assert ids(schedule.ready()) == ["1.3"]


def test_what_comes_after_what_is_not_selected_waits_for_nothing() -> None:
    """A soft dependency outside the selection, or merged before, holds nothing back."""
    assert ids(Schedule(LOOSE, ["1.3"], [], 4).ready()) == ["1.3"]
    assert ids(schedule_of(LOOSE, done=["1.1", "1.2"]).ready()) == ["1.3"]


PAIR = plan_of(("1.1", "a", 1, ""), ("1.2", "b", 1, ""), ("1.3", "c", 1, "1.1"))


@pytest.mark.parametrize("merged", [True, False], ids=["merged", "failed"])
def test_a_deferred_task_gives_its_slot_back_until_the_other_has_ended(merged: bool) -> None:
    """Its agent and slot are free meanwhile, the reason is told, and any end of the other lets it start again."""
    schedule = schedule_of(PAIR)
    schedule.start("1.1")
    schedule.start("1.2")
    circle = schedule.defer("1.1", "1.2")
    meanwhile = (ids(schedule.ready()), schedule.waiting()["1.1"], list(schedule.running))
    schedule.finish("1.2", merged=merged)

    assert circle == ()
    assert meanwhile == ([], "its verdicts wait for 1.2", ["1.2"])
    assert ids(schedule.ready()) == ["1.1"]


@pytest.mark.parametrize(
    ("waits", "circle"),
    [([("1.1", "1.3")], ("1.1", "1.3")), ([("1.1", "1.2"), ("1.2", "1.3")], ("1.2", "1.3", "1.1"))],
    ids=["a task that depends on it", "through another and a dependency"],
)
def test_a_circle_of_waits_is_told_at_once(waits: list[tuple[str, str]], circle: tuple[str, ...]) -> None:
    """Verdicts that wait for what itself waits for them are a circle, dependencies included, and can be broken."""
    schedule = schedule_of(PAIR)
    schedule.start("1.1")
    schedule.start("1.2")
    found = [schedule.defer(task_id, on) for task_id, on in waits][-1]
    schedule.go_on(circle[0])

    assert found == circle
    assert circle[0] in ids(schedule.ready())


def test_waiting_for_what_has_ended_is_no_wait() -> None:
    """A task that is deferred for one that ended a moment ago may start again at once."""
    schedule = schedule_of(PAIR)
    schedule.start("1.1")
    schedule.start("1.2")
    schedule.finish("1.2", merged=True)
    schedule.defer("1.1", "1.2")

    assert ids(schedule.ready()) == ["1.1"]


def test_a_held_schedule_starts_nothing_more() -> None:
    """What runs goes on to its end, the rest says why it waits, and the first reason stands."""
    schedule = schedule_of(PAIR, slots=1)
    schedule.start("1.1")
    schedule.hold("the disk is broken")
    schedule.hold("something else")
    schedule.finish("1.1", merged=True)

    assert schedule.ready() == []
    assert schedule.has_unstarted
    assert set(schedule.waiting().values()) == {"the run is paused: the disk is broken"}


@pytest.mark.parametrize("task_id", ["1.4", "1.2", "9.9"], ids=["waiting", "agent busy", "unknown"])
def test_only_what_is_ready_may_start(task_id: str) -> None:
    """Starting a task that waits, whose agent is busy, or that is not selected is refused."""
    plan = plan_of(("1.1", "a", 2, ""), ("1.2", "a", 1, ""), ("1.4", "d", 1, "1.1"))
    schedule = schedule_of(plan)
    schedule.start("1.1")

    with pytest.raises(ValueError, match="may not start now"):
        schedule.start(task_id)


def test_a_barrier_holds_back_later_phases() -> None:
    """With a barrier a phase begins when all of the earlier one have ended, failed and blocked ones too."""
    schedule = schedule_of(WIDE, slots=10, barrier=True)
    first = ids(schedule.ready())
    for task_id in first:
        schedule.start(task_id)
    reason = schedule.waiting()["2.2"]
    for task_id in first:
        schedule.finish(task_id, merged=task_id != "1.4")
    schedule.start("1.1")
    still_held = ids(schedule.ready())
    schedule.finish("1.1", merged=True)

    assert first == ["1.2", "1.4", "1.3"]
    assert reason == "waits for the end of phase 1 (4 left)"
    assert still_held == []
    assert ids(schedule.ready()) == ["2.2"]


def test_every_unfinished_task_has_one_reason_in_words() -> None:
    """A task that has not ended says what it waits for: a dependency, a failure, an agent, a slot."""
    plan = plan_of(
        ("1.1", "a", 3, ""),
        ("1.2", "b", 1, "1.1"),
        ("1.3", "c", 1, "1.2 1.1"),
        ("1.4", "d", 1, ""),
        ("1.5", "e", 1, "1.4"),
        ("1.6", "a", 1, ""),
        ("1.7", "f", 1, ""),
        ("1.8", "f", 1, ""),
        ("1.9", "g", 1, ""),
    )
    schedule = schedule_of(plan, slots=2)
    schedule.start("1.1")
    schedule.start("1.4")
    schedule.finish("1.4", merged=False)

    assert schedule.waiting() == {
        "1.1": "running",
        "1.2": "waits for 1.1 (running)",
        "1.3": "waits for 1.1 (running) and 1.2",
        "1.5": "waits for 1.4, which failed",
        "1.6": "agent a is busy with 1.1",
        "1.7": "starts next",
        "1.8": "agent f takes 1.7 first",
        "1.9": "tasks on a longer path take the free slots first",
    }


@pytest.mark.parametrize(("slots", "reason"), [(1, "the one slot is busy"), (2, "all 2 slots are busy")])
def test_full_slots_are_a_reason(slots: int, reason: str) -> None:
    """A task that could run but for the slots says how many are busy."""
    schedule = schedule_of(WIDE, slots=slots)
    for task in schedule.ready():
        schedule.start(task.id)

    assert schedule.waiting()["2.2"] == reason


def test_a_selection_that_lacks_something_is_told() -> None:
    """A dependency that is neither selected nor done is named, and the selection does not run."""
    assert missing(DIAMOND, ["1.2", "1.4"], []) == {"1.2": ("1.1",), "1.4": ("1.3",)}
    assert missing(DIAMOND, ["1.2", "1.4"], ["1.1", "1.3"]) == {}
    assert missing(DIAMOND, ["1.4"], ["1.4"]) == {}
    with pytest.raises(InputError, match=r"cannot run: 1\.2 needs 1\.1; 1\.4 needs 1\.3; select those too"):
        Schedule(DIAMOND, ["1.2", "1.4"], [], 4)


def test_no_slots_are_refused() -> None:
    """A schedule that could never start anything is not made."""
    with pytest.raises(InputError, match="0 slots run nothing; give at least 1"):
        schedule_of(DIAMOND, slots=0)


def test_an_unknown_task_is_told() -> None:
    """A selection of a task that the plan does not have ends in one line."""
    with pytest.raises(InputError, match=r"there is no task `7\.7`"):
        Schedule(DIAMOND, ["7.7"], [], 4)


@pytest.mark.parametrize("barrier", [False, True], ids=["free", "barrier"])
@pytest.mark.parametrize("seed", range(5))
def test_any_course_of_the_bundled_plan_keeps_the_rules(seed: int, barrier: bool) -> None:
    """However tasks end, none starts early, no agent or slot is taken twice, and it comes to an end."""
    chance = random.Random(seed)
    schedule = schedule_of(BUNDLED, slots=6, barrier=barrier)
    merged: set[str] = set()
    failed: set[str] = set()
    blocked: set[str] = set()
    while not schedule.is_over:
        for task in schedule.ready():
            assert set(task.deps) <= merged
            assert task.agent not in {other.agent for other in schedule.running.values()}
            schedule.start(task.id)
        assert 0 < len(schedule.running) <= 6
        assert set(schedule.waiting()) == {task.id for task in BUNDLED.tasks} - merged - failed
        ended = chance.choice(sorted(schedule.running))
        if chance.random() < 0.97:
            schedule.finish(ended, merged=True)
            merged.add(ended)
        else:
            failed.add(ended)
            blocked |= set(schedule.finish(ended, merged=False))

    assert merged | failed | blocked == {task.id for task in BUNDLED.tasks}
    assert blocked == plans.dependents(BUNDLED, failed)


def test_a_paused_task_gives_its_agent_and_slot_back() -> None:
    """What waits for something outside holds up nobody but its dependents, and starts again once it is resumed."""
    schedule = schedule_of(WIDE, slots=1)
    schedule.start("1.2")
    schedule.pause("1.2", "waits for a word")

    assert schedule.waiting()["1.2"] == "waits for a word"
    assert "1.2" not in ids(schedule.ready())
    assert not schedule.is_over
    schedule.start(ids(schedule.ready())[0])
    schedule.finish(next(iter(schedule.running)), merged=True)
    schedule.resume("1.2")
    schedule.resume("1.2")
    assert ids(schedule.ready()) == ["1.2"]
    schedule.start("1.2")
    assert schedule.waiting()["1.2"] == "running"


def test_a_thousand_tasks_are_no_burden() -> None:
    """A thousand tasks are scheduled to the end, with every reason asked for at each step, in a few seconds of CPU."""
    chance = random.Random(1)
    tasks = [("1.1", "agent-1", 1, "")]
    for n in range(2, 1001):
        deps = {f"1.{chance.randrange(1, n)}" for _ in range(2)}
        tasks.append((f"1.{n}", f"agent-{n % 26}", n % 3 + 1, " ".join(deps)))
    plan = plan_of(*tasks)
    start = time.process_time()
    schedule = schedule_of(plan, slots=8)
    while not schedule.is_over:
        for task in schedule.ready():
            schedule.start(task.id)
        schedule.waiting()
        schedule.finish(next(iter(schedule.running)), merged=True)

    assert time.process_time() - start < 5
