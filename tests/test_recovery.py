"""Promises of recovery: each class of failure has its own answer, and nobody waits for what cannot come."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from agents import roster
from agents.context import messages
from orchestrator import plan as plans
from orchestrator import recovery
from orchestrator.deadlock import circle
from orchestrator.errors import (
    GitError,
    JournalError,
    ModelError,
    SandboxError,
    TransientError,
    UnfitError,
    UnsupportedError,
)
from orchestrator.journal import read
from orchestrator.models import Message
from orchestrator.models.work import Failure
from orchestrator.recovery import Spent
from orchestrator.server import Server
from orchestrator.settings import BUNDLED_PLAN
from tests.scenario import (
    ARCHITECTURE,
    COORDINATOR,
    OTHER,
    TESTING,
    WORKER,
    Scenario,
    approve,
    bash,
    call,
    create,
    finish,
    git,
    module,
    object_to,
)
from tests.zygote import Zygote

DATABASE = "mcp-database-storage"
DOCS = "mcp-documentation"
ERRORS = "mcp-error-handling"
MIGRATION = "mcp-migration-specialist"
PLUGINS = "mcp-plugin-architect"
PROMPTS = "mcp-prompts-engineer"
RESOURCES = "mcp-resources-specialist"
SDK = "mcp-claude-sdk-expert"
SSE = "mcp-sse-transport"
TELEMETRY = "mcp-telemetry-otel"

QUICK = [{"name": "files", "run": ["test", "-d", "src"]}]


def decide(decision: str, reason: str, **more: str) -> list[list[dict[str, object]]]:
    """Return the turn that resolves a deadlock."""
    return [[call("resolve", decision=decision, reason=reason, **more)]]


def wait_for(task: str) -> list[list[dict[str, object]]]:
    """Return a review that only waits for another task."""
    finding = {"severity": "low", "text": f"{task} has to land first"}
    about = {"summary": f"{task} first", "findings": [finding], "waits_for": task}
    return [[call("submit_verdict", decision="request_changes", **about)]]


def ask(other: str) -> dict[str, object]:
    """Return the call that asks another agent for something."""
    about = {"to_agent": other, "message_type": "request", "action": "implement", "artifact": "code"}
    return call("send_message", **about, data={"need": "your part first"})


def answered(name: str) -> dict[str, object]:
    """Return the call that waits for the answer with a module: so two tasks are under way at the same time."""
    return bash(f"until git log --all --oneline -- src/{name}.py | grep -q .; do sleep 0.05; done")


@pytest.fixture(scope="module")
def recovered(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """One trouble a task, side by side, with two rounds of changes for each attempt."""
    scenario = Scenario(tmp_path_factory.mktemp("recovered"))
    scenario.policy |= {"revise_rounds": 2, "breaker": 9}
    scenario.gates["quick"] = QUICK
    _failures(scenario)
    _deadlocks(scenario)
    done = scenario.build("--slots", "6")
    assert [task for task, status in scenario.statuses().items() if status != "merged"] == ["1.5"], done.err
    return scenario


def _failures(scenario: Scenario) -> None:
    """Add an agent that fails three times, one that loops, and one that hands over what it was sent back with."""
    scenario.work("1.1", module("red", expected=2), agent=WORKER)
    scenario.turns("1.1", "work.gate", [module("red", 3, expected=4), [finish()]])
    scenario.turns("1.1", "work.gate.2", [module("red", 5, expected=6), [finish()]])
    scenario.turns("1.1", "attempt-2.work", [[bash("sed -i s/return.5/return\\ 6/ src/red.py")], [finish()]])
    looping = [module("loop"), *[[bash("cat src/loop.py")]] * 3]
    scenario.task("1.2", agent=ERRORS)
    scenario.turns("1.2", "work", looping)
    scenario.turns("1.2", "attempt-2.work", [[finish("It was whole.")]])
    scenario.work("1.3", module("idle", expected=2), agent=SDK)
    scenario.turns("1.3", "work.gate", [[finish("It is fine.")]])
    scenario.turns("1.3", "attempt-2.work", [module("idle", 2), [finish()]])


def _deadlocks(scenario: Scenario) -> None:
    """Add rounds that are used up, verdicts and requests that wait for each other, and what comes after them."""
    for task, name, agent, kind, reviewer in (
        ("1.4", "accepted", DATABASE, "code", DOCS),
        ("1.5", "sketch", PLUGINS, "design", ARCHITECTURE),
    ):
        scenario.simple(task, name, agent=agent, kind=kind, reviewers=[reviewer], gate="quick")
        scenario.turns(task, f"review.{reviewer}", object_to("request_changes", f"{name} is not good enough"))
        scenario.turns(task, "work.review", [module(name, 2), [finish()]])
        scenario.turns(task, "work.review.2", [module(name, 3), [finish()]])
    scenario.turns("1.4", f"resolve.{COORDINATOR}", decide("accept", "it does what the task says"))
    further = decide("another-round", "it is nearly there", changes="return 4")
    scenario.turns("1.5", f"resolve.{COORDINATOR}", [*decide("accept", "let it be"), *further])
    scenario.turns("1.5", "work.deadlock", [module("sketch", 4), [finish()]])
    scenario.turns("1.5", f"resolve.{COORDINATOR}.4", decide("give-up", "no way out is left"))
    scenario.simple("1.7", "later", agent=PLUGINS, after=["1.5"], gate="quick")
    for task, name, agent, reviewer, other in (
        ("1.8", "left", SSE, TESTING, "1.9"),
        ("1.9", "right", RESOURCES, ARCHITECTURE, "1.8"),
    ):
        scenario.simple(task, name, agent=agent, reviewers=[reviewer], gate="quick")
        scenario.turns(task, f"review.{reviewer}", wait_for(other))
        scenario.turns(task, f"review.{reviewer}.2", approve())
        scenario.turns(task, "work.review", [[finish("The other one is there now.")]])
        scenario.turns(task, f"resolve.{COORDINATOR}", decide("accept", "one of them has to be first"))
    scenario.work("1.10", [*module("one"), ask(MIGRATION)], agent=TELEMETRY, gate="quick", reviewers=[PROMPTS])
    scenario.turns("1.10", f"review.{PROMPTS}", [[answered("two")], *approve()])
    scenario.work("1.11", [answered("one")], [*module("two"), ask(TELEMETRY)], agent=MIGRATION, gate="quick")
    scenario.turns("1.11", f"resolve.{COORDINATOR}", decide("accept", "neither needs the other"))


def test_an_agent_that_fails_three_times_is_replaced_by_its_backup(recovered: Scenario) -> None:
    """The backup begins with what its predecessor left, knows what became of it, and finishes."""
    (moved,) = recovered.events("reassigned", "1.1")
    brief = recovered.brief("1.1", "work-2.1")
    reason = moved["data"]["reason"]

    assert moved["data"] == {"from": WORKER, "to": OTHER, "reason": reason, "attempt": 2, "failure": "gate"}
    assert reason.endswith("tests failed: tests/test_red.py::test_red; no round is left")
    assert f"# Attempts before yours\n\n- {WORKER}: {reason}\n" in brief
    assert "It changes these files: src/red.py, tests/test_red.py." in brief
    assert f"## tests: {reason.removeprefix('the gate is red: tests: ').removesuffix('; no round is left')}" in brief
    assert "assert 5 == 6" in brief
    assert recovered.statuses()["1.1"] == "merged"
    assert {c.author for c in recovered.landed() if c.trailers.get("Task") == "1.1"} == {OTHER}
    assert recovered.tree()["src/red.py"].endswith("return 6")


@pytest.mark.parametrize(
    ("task", "agent", "reason"),
    [
        ("1.2", ERRORS, "the same calls again and again, with the same results"),
        ("1.3", SDK, "round 2 changed nothing; the gate is red: tests: "),
    ],
    ids=["a loop", "no progress"],
)
def test_an_agent_that_is_stuck_begins_afresh_with_what_it_had(
    recovered: Scenario, task: str, agent: str, reason: str
) -> None:
    """What goes round in circles is stopped, and the same agent tries once more, from its own files."""
    (ended,) = recovered.events("attempt_ended", task)
    brief = recovered.brief(task, "work-2.1")

    assert ended["data"]["failure"] == "stuck"
    assert ended["data"]["reason"].startswith(reason)
    assert not recovered.events("reassigned", task)
    assert f"That attempt ended because {ended['data']['reason']}." in brief
    assert {c.author for c in recovered.landed() if c.trailers.get("Task") == task} == {agent}


def test_a_round_without_progress_is_an_event(recovered: Scenario) -> None:
    """The round that changed nothing is recorded, so that anyone can see why the attempt stopped."""
    ((task, told),) = [(event["task"], event["data"]) for event in recovered.events("no_progress")]

    assert (task, told["attempt"], told["round"]) == ("1.3", 1, 2)


@pytest.mark.parametrize(
    ("task", "decisions", "status"),
    [("1.4", ["accept"], "merged"), ("1.5", ["another-round", "give-up"], "failed")],
    ids=["accepted", "granted a round, then given up"],
)
def test_rounds_that_are_used_up_go_to_the_coordinator(
    recovered: Scenario, task: str, decisions: list[str], status: str
) -> None:
    """Its decision is recorded after the deadlock, logged with its reason, and followed."""
    found = [event["data"]["cause"] for event in recovered.events("deadlock", task)]
    resolutions = [event["data"] for event in recovered.events("resolution", task)]
    logged = [line for line in read(recovered.home.decisions) if line["task_id"] == task]

    assert found == ["rounds"] * len(decisions)
    assert [(data["by"], data["decision"]) for data in resolutions] == [(COORDINATOR, taken) for taken in decisions]
    assert [(d["agent"], d["decision"], d["reason"]) for d in logged if d["authority"] == "deadlock"] == [
        (data["by"], data["decision"], data["reason"]) for data in resolutions
    ]
    assert recovered.statuses()[task] == status


def test_the_coordinator_hears_both_sides(recovered: Scenario) -> None:
    """Its brief holds what the author says, every objection of every round, and which decisions are open."""
    brief = recovered.brief("1.4", f"resolve-rounds-1.3-{COORDINATOR}")

    assert "- `accept`:" in brief
    assert brief.count("accepted is not good enough") >= 3
    assert "Did 1.4." not in brief, "the last answer speaks, not the first"
    assert "- check files: green" in brief


def test_the_coordinator_is_shown_what_it_was_told(recovered: Scenario) -> None:
    """Its brief holds the notifications that no session of its has seen before, the deadlock's own among them."""
    (deadlock,) = [m for m in messages.received(recovered.home, COORDINATOR) if is_about(m, "1.4", "deadlock")]
    notes = messages.shown(recovered.home, COORDINATOR)
    session = notes[str(deadlock.message_id)]["session"].partition("/")[2]
    seen = [m for m in messages.received(recovered.home, COORDINATOR) if str(m.message_id) in notes]
    briefs = [
        record["message"]["content"]
        for task in recovered.statuses()
        for name, record in recovered.transcript(task).items()
        if name.endswith(f"-{COORDINATOR}/brief")
    ]

    assert session.startswith("resolve-") and session.endswith(COORDINATOR)
    assert len(seen) == sum(text.count(" (notification, ") for text in briefs)
    assert any(
        "# Messages to you" in text and f'"reason": "{deadlock.content.data["reason"]}"' in text for text in briefs
    )


def is_about(message: Message, task: str, event: str) -> bool:
    """Tell whether a message is a notification of such an incident."""
    return (message.task_id, message.content.data.get("event")) == (task, event)


def test_the_coordinator_cannot_accept_over_the_final_say_on_design(recovered: Scenario) -> None:
    """Where a power ranks above it the tool refuses, and the brief does not offer it."""
    session = f"resolve-rounds-1.3-{COORDINATOR}"
    answer = recovered.transcript("1.5")[f"{session}/turn-1/results"]["message"]["content"][0]

    assert answer["is_error"]
    assert answer["content"] == "`accept` is not open here; there are another-round, reassign, give-up."
    assert "- `accept`" not in recovered.brief("1.5", session)
    assert recovered.outcome("1.5")[1].endswith(f"{COORDINATOR} decided give-up: no way out is left")


def test_a_granted_round_says_what_must_change(recovered: Scenario) -> None:
    """The agent is told who decided, why, and what to change; the reviewer then judges as ever, and it is the last."""
    brief = recovered.brief("1.5", "work-1.4")

    assert f"# Now: another round, by decision of {COORDINATOR}" in brief
    assert "What must change: return 4" in brief
    assert "- `another-round`" not in recovered.brief("1.5", f"resolve-rounds-1.4-{COORDINATOR}")


def test_what_only_comes_after_a_failed_task_goes_on_with_a_note(recovered: Scenario) -> None:
    """A soft dependency orders, and its failure is told in the brief instead of blocking."""
    brief = recovered.brief("1.7", "work-1.1")
    begun = recovered.events("task_started", "1.7")[0]["time"]

    assert recovered.statuses()["1.7"] == "merged"
    assert begun > recovered.events("outcome", "1.5")[0]["time"]
    assert "- 1.5 (Part 1.5) was to come first and failed: " in brief


def test_tasks_whose_verdicts_wait_for_each_other_are_set_free(recovered: Scenario) -> None:
    """Each gives its slot back and waits; the one that closes the circle is decided on, the other then goes on."""
    (deadlock,) = [event["data"] for event in recovered.events("deadlock") if event["data"]["cause"] == "verdicts"]
    deferred = {event["task"]: event["data"]["on"] for event in recovered.events("deferred")}
    first = deadlock["tasks"][0]
    second = {"1.8": "1.9", "1.9": "1.8"}[first]
    landed = [commit.trailers.get("Task") for commit in recovered.landed()]

    assert deferred == {"1.8": "1.9", "1.9": "1.8"}
    assert deadlock["reason"] == f"tasks wait for each other: {first} → {second} → {first}"
    assert landed.index(first) < landed.index(second)
    assert [event["data"]["decision"] for event in recovered.events("verdict", second)] == [
        "request_changes",
        "approve",
    ]


def test_a_circle_of_requests_is_answered_once(recovered: Scenario) -> None:
    """Two agents that wait for each other's answer get one from the coordinator, and both finish."""
    (deadlock,) = [event["data"] for event in recovered.events("deadlock") if event["data"]["cause"] == "requests"]
    sent = [event["data"] for event in recovered.events("message")]
    responses = {m["to_agent"]: m["content"]["data"]["reason"] for m in sent if m["message_type"] == "response"}

    assert set(deadlock["agents"]) == {TELEMETRY, MIGRATION}
    assert responses == dict.fromkeys((TELEMETRY, MIGRATION), "neither needs the other")
    assert {recovered.statuses()["1.10"], recovered.statuses()["1.11"]} == {"merged"}


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("1.1", "reassigned: from functional-server to python-server-expert: the gate is red: tests: 1 of "),
        ("1.2", "error-handling's session ended by loop: the same calls again and again, with the same results"),
        ("1.3", "no progress: round 2 changed nothing; the gate is red: tests: 1 of 1 tests failed"),
        ("1.4", "resolution: project-coordinator decides accept: it does what the task says"),
        ("1.5", "1.5 is failed: plugin-architect: project-coordinator decided give-up: no way out is left"),
        ("1.8", "deferred: put back until 1.9 has ended: changes are requested: testing-quality: 1.9 first"),
        ("1.9", "tasks wait for each other: 1.9 → 1.8 → 1.9"),
        (
            "1.10",
            "requests wait for each other: migration-specialist → telemetry-otel → migration-specialist",
        ),
    ],
)
def test_why_names_what_became_of_each_trouble(recovered: Scenario, task: str, reason: str) -> None:
    """Whoever asks why is told the failure, who decided, and the reason in the words that were given."""
    assert reason in recovered.told("why", task)


def test_status_says_what_failed_and_why(recovered: Scenario) -> None:
    """The one task that is not merged bears the coordinator's reason."""
    told = recovered.told("status")

    assert "9 merged, 1 failed" in told
    assert "plugin-architect: project-coordinator decided give-up: no way out is left" in told


def test_who_only_waits_for_another_task_needs_no_round_left(
    prefect_server: Server, zygote: Zygote, tmp_path: Path
) -> None:
    """A verdict that only waits is waited for in the last round too, and then there is a round for it; no deadlock."""
    scenario = Scenario(tmp_path)
    scenario.policy["revise_rounds"] = 0
    scenario.simple("1.1", "alpha", agent=WORKER, reviewers=[DOCS])
    scenario.turns("1.1", f"review.{DOCS}", wait_for("1.2"))
    scenario.turns("1.1", "work.review", [[finish("It is there now.")]])
    scenario.turns("1.1", f"review.{DOCS}.2", approve())
    wait = bash(f"until test -e {scenario.home.repository}/go; do sleep 0.02; done")
    scenario.work("1.2", [wait, *module("beta")], agent=OTHER)
    scenario.init()

    run = zygote.start(*scenario.line("build"))
    assert run.wait_until(lambda: bool(scenario.events("deferred")))
    (scenario.home.repository / "go").touch()

    assert run.end() == 0, run.log.read_text()
    assert scenario.events("deadlock") == []
    assert [commit.trailers["Task"] for commit in scenario.landed()[1:]] == ["1.2", "1.1"]


def test_a_breaker_stops_the_run_and_a_resume_ends_it(prefect_server: Server, tmp_path: Path) -> None:
    """Three tasks that fail in the same way stop the run before it starts more; mended, the same command builds all."""
    scenario = Scenario(tmp_path)
    scenario.policy["revise_rounds"] = 0
    scenario.gates["code"] = [{"name": "mended", "run": ["grep", "-q", "mended", "src/state"]}]
    tasks = (("1.1", DATABASE), ("1.2", PROMPTS), ("1.3", SSE))
    for task, agent in tasks:
        written = [create(f"src/{task}", "x\n"), create("src/state", "broken\n")]
        scenario.work(task, written, agent=agent, writes=["src/state"])
    scenario.work("1.4", [create("src/1.4", "x\n")], agent=OTHER, after=["1.1", "1.2", "1.3"])

    stopped = scenario.build()
    standing, why = scenario.told("status", "--detailed"), scenario.told("why", "1.4")
    for task, _ in tasks:
        scenario.turns(task, "work", [[create(f"src/{task}", "x\n"), create("src/state", "mended\n")], [finish()]])
    resumed = scenario.build()

    ends = [event["data"] for event in scenario.events("run_ended")]
    (breaker,) = [event["data"] for event in scenario.events("breaker")]
    assert (stopped.code, resumed.code) == (1, 0), resumed.err
    assert breaker["failure"] == "gate"
    assert sorted(breaker["tasks"]) == ["1.1", "1.2", "1.3"]
    assert breaker["reason"].startswith("3 tasks failed in the same way (the gate stayed red): ")
    assert (ends[0]["status"], ends[0]["reason"]) == ("paused", breaker["reason"])
    assert "mend the cause, then run the same command to go on" in " ".join(stopped.out.split())
    for told in (standing, why):
        assert "paused: 3 tasks failed in the same way (the gate stayed red)" in told
    assert ends[1]["status"] == "succeeded"
    assert {event["task"] for event in scenario.events("merged")} == {"1.1", "1.2", "1.3", "1.4"}


def test_a_broken_environment_pauses_the_run_and_spends_nothing(prefect_server: Server, tmp_path: Path) -> None:
    """Where git cannot keep what it must, nothing new starts and no attempt is spent; mended, the run goes on."""
    scenario = Scenario(tmp_path)
    scenario.gates["code"] = QUICK
    scenario.simple("1.1", "alpha")
    scenario.simple("1.2", "beta", deps=["1.1"])
    scenario.init()
    head = git(scenario.home.repository, "rev-parse", "HEAD")
    git(scenario.home.repository, "update-ref", "refs/mbo/merged", head)  # where a folder of refs must be

    paused = scenario.build()
    git(scenario.home.repository, "update-ref", "-d", "refs/mbo/merged")
    outcomes, told = scenario.events("outcome"), [event["data"] for event in scenario.events("message")]
    turns = scenario.turns_played()
    resumed = scenario.build()

    ends = [event["data"] for event in scenario.events("run_ended")]
    assert (paused.code, resumed.code) == (1, 0), resumed.err
    assert outcomes == []
    assert [item["content"]["data"] for item in told] == [{"event": "failed", "reason": ends[0]["reason"]}]
    assert ends[0]["status"] == "paused"
    assert ends[0]["reason"].startswith("the sandbox, git or the toolchain is broken: git update-ref failed")
    assert ends[0]["reason"].split(";")[0][:40] in " ".join(paused.out.split())
    assert {event["data"]["attempts"] for event in scenario.events("outcome")} == {1}
    assert len(scenario.turns_played()) == len(set(scenario.turns_played())) == len(turns) + 2


def spent(*ends: tuple[str, Failure]) -> list[Spent]:
    """Return attempts that ended so, by these agents."""
    about = {"reason": "r", "rounds": 1, "base": "", "left": ""}
    return [
        Spent.model_validate({"attempt": n, "agent": agent, "failure": failure, **about})
        for n, (agent, failure) in enumerate(ends, 1)
    ]


@pytest.mark.parametrize(
    ("before", "following"),
    [
        ([], "a"),
        ([("a", "gate")], "b"),
        ([("a", "review")], "b"),
        ([("a", "conflict")], "b"),
        ([("a", "agent")], "b"),
        ([("a", "transient")], None),
        ([("a", "stuck")], "a"),
        ([("a", "stuck"), ("a", "gate")], "b"),
        ([("a", "stuck"), ("a", "stuck")], "b"),
        ([("a", "stuck"), ("a", "stuck"), ("b", "stuck")], "b"),
        ([("a", "stuck"), ("a", "stuck"), ("b", "stuck"), ("b", "stuck")], None),
        ([("a", "gate"), ("b", "gate")], None),
    ],
    ids=str,
)
def test_the_table_says_who_tries_next(before: Sequence[tuple[str, Failure]], following: str | None) -> None:
    """Who is stuck has one fresh attempt, who fails otherwise is replaced, and the backup is the last."""
    assert recovery.successor(["a", "b"], spent(*before)) == following


@pytest.mark.parametrize(
    ("error", "failure", "pauses"),
    [
        (SandboxError("no sandbox"), "environment", True),
        (GitError("git update-ref failed"), "environment", True),
        (UnsupportedError("python: could not be started"), "environment", True),
        (UnfitError("nested repositories"), "agent", False),
        (ModelError("no verdict"), "agent", False),
        (TransientError("busy"), "transient", False),
        (JournalError("line 1 is damaged"), None, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_a_broken_environment_pauses_the_run(error: Exception, failure: Failure | None, pauses: bool) -> None:
    """What an agent can bring about costs an attempt at most; what it cannot is never taken for its fault."""
    assert (recovery.of_error(error), recovery.pauses(error)) == (failure, pauses)


def test_every_task_of_the_bundled_plan_has_a_backup_of_its_team() -> None:
    """No bundled agent's task waits for that agent alone, and no reviewer ever judges its own work."""
    plan, agents = plans.load(BUNDLED_PLAN), roster.load()
    teams = {entry.id: entry.category for entry in plan.agents}
    lines = {task.id: recovery.candidates(plan, agents, task, task.agent) for task in plan.tasks}

    assert [task for task, line in lines.items() if len(line) != 2] == []
    assert all(teams[first] == teams[second] for first, second in lines.values())
    assert not [task.id for task in plan.tasks if lines[task.id][1] in task.reviewers]


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ({"a": "b", "b": "a"}, ("a", "b")),
        ({"a": "bc", "b": "", "c": "d", "d": "a"}, ("a", "c", "d")),
        ({"a": "b", "b": "c", "c": "b"}, ()),
        ({"a": ""}, ()),
    ],
    ids=["two", "three", "a circle of others", "none"],
)
def test_a_circle_is_the_way_back_to_its_start(edges: dict[str, str], found: tuple[str, ...]) -> None:
    """Only who is part of a circle is told of it."""
    assert circle("a", edges) == found
