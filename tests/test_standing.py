"""Where every task stands, read from a real journal and a real lock, and the one reason why each waits."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import InputError
from orchestrator.home import Home, exclusive, project_record, write_json
from orchestrator.status import standing
from tests.story import Story, plan_of


@pytest.fixture
def story(home: Home) -> Story:
    """Begin with t2 after t1, t3 after t2, and t4 alone."""
    return Story(home, plan_of(t1=(), t2=("t1",), t3=("t2",), t4=()))


def test_a_fresh_home_says_what_is_ready(story: Story) -> None:
    """Before the first run every task says what it waits for, and those that wait for nothing are ready."""
    board = standing.read(story.home, story.plan)

    assert board.last_run is None
    assert board.held_by is None
    assert not board.is_other_plan
    assert story.board() == {
        "1.1": ("waiting", "ready to start"),
        "1.2": ("waiting", "waits for 1.1"),
        "1.3": ("waiting", "waits for 1.2"),
        "1.4": ("waiting", "ready to start"),
    }


def test_a_running_build_says_who_does_what(story: Story) -> None:
    """Beside a running build each task says who works on it, or which running task it waits for."""
    with exclusive(story.home, "build"):
        story.start()
        story.work("1.1")
        story.tell("turn", "1.1", role="work", round=1, turn=3, tools=["bash"])
        board = standing.read(story.home, story.plan)
        seen = story.board()

    assert board.last_run is not None
    assert (board.last_run.command, board.last_run.ending) == ("build", "running")
    assert board.held_by is not None
    assert seen == {
        "1.1": ("running", "agent-1 works, round 1, turn 3"),
        "1.2": ("waiting", "waits for 1.1 (running)"),
        "1.3": ("waiting", "waits for 1.2"),
        "1.4": ("waiting", "starts next"),
    }


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("session_started", {"role": "review", "round": 2}, "agent-1 reviews, round 2"),
        ("answer", {}, "its answer is checked"),
        ("check", {"name": "tests", "stage": "answer", "problem": None}, "its answer is checked"),
        ("check", {"name": "tests", "stage": "answer", "problem": "x"}, "the check tests is red"),
        ("check", {"name": "tests", "stage": "merged", "problem": None}, "the merge of its answer is checked"),
        ("verdict", {"decision": "approve"}, "its reviews are in"),
        ("ruling", {"decision": "approve"}, "its answer is merged"),
        ("ruling", {"decision": "revise"}, "goes back to its agent for another round"),
        ("approval_requested", {"by": "agent-2"}, "waits for the approval of agent-2"),
        ("approval", {"by": "user", "decision": "approve"}, "its answer is merged"),
        ("approval", {"by": "agent-2", "decision": "reject"}, "goes back to its agent for another round"),
        ("conflict", {"files": ["a"]}, "goes back to its agent to resolve a conflict"),
        ("reassigned", {"to": "agent-2"}, "goes on to agent-2"),
        ("message", {}, "agent-1 works, round 1"),
    ],
)
def test_what_a_task_does_is_told_by_its_newest_event(
    story: Story, kind: str, data: dict[str, Any], words: str
) -> None:
    """A running task says in words what its newest event means; an event that says nothing leaves what was said."""
    with exclusive(story.home, "build"):
        story.start()
        story.work("1.1")
        story.tell(kind, "1.1", **data)

        state, reason = story.board()["1.1"]

    assert state == "running"
    assert words in reason


def test_a_busy_agent_and_full_slots_are_reasons(home: Home) -> None:
    """A task whose dependencies are merged says which task keeps its agent busy, or that all slots are taken."""
    story = Story(home, plan_of(t1=(), t8=(), t9=()))
    with exclusive(home, "build"):
        story.start(slots=2)
        story.work("1.8", "agent-x")
        one_busy = story.board()
        story.work("1.1")
        all_busy = story.board()

    assert one_busy["1.9"] == ("waiting", "agent agent-x is busy with 1.8")
    assert all_busy["1.9"] == ("waiting", "agent agent-x is busy with 1.8")
    assert one_busy["1.1"] == ("waiting", "starts next")


def test_a_task_that_waits_for_the_user_keeps_neither_agent_nor_slot(home: Home) -> None:
    """It says how to approve it, and what else its agent could do starts meanwhile; after the word it goes on."""
    story = Story(home, plan_of(t8=(), t9=()))
    with exclusive(home, "build"):
        story.start(slots=1)
        story.work("1.8", "agent-x")
        story.tell("approval_requested", "1.8", by="user")
        waits = story.board()
        story.work("1.9", "agent-x")
        busy = story.board()
        story.tell("approval", "1.8", by="user", decision="approve")
        story.merge("1.9")
        goes_on = story.board()

    told = "waits for your approval: `mbo approve 1.8`, or `mbo reject 1.8 --reason …`"
    assert waits["1.8"] == busy["1.8"] == ("waiting", told)
    assert waits["1.9"] == ("waiting", "starts next")
    assert busy["1.9"] == ("running", "agent-x works, round 1")
    assert goes_on["1.8"] == ("running", "its answer is merged")


def test_a_deferred_task_and_a_paused_run_are_reasons(home: Home) -> None:
    """A task whose verdicts wait says for which, and what a paused run has not started says why it pauses."""
    story = Story(home, plan_of(t1=(), t2=(), t3=()))
    with exclusive(home, "build"):
        story.start(slots=2)
        story.work("1.1")
        story.work("1.2", "agent-2")
        story.tell("deferred", "1.1", on="1.2", reason="1.2 first", attempt=1, round=1)
        story.tell("breaker", failure="gate", tasks=["1.8"], reason="too many red gates")

        assert story.board() == {
            "1.1": ("waiting", "waits for 1.2: its reviewer wants that first"),
            "1.2": ("running", "agent-2 works, round 1"),
            "1.3": ("waiting", "the run is paused: too many red gates"),
        }


def test_what_a_run_leaves_out_is_said(story: Story) -> None:
    """Beside a run of some tasks, a task that could start says that it is not part of it."""
    with exclusive(story.home, "execute 1.1"):
        story.start(["1.1"])
        story.work("1.1")

        assert story.board()["1.4"] == ("waiting", "not part of this run")


def test_a_failure_is_told_with_all_that_it_holds_up(story: Story) -> None:
    """After a failure the task says why it failed, and everything behind it names that task, near or far."""
    story.start()
    story.work("1.1")
    story.fail("1.1", "agent-1: the gate is red")
    story.end()

    board = story.board()
    assert board["1.1"] == ("failed", "agent-1: the gate is red")
    assert board["1.2"] == ("waiting", "waits for 1.1, which failed")
    assert board["1.3"] == ("waiting", "waits for 1.1, which failed")
    assert board["1.4"] == ("waiting", "ready to start")


def test_a_failed_task_that_a_later_run_takes_up_waits_again(story: Story) -> None:
    """A task that failed before is no failure while a later run is still to try it."""
    story.start()
    story.fail("1.1")
    story.end()
    later = Story(story.home, story.plan, "r2")
    with exclusive(story.home, "build"):
        later.start()

        assert later.board()["1.1"] == ("waiting", "starts next")


def test_the_last_end_of_a_task_counts(story: Story) -> None:
    """A task that failed and then merged is merged; one that merged and then failed in a changed form has failed."""
    story.start()
    story.fail("1.1")
    story.merge("1.1")
    story.merge("1.4")
    story.fail("1.4", "agent-4: no")
    story.end()

    board = story.board()
    assert board["1.1"] == ("merged", "merged as c0ffeec0ffee")
    assert board["1.4"] == ("failed", "agent-4: no")


def test_a_killed_run_is_known_from_a_running_one(story: Story) -> None:
    """A run whose process is gone without a word was cut off, and what it had begun goes on in the next one."""
    story.start()
    story.work("1.1")

    board = standing.read(story.home, story.plan)
    assert board.last_run is not None
    assert board.last_run.ending == "cut off"
    assert story.board()["1.1"] == ("waiting", "begun; the next run goes on with it")


def test_a_new_process_is_not_taken_for_the_run_that_was_killed(story: Story) -> None:
    """Once another process holds the home, the run that was killed before it still counts as cut off."""
    story.ago = timedelta(minutes=1)
    story.start()
    story.work("1.1")
    with exclusive(story.home, "build"):
        board = standing.read(story.home, story.plan)

    assert board.last_run is not None
    assert board.last_run.ending == "cut off"
    assert board.count("running") == 0


STUCK = {"agents": ["agent-1", "agent-2"], "reason": "x", "attempt": 1, "round": 1}
WAITS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "approval": (
        "approval_requested",
        {"by": "agent-2"},
        "running",
        "waits for the approval of agent-2",
    ),
    "user": (
        "approval_requested",
        {"by": "user"},
        "waiting",
        "waits for your approval: `mbo approve 1.1`, or `mbo reject 1.1 --reason …`",
    ),
    "deferral": (
        "deferred",
        {"on": "1.4", "reason": "x"},
        "waiting",
        "waits for 1.4: its reviewer wants that first",
    ),
    "rounds": (
        "deadlock",
        {"cause": "rounds", "tasks": ["1.1"], **STUCK},
        "running",
        "waits for the decision of agent-1: its review rounds are used up",
    ),
    "verdicts": (
        "deadlock",
        {"cause": "verdicts", "tasks": ["1.1", "1.4"], **STUCK},
        "running",
        "waits for the decision of agent-1: the verdicts on 1.1 and 1.4 wait for each other",
    ),
    "requests": (
        "deadlock",
        {"cause": "requests", "tasks": ["1.1", "1.4"], **STUCK},
        "running",
        "waits for the decision of agent-1: the requests of agent-1 and agent-2 wait for each other's answers",
    ),
}
AFTERWARDS: dict[str, tuple[str, dict[str, Any]]] = {
    "approval": ("approval", {"by": "agent-2", "decision": "approve", "reason": "x"}),
    "user": ("approval", {"by": "user", "decision": "approve", "reason": "x"}),
    "deferral": ("ruling", {"decision": "approve"}),
    "rounds": ("resolution", {"decision": "accept", "cause": "rounds"}),
    "verdicts": ("resolution", {"decision": "accept", "cause": "verdicts"}),
    "requests": ("resolution", {"decision": "accept", "cause": "requests"}),
}


@pytest.mark.parametrize("wait", WAITS)
def test_who_is_to_act_is_the_reason_until_that_is_over(story: Story, wait: str) -> None:
    """A task that waits for a word, a decision or another's end says so, during the run and after, until it is over."""
    kind, data, state, reason = WAITS[wait]
    with exclusive(story.home, "build"):
        story.start()
        story.work("1.1")
        story.tell(kind, "1.1", **data)
        during = story.board()["1.1"]
    between = story.board()["1.1"]
    story.tell(AFTERWARDS[wait][0], "1.1", **AFTERWARDS[wait][1])
    afterwards = story.board()["1.1"]

    assert during == (state, reason)
    assert between == ("waiting", reason)
    assert afterwards == ("waiting", "begun; the next run goes on with it")


def test_a_deferred_task_goes_on_once_the_other_has_ended(story: Story) -> None:
    """What a task was put back for is no reason any more when that has ended."""
    story.start()
    story.work("1.1")
    story.tell("deferred", "1.1", on="1.4", reason="x")
    story.merge("1.4")

    assert story.board()["1.1"] == ("waiting", "begun; the next run goes on with it")


def test_a_paused_run_is_the_reason_of_what_could_start(story: Story) -> None:
    """After a run that paused, what it was to do says why it paused; what waits for another task says that."""
    story.start(["1.1", "1.2"])
    story.end("paused", "the sandbox is broken")

    board = story.board()
    assert board["1.1"] == ("waiting", "the run is paused: the sandbox is broken; the same command goes on")
    assert board["1.2"] == ("waiting", "waits for 1.1")
    assert board["1.4"] == ("waiting", "ready to start")


def test_a_held_release_says_who_holds_it_and_what_lifts_it(home: Home) -> None:
    """A release that could start but for a hold says so, and what is behind it names it; lifted, both are as before."""
    story = Story(home, plan_of({"release_gates": ("1.2",)}, t1=(), t2=("t1",), t3=("t2",)))
    lifting = "a later review in which agent-2 approves, or by `mbo waive --component 3 --reason …`"
    told = f"release is held: component 3 is vetoed by agent-2: no; lifted by {lifting}"
    story.start()
    story.tell("verdict", "component-3", "agent-2", decision="veto", summary="no", session={"round": 1})
    before = story.board()
    story.merge("1.1")
    held = story.board()
    story.tell("verdict", "component-3", "agent-2", decision="approve", summary="yes", session={"round": 2})

    assert before["1.2"] == ("waiting", "waits for 1.1")
    assert held["1.2"] == ("waiting", told)
    assert held["1.3"] == ("waiting", "waits for 1.2, whose release is held")
    assert story.board()["1.2"] == ("waiting", "ready to start")


def test_a_soft_dependency_is_waited_for_until_it_has_ended(story: Story) -> None:
    """A task waits for what it only comes after, and says that this is soft; a failure there lets it go on."""
    tasks = (story.plan.tasks[0].model_copy(update={"after": ("1.4",)}), *story.plan.tasks[1:])
    story.plan = story.plan.model_copy(update={"tasks": tasks})
    before = story.board()["1.1"]
    story.start()
    story.fail("1.4")
    story.end()

    assert before == ("waiting", "waits for 1.4 (soft)")
    assert story.board()["1.1"] == ("waiting", "ready to start")


@pytest.mark.parametrize(("status", "reason"), [("succeeded", ""), ("stopped", "ended from outside")])
def test_how_the_last_run_ended_is_told(story: Story, status: str, reason: str) -> None:
    """A run that ended says how, and is not shown as running."""
    story.start(model="playbook", sandbox="none")
    story.end(status, reason)

    last = standing.read(story.home, story.plan).last_run
    assert last is not None
    assert (last.ending, last.reason, last.sandbox) == (status, reason, "none")


def test_another_plan_than_that_of_the_last_run_is_said(story: Story) -> None:
    """When the plan is not the one that the newest run ran, the board says so and still explains every task."""
    story.start()
    story.merge("1.1")
    story.end("succeeded", "")
    changed = plan_of(t1=(), t2=("t1",), t5=("t2",))

    board = standing.read(story.home, changed)
    assert board.is_other_plan
    assert {item.task: item.reason for item in board.tasks} == {
        "1.1": "merged as c0ffeec0ffee",
        "1.2": "ready to start",
        "1.5": "waits for 1.2",
    }


def test_a_running_build_of_another_plan_is_still_explained(story: Story) -> None:
    """Beside a run of another form of the plan no task is left without a reason."""
    changed = plan_of(t1=(), t2=("t1",), t5=("t2",))
    with exclusive(story.home, "build"):
        story.start()
        story.work("1.1")
        board = standing.read(story.home, changed)

    assert [(item.task, item.state) for item in board.tasks] == [
        ("1.1", "running"),
        ("1.2", "waiting"),
        ("1.5", "waiting"),
    ]
    assert all(item.reason for item in board.tasks)


def test_a_place_without_a_project_is_refused_with_the_way_to_make_one(home: Home, tmp_path: Path) -> None:
    """A home in which nothing was set up says which command sets it up; one that was tells its project."""
    with pytest.raises(InputError, match="no project here yet; run `mbo init --project-path DIR --home "):
        project_record(home)

    write_json(home.project_file, {"project": str(tmp_path)})
    assert project_record(home) == {"project": str(tmp_path)}
