"""Why a task is where it is: the answer first, then everything in order, from runs of the real engine."""

import json
import re
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from orchestrator.home import Home
from orchestrator.server import Server
from orchestrator.status import standing
from orchestrator.status.chronicle import chronicle
from tests.scenario import OTHER, SECURITY, Scenario, bash, call, finish, module, object_to
from tests.story import Story, plan_of

VETO = f"security vetoes the implementation: {SECURITY}: It runs what it is told."


@pytest.fixture(scope="module")
def scenario(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Run a plan of which one task is mended after a red gate, one vetoed for good, and one waits behind that."""
    made = Scenario(tmp_path_factory.mktemp("why"))
    made.policy = {"revise_rounds": 1}
    question = call(
        "send_message",
        to_agent=OTHER,
        message_type="notification",
        action="implement",
        artifact="code",
        data={"note": "alpha is mine"},
    )
    decision = call("record_decision", subject="Alpha", decision="One value", reason="It is enough.")
    made.work("1.1", module("alpha", expected=2), [question, decision], reviewers=[SECURITY])
    made.turns("1.1", "work.gate", [module("alpha"), [finish("Mended the test.")]])
    made.work("1.2", module("beta"), deps=["1.1"], reviewers=[SECURITY])
    made.turns("1.2", "work.review", [[bash("echo '# again' >> src/beta.py")], [finish("Tried again.")]])
    for name in (f"review.{SECURITY}", f"review.{SECURITY}.2"):
        made.turns("1.2", name, object_to("veto", "It runs what it is told."))
    made.simple("1.3", "gamma", deps=["1.2"], agent=OTHER)
    assert made.build().code == 1
    return made


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every command print for a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


def why(scenario: Scenario, task: str) -> str:
    """Return what `why` prints, each run of spaces and breaks as one space."""
    done = scenario.mbo("why", task)
    assert (done.code, done.err) == (0, "")
    assert max(len(line) for line in done.out.splitlines() if "see it all" not in line) <= 80
    return " ".join(done.out.split())


def in_order(text: str, parts: Sequence[str]) -> list[str]:
    """Return the parts that follow one another in `text`, up to the first that does not."""
    place, found = 0, []
    for part in parts:
        place = text.find(part, place)
        if place < 0:
            break
        found.append(part)
    return found


def test_the_way_of_a_merged_task_is_told_in_order(scenario: Scenario) -> None:
    """From its attempt over the red check with the command that shows its output to the merge, nothing is missing."""
    told = [
        "1.1 is merged as ",
        "task Part 1.1 agent functional-server reviewers security-validation waits for no other task needed by 1.2",
        "attempt: 1, by functional-server",
        "round: 1.1, by functional-server: the first of this attempt",
        "message: functional-server to python-server-expert, notification",
        "note: alpha is mine",
        "decision: functional-server: Alpha: One value (It is enough.)",
        "check: tests is red: ",
        "- command: ",
        "- see it all: cat ",
        "round: 1.2, by functional-server: its checks were red",
        "lines in 2 files: Mended the test.",
        "check: tests is green, 1 of 1 tests passed",
        "verdict: security-validation: approve: Read and approved.",
        "ruling: approve: all reviewers approve (rule all-approve, by security-validation)",
        "check: tests is green on the merged tree, 1 of 1 tests passed",
        "merged: as ",
    ]

    assert in_order(why(scenario, "1.1"), told) == told


def test_the_command_that_shows_a_red_checks_output_shows_it(scenario: Scenario) -> None:
    """The line behind a red check can be pasted into a shell."""
    line = re.search(r"see it all: (cat \S+)$", scenario.mbo("why", "1.1").out, re.MULTILINE)

    assert line
    assert "assert 1 == 2" in subprocess.run(line[1].split(), capture_output=True, text=True, check=True).stdout


def test_a_veto_that_stands_is_the_answer(scenario: Scenario) -> None:
    """A task that failed by a veto says who vetoed it and why, in `why` and in `status` alike, and what lifts it."""
    told = why(scenario, "1.2")
    status = json.loads(scenario.mbo("status", "--json").out)
    (task,) = (item for item in status["tasks"] if item["id"] == "1.2")
    (blocker,) = status["blockers"]

    assert told.startswith("1.2 is failed: ")
    assert VETO.replace("mcp-", "") in told.partition(" task ")[0]
    assert VETO in task["reason"]
    assert (blocker["task"], blocker["holds_up"]) == ("1.2", ["1.3"])
    assert blocker["lifted_by"] == "an answer without it, or by `mbo waive 1.2 --reason …`"
    assert [status["risks"][0][name] for name in ("kind", "level", "task")] == ["veto", "high", "1.2"]
    parts = [
        "verdict: security-validation: veto: It runs what it is told.",
        "- high src/x.py:1: It runs what it is told.",
        "ruling: veto: security vetoes the implementation (rule security-veto, by security-validation)",
        "round: 1.2, by functional-server: changes were requested",
        "ruling: veto: ",
        "failed: ",
    ]
    assert in_order(told, parts) == parts


def test_what_waits_behind_a_failure_names_it(scenario: Scenario) -> None:
    """A task that never began says which failure it waits for, and shows the state of its dependency."""
    told = why(scenario, "1.3")

    assert told.startswith("1.3 is waiting: waits for 1.2, which failed")
    assert "waits for 1.2 failed (" in told
    assert "attempt:" not in told


def test_why_as_json_is_for_programs(scenario: Scenario) -> None:
    """Every entry has its time, kind and words, and full names of agents."""
    found = json.loads(scenario.mbo("why", "1.1", "--format", "json").out)

    assert (found["task"], found["state"], found["reviewers"]) == ("1.1", "merged", [SECURITY])
    assert [item["time"] for item in found["entries"]] == sorted(item["time"] for item in found["entries"])
    assert found["entries"][0]["kind"] == "attempt"
    assert found["entries"][-1]["kind"] == "merged"


def test_an_unknown_task_is_told_with_the_nearest(scenario: Scenario) -> None:
    """A task that is not in the plan is one line and exit code 2."""
    done = scenario.mbo("why", "1.33")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("mbo: there is no task `1.33` in scenario; did you mean `1.3`?")


EVENTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "asked": (
        "approval_requested",
        {"by": "user", "attempt": 1, "round": 1},
        "approval: the approval of the user is asked for",
    ),
    "approved": ("approval", {"by": "user", "decision": "approve", "reason": "fine"}, "approval: user approves: fine"),
    "rejected": ("approval", {"by": "agent-2", "decision": "reject", "reason": "no"}, "approval: agent-2 rejects: no"),
    "waived": (
        "waiver",
        {"by": "user", "scope": "task", "power": "veto", "reason": "known"},
        "waiver: user waives the veto of the task: known",
    ),
    "deadlock": (
        "deadlock",
        {"cause": "rounds", "tasks": ["1.1"], "agents": ["agent-1"], "reason": "no round is left"},
        "deadlock: of rounds, tasks 1.1: no round is left",
    ),
    "resolved": (
        "resolution",
        {"cause": "rounds", "decision": "another-round", "reason": "nearly", "by": "agent-2", "changes": "the name"},
        "resolution: agent-2 decides another-round: nearly - to change: the name",
    ),
    "deferred": ("deferred", {"on": "1.2", "reason": "later"}, "deferred: put back until 1.2 has ended: later"),
    "no progress": ("no_progress", {"reason": "the same tree"}, "no progress: the same tree"),
    "reassigned": (
        "reassigned",
        {"from": "agent-1", "to": "agent-2", "reason": "stuck"},
        "reassigned: from agent-1 to agent-2: stuck",
    ),
    "attempt ended": ("attempt_ended", {"attempt": 1, "reason": "a loop"}, "attempt: 1 ends without a merge: a loop"),
    "conflict": (
        "conflict",
        {"files": ["a.py"], "tasks": ["1.2"]},
        "conflict: with what landed meanwhile, in a.py, which 1.2 changed",
    ),
    "contradiction": (
        "contradiction",
        {
            "about": "decision",
            "subject": "names",
            "state": "open",
            "reason": "equal rank",
            "sides": [{"id": "1", "agent": "agent-1", "task": "1.1", "text": "long"}],
        },
        "contradiction: about `names`, open: equal rank - agent-1 (1.1): long",
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_each_turn_of_events_is_told_in_words(home: Home, name: str) -> None:
    """What decides, delays or moves a task is told by what it says of itself."""
    kind, data, told = EVENTS[name]
    story = Story(home, plan_of(t1=(), t2=("t1",)))
    story.start()
    story.tell(kind, "1.1", **data)

    assert retold(story) == told


def test_a_breaker_is_told_for_each_task_that_tripped_it(home: Home) -> None:
    """It names them, and each of them tells it."""
    story = Story(home, plan_of(t1=()))
    story.start()
    story.tell("breaker", tasks=["1.1"], reason="2 red")

    assert retold(story) == "pause: the run starts nothing more: 2 red"


HELD = (
    "hold: component 1 is held by the veto of agent-2: no"
    " - lifted by a later review in which agent-2 approves, or by `mbo waive --component 1 --reason …`"
)


@pytest.mark.parametrize(
    ("component", "said", "told"),
    [
        (1, ["approve"], []),
        (1, ["request_changes", "veto"], [HELD]),
        (1, ["veto", "approve"], [HELD, "hold: component 1 is free of agent-2's hold: agent-2 approves in review 2"]),
        (1, ["veto", "veto"], [HELD, HELD]),
        (9, ["veto", "approve"], []),
    ],
    ids=["never held", "held", "freed", "held anew", "another component"],
)
def test_a_hold_and_its_end_are_told_for_every_task_of_the_component(
    home: Home, component: int, said: list[str], told: list[str]
) -> None:
    """They are told from the verdicts of its reviews; a verdict that neither puts nor lifts one is not."""
    story = Story(home, plan_of(t1=()))
    story.start()
    for review, decision in enumerate(said, start=1):
        words = {"decision": decision, "summary": "no", "session": {"round": review}}
        story.tell("verdict", f"component-{component}", "agent-2", **words)

    assert retold(story) == " ".join(told)


def retold(story: Story) -> str:
    """Return the entries about task 1.1 as one line."""
    events = story.events()
    found = chronicle(events, standing.board(story.plan, events), story.plan.tasks[0])
    return " ".join(" - ".join((f"{item.kind}: {item.text}", *item.details)) for item in found.entries)


def test_work_that_is_done_anew_is_told_as_such(home: Home) -> None:
    """Where a task has changed after it was merged, the line between its two forms says so."""
    story = Story(home, plan_of(t1=()))
    story.start()
    story.tell("task_started", "1.1", attempt=1)
    story.merge("1.1")
    story.key = "cd" * 32
    story.tell("task_started", "1.1", attempt=1)

    assert "changed: the task, or what it builds on, has changed: it is done anew attempt: 1, by agent-1" in retold(
        story
    )
