"""Where every task stands, read from a real journal and a real lock, and the one reason why each waits."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator import standing
from orchestrator.errors import InputError
from orchestrator.home import Home, exclusive, write_json
from orchestrator.journal import Journal
from orchestrator.models import BuildTask, Component, Event, GateCommand, Phase, Plan, Policy, RosterEntry
from orchestrator.models.value import now
from orchestrator.plan import digest

KEY = "ab" * 32


def plan_of(**deps: Sequence[str]) -> Plan:
    """Return a plan of tasks `t1` to `t9` (ids 1.1 to 1.9), each by an agent of its own unless it is t8 or t9."""
    tasks = tuple(
        BuildTask(
            id=f"1.{name[1:]}",
            phase=1,
            component=1,
            component_name="c",
            title=name,
            agent="agent-x" if name in {"t8", "t9"} else f"agent-{name[1:]}",
            kind="code",
            effort=1,
            deps=tuple(f"1.{dep[1:]}" for dep in waits),
            accept=("works",),
        )
        for name, waits in deps.items()
    )
    powers = (
        "planning_approver",
        "design_final_say",
        "implementation_veto",
        "release_block",
        "deadlock",
        "integration",
    )
    return Plan(
        version=1,
        name="small",
        phases=(Phase(number=1, name="Only", tasks=len(tasks)),),
        components=(Component(number=1, name="c", phase=1),),
        agents=tuple(RosterEntry(id=name, label=name, category="c") for name in sorted({t.agent for t in tasks})),
        policy=Policy.model_validate(dict.fromkeys(powers, "agent-1")),
        gates={"code": (GateCommand(name="tests", run=("true",)),)},
        tasks=tasks,
    )


class Story:
    """Write the project journal of one home, as runs do."""

    def __init__(self, home: Home, plan: Plan, run: str = "r1", ago: timedelta = timedelta()) -> None:
        self.home, self.plan, self.run, self.ago = home, plan, run, ago
        self.count = 0

    def tell(self, kind: str, task: str | None = None, agent: str = "agent-1", **data: Any) -> None:
        """Add one event."""
        self.count += 1
        about = {"task": task, "key": KEY, "agent": agent} if task else {}
        time = now() - self.ago
        event = Event.model_validate(
            {"id": f"{self.run}/{self.count}", "time": time, "kind": kind, "run": self.run, "data": data, **about}
        )
        journal = Journal(self.home.metrics)
        journal.append(event.model_dump(mode="json", exclude_none=True))
        journal.close()

    def start(self, tasks: Sequence[str] = (), merged: Sequence[str] = (), slots: int = 4, **more: Any) -> None:
        """Begin a run of these tasks, or of the whole plan."""
        chosen = list(tasks) or [task.id for task in self.plan.tasks]
        data: dict[str, Any] = {"command": "build", "model": "playbook", "sandbox": "bubblewrap", "slots": slots}
        data |= {"plan": digest(self.plan), "tasks": chosen, "merged": list(merged)}
        self.tell("run_started", **(data | more))

    def work(self, task: str, agent: str = "agent-1") -> None:
        """Begin a session of work on a task."""
        self.tell("session_started", task, agent, role="work", round=1)

    def merge(self, task: str) -> None:
        """End a task with a merge."""
        self.tell("merged", task, commit="c0ffee" * 6, lines_added=1, lines_removed=0)
        self.tell("outcome", task, status="merged", reason="merged", attempts=1)

    def fail(self, task: str, reason: str = "agent-1: the gate is red") -> None:
        """End a task without one."""
        self.tell("outcome", task, status="failed", reason=reason, attempts=1)

    def end(self, status: str = "failed", reason: str = "not merged: 1.1") -> None:
        """End the run."""
        self.tell("run_ended", status=status, reason=reason, seconds=1.0)

    def board(self) -> dict[str, tuple[str, str]]:
        """Return state and reason of every task."""
        return {item.task: (item.state, item.reason) for item in standing.read(self.home, self.plan).tasks}


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
        ("verdict", {"decision": "approve"}, "its reviews are awaited"),
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
            "1.1": ("waiting", "its verdicts wait for 1.2"),
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
        standing.project(home)

    write_json(home.project_file, {"project": str(tmp_path)})
    assert standing.project(home) == {"project": str(tmp_path)}
