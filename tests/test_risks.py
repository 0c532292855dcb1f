"""What the status derives from the journal beside the tasks' reasons: sessions, risks, blockers and the timeline."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.home import Home, exclusive
from orchestrator.models import Plan
from orchestrator.models.value import now
from orchestrator.status import awaited, gating, sessions, standing
from orchestrator.status.blockers import blockers
from orchestrator.status.critical import path
from orchestrator.status.risks import Risk, risks
from orchestrator.status.timeline import timeline
from tests.story import Story, plan_of


@pytest.fixture
def story(home: Home) -> Story:
    """Begin with t2 and t3 after t1, and t4 alone."""
    return Story(home, plan_of(t1=(), t2=("t1",), t3=("t2",), t4=()))


def found(story: Story) -> list[Risk]:
    """Return the risks of a story now."""
    return list(risks(story.plan, story.events(), standing.read(story.home, story.plan), now()))


def session(role: str, agent: str, number: int = 1) -> dict[str, Any]:
    """Return what an event of a session says of it."""
    name = f"work-1.{number}" if role == "work" else f"review-1.{number}-{agent}"
    return {"role": role, "attempt": 1, "round": number, "cause": "start", "session": name}


def under_way(story: Story) -> list[tuple[str, str, str]]:
    """Return who is in a session for what and does what."""
    board = standing.read(story.home, story.plan)
    return [(item.task, item.agent, item.doing) for item in sessions.active(story.events(), board)]


def test_who_is_in_a_session_does_what_since_when(story: Story) -> None:
    """A session is under way from its start to its end, while its run is; of a task's earlier rounds none is."""
    with exclusive(story.home, "build"):
        story.start()
        story.tell("session_started", "1.1", "agent-1", **session("work", "agent-1"))
        story.tell("session_started", "1.1", "agent-2", **session("review", "agent-2"))
        story.tell("session_started", "1.1", "agent-1", **session("work", "agent-1", 2))
        story.tell("turn", "1.1", "agent-1", turn=3, tools=["bash"], **session("work", "agent-1", 2))
        story.tell("session_started", "1.4", "agent-4", **session("work", "agent-4"))
        story.tell("session_ended", "1.4", "agent-4", ended_by="finish", **session("work", "agent-4"))
        story.tell("session_resumed", "1.2", "agent-2", **session("review", "agent-2"))
        story.tell("verdict", "1.2", "agent-2", decision="approve")
        (found,) = sessions.active(story.events(), standing.read(story.home, story.plan))
        seen = under_way(story)
    killed = under_way(story)

    assert seen == [("1.1", "agent-1", "works, round 2, turn 3")]
    assert (found.tools, found.since) == (("bash",), story.events()[3]["time"])
    assert killed == []


def test_who_reviews_a_component_is_in_a_session(story: Story) -> None:
    """It is told while the review is under way, with the verdicts still to come, and nothing that a kill left open."""
    story.ago = timedelta(minutes=5)
    story.start(tasks=(), command="review --component c")
    story.tell("session_started", "component-1", "agent-3", **session("review", "agent-3"))
    with exclusive(story.home, "review --component 1"):
        again = Story(story.home, story.plan, "r2")
        again.start(tasks=(), command="review --component c")
        for agent in ("agent-1", "agent-2"):
            again.tell("session_started", "component-1", agent, **session("review", agent))
        again.tell("turn", "component-1", "agent-2", turn=1, tools=["bash"], **session("review", "agent-2"))
        seen = under_way(again)
        board = standing.read(story.home, story.plan)
        waiting = awaited.verdicts(story.plan, again.events(), board)
        again.tell("session_ended", "component-1", "agent-1", ended_by="verdict", **session("review", "agent-1"))
        again.tell("session_ended", "component-1", "agent-2", ended_by="verdict", **session("review", "agent-2"))
        after = awaited.verdicts(story.plan, again.events(), board)
    killed = under_way(again)

    assert seen == [
        ("component-1", "agent-1", "reviews, round 1"),
        ("component-1", "agent-2", "reviews, round 1, turn 1"),
    ]
    assert waiting == {"component-1": ("agent-1", "agent-2")}
    assert (after, killed) == ({}, [])


@pytest.mark.parametrize(("task", "level"), [("1.1", "high"), ("1.4", "low")], ids=["critical", "beside"])
def test_a_task_that_runs_too_long_is_a_risk(story: Story, task: str, level: str) -> None:
    """More than three times the usual time is a risk, a grave one on the critical path."""
    with exclusive(story.home, "build"):
        story.start()
        story.ago = timedelta(minutes=35)
        story.work(task)
        (risk,) = found(story)

    assert (risk.kind, risk.task, risk.level) == ("overdue", task, level)
    assert risk.text.startswith("runs 3.5 times as long as the usual 10 min 0 s, ")


def test_verdicts_to_come_are_a_queue(story: Story) -> None:
    """An answer with green checks waits for each of its reviewers until the verdict is in, or the answer is red."""
    tasks = (story.plan.tasks[0].model_copy(update={"reviewers": ("agent-2", "agent-4")}), *story.plan.tasks[1:])
    story.plan = story.plan.model_copy(update={"tasks": tasks})
    with exclusive(story.home, "build"):
        story.start()
        story.work("1.1")
        story.tell("answer", "1.1")
        story.tell("verdict", "1.1", "agent-2", decision="approve")
        board = standing.read(story.home, story.plan)
        waiting = awaited.verdicts(story.plan, story.events(), board)
        (risk,) = found(story)
        story.tell("check", "1.1", name="tests", stage="merged", problem="red")
        after = awaited.verdicts(story.plan, story.events(), board)

    assert waiting == {"1.1": ("agent-4",)}
    assert (risk.kind, risk.text) == ("review queue", "1 verdict is still to come: 1.1 for agent-4")
    assert after == {}


def test_a_gate_under_way_is_named(story: Story) -> None:
    """While no agent is in a session, the check that runs now is told, of the answer and of its merge."""
    gates = {"code": [{"name": name, "run": ["true"], "seconds": 9} for name in ("compile", "tests")]}
    story.plan = Plan.model_validate(story.plan.model_dump(mode="json") | {"gates": gates})

    def seen() -> list[tuple[str, bool, str]]:
        found = gating.under_way(story.plan, story.events(), standing.read(story.home, story.plan))
        return [(item.task, item.is_merge, item.check) for item in found]

    with exclusive(story.home, "build"):
        story.start()
        story.work("1.1")
        working = seen()
        story.tell("answer", "1.1")
        story.tell("check", "1.1", name="compile", stage="answer", problem=None)
        checked = seen()
        story.tell("check", "1.1", name="tests", stage="answer", problem=None)
        reviewed = seen()
        story.tell("ruling", "1.1", decision="approve", by=[], reason="fine", rule="all-approve")
        merged = seen()
        story.tell("check", "1.1", name="compile", stage="merged", problem="red")
        red = seen()

    assert (working, reviewed, red) == ([], [], [])
    assert (checked, merged) == ([("1.1", False, "tests")], [("1.1", True, "compile")])
    assert seen() == []


def test_the_reviewers_who_have_not_spoken_are_named(story: Story) -> None:
    """A task whose reviews come in says whose are still to come."""
    tasks = (story.plan.tasks[0].model_copy(update={"reviewers": ("agent-2", "agent-4")}), *story.plan.tasks[1:])
    story.plan = story.plan.model_copy(update={"tasks": tasks})
    with exclusive(story.home, "build"):
        story.start()
        story.work("1.1")
        story.tell("answer", "1.1")
        story.tell("verdict", "1.1", "agent-2", decision="approve")

        assert story.board()["1.1"] == ("running", "the review of agent-4 is awaited")


def test_what_stands_against_the_end_is_told_gravest_first(story: Story) -> None:
    """A veto, an open contradiction, rework and a paused run are risks; what was settled is none."""

    def contradict(subject: str, state: str) -> None:
        sides = [{"id": f"{subject}-{n}", "agent": f"agent-{n}", "task": "1.1", "text": str(n)} for n in (1, 2)]
        settled: dict[str, Any] = {"kept": None, "by": None, "rule": None, "reason": "they rank alike"}
        story.tell("contradiction", about="decision", subject=subject, state=state, sides=sides, **settled)

    story.start()
    story.tell("ruling", "1.1", decision="veto", by=["agent-2"], reason="agent-2: no", rule="security-veto")
    story.fail("1.1", "agent-2: no")
    story.tell("ruling", "1.4", decision="block", by=["agent-2"], reason="agent-2: no", rule="testing-block")
    story.tell("waiver", "1.4", by="user", scope="task", power="block", reason="known")
    contradict("names", "open")
    contradict("places", "open")
    contradict("places", "resolved")
    story.work("1.4")
    story.tell("session_started", "1.4", "agent-4", **session("work", "agent-4", 2))
    story.tell("deadlock", "1.2", cause="rounds", tasks=["1.2"], agents=[], reason="no round is left")
    story.tell("deadlock", "1.3", cause="rounds", tasks=["1.3"], agents=[], reason="no round is left")
    story.tell("resolution", "1.3", cause="rounds", decision="accept", by="agent-1")
    story.end("paused", "too much went wrong")

    assert [(risk.kind, risk.level, risk.task, risk.text, risk.lifted_by) for risk in found(story)] == [
        ("paused", "high", None, "the run is paused: too much went wrong", "a mended cause, then `mbo build`"),
        ("veto", "high", "1.1", "agent-2: no", "an answer without it, or by `mbo waive 1.1 --reason …`"),
        ("deadlock", "medium", None, "deadlock of 1.2: no round is left", "the coordinator's decision"),
        (
            "contradiction",
            "medium",
            None,
            "agent-1 and agent-2 contradict each other on the decision names",
            "`mbo conflicts resolve fa3089f0d4 --keep NUMBER --reason TEXT`",
        ),
        ("rework", "low", None, "1 of 1 tasks begun (100 %) took more than one round or attempt", ""),
    ]


def test_a_failure_says_what_it_holds_up_and_what_lifts_it(story: Story) -> None:
    """What holds up most comes first; the class of a failure says what lifts it, in the tasks' list as well."""
    story.start()
    story.fail("1.4", "agent-4: it loops")
    story.tell("outcome", "1.1", status="failed", reason="agent-1: red", attempts=1, failure="gate")
    story.end()
    board = standing.read(story.home, story.plan)

    assert [(risk.kind, risk.task, risk.text, risk.lifted_by) for risk in found(story)] == [
        (
            "failed",
            "1.1",
            "agent-1: red; it holds up 2 tasks",
            "an answer whose checks are green: `mbo execute --task-id 1.1`",
        ),
        ("failed", "1.4", "agent-4: it loops", "another try: `mbo execute --task-id 1.4`"),
    ]
    assert [item.lifted_by for item in board.tasks if item.state == "failed"] == [
        risk.lifted_by for risk in found(story)
    ]


def test_a_run_that_starts_nothing_more_is_paused_before_its_end(story: Story) -> None:
    """From the moment when it pauses, while the rest comes to its end, and if it is killed before it has ended."""
    with exclusive(story.home, "build"):
        story.start()
        story.tell("breaker", failure="gate", tasks=["1.8"], reason="too many red gates")
        (during,) = found(story)
    (killed,) = found(story)
    waiting = story.board()["1.1"]

    assert (during.kind, during.text) == ("paused", "the run is paused: too many red gates")
    assert killed == during
    assert waiting == ("waiting", "the run is paused: too many red gates; the same command goes on")


def test_how_runs_are_made_is_a_risk(story: Story) -> None:
    """Without a sandbox it is grave until a run has one again; scripted turns tell nothing about a model."""
    story.start(sandbox="none", model="playbook")
    bare = [(risk.kind, risk.level, risk.lifted_by) for risk in found(story)]
    Story(story.home, story.plan, "r2").start(model="opus")
    mended = [(risk.kind, risk.level, risk.lifted_by) for risk in found(story)]

    assert bare == [("sandbox", "high", "a run in a sandbox"), ("playbook", "low", "")]
    assert mended == [("sandbox", "medium", "")]


def test_what_failed_holds_up_nothing_that_only_comes_after_it(story: Story) -> None:
    """A task that is ordered softly behind a failure is in nobody's way, and stands for itself."""
    tasks = (*story.plan.tasks[:3], story.plan.tasks[3].model_copy(update={"after": ("1.1",)}))
    story.plan = story.plan.model_copy(update={"tasks": tasks})
    before = blockers(story.plan, standing.read(story.home, story.plan))
    story.start()
    story.fail("1.1")
    story.end()
    after = blockers(story.plan, standing.read(story.home, story.plan))

    assert [(item.task, item.holds_up) for item in before] == [("1.1", ("1.2", "1.3", "1.4"))]
    assert [(item.task, item.holds_up) for item in after] == [("1.1", ("1.2", "1.3")), ("1.4", ())]


def test_what_is_in_the_way_of_most_comes_first(story: Story) -> None:
    """Every unfinished task that waits for no other is told, with all that wait for it and what lifts it."""
    story.start()
    story.fail("1.1")
    story.end()
    seen = blockers(story.plan, standing.read(story.home, story.plan))

    assert [(item.task, item.holds_up, item.lifted_by) for item in seen] == [
        ("1.1", ("1.2", "1.3"), "another try: `mbo execute --task-id 1.1`"),
        ("1.4", (), "a run that does it"),
    ]


def test_the_critical_path_is_the_longest_chain_left(story: Story) -> None:
    """It goes from task to dependent, and shrinks as tasks are merged."""
    assert path(story.plan, ["1.1", "1.2", "1.3", "1.4"]).tasks == ("1.1", "1.2", "1.3")
    assert path(story.plan, ["1.3", "1.4"]).points == 1
    assert path(story.plan, []).tasks == ()


def test_the_timeline_leaves_out_the_time_between_runs(story: Story) -> None:
    """Sessions of runs hours apart stand side by side; one that was cut off ends where it was last seen."""
    story.ago = timedelta(hours=9)
    story.start()
    story.tell("session_started", "1.1", "agent-1", **session("work", "agent-1"))
    story.later(10)
    story.tell("turn", "1.1", "agent-1", turn=1, tools=[], **session("work", "agent-1"))
    again = Story(story.home, story.plan, "r2", ago=timedelta(hours=2))
    again.start()
    again.tell("session_started", "1.4", "agent-4", **session("review", "agent-4"))
    again.later(10)
    again.tell("session_ended", "1.4", "agent-4", ended_by="verdict", **session("review", "agent-4"))
    seen = timeline(story.events())

    assert seen.seconds == pytest.approx(20, abs=0.5)
    assert [(span.agent, span.role, span.is_open) for span in seen.spans] == [
        ("agent-1", "work", True),
        ("agent-4", "review", False),
    ]
    assert [span.ended - span.began for span in seen.spans] == pytest.approx([10, 10], abs=0.5)
