"""Promises of planning: no design lands before whoever must approve it has, be it an agent or a person."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from agents.context import messages
from orchestrator.journal import read
from orchestrator.models import JsonObject
from orchestrator.server import Server
from tests.scenario import (
    ARCHITECTURE,
    COORDINATOR,
    OTHER,
    SECURITY,
    Scenario,
    approve,
    call,
    finish,
    module,
    object_to,
)
from tests.zygote import Child, Zygote

ERRORS = "mcp-error-handling"
ASKED = {"message_type": "request", "action": "review", "artifact": "design", "data": {"need": "an owner"}}


@pytest.fixture(scope="module")
def planned(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Designs that are approved in each way that there is, built once side by side."""
    scenario = Scenario(tmp_path_factory.mktemp("planned"))
    scenario.name = "planned"
    scenario.simple("1.1", "alpha", kind="design", agent=ARCHITECTURE, reviewers=[SECURITY])
    scenario.turns("1.1", f"review.{COORDINATOR}", object_to("request_changes", "nobody owns the tests"))
    scenario.turns("1.1", f"review.{COORDINATOR}.2", approve("Owned and ordered."))
    scenario.turns("1.1", "work.review", [module("alpha", 2), [finish()]])
    ask = call("send_message", to_agent=COORDINATOR, **ASKED)
    scenario.work("1.2", [*module("beta"), ask], kind="design", reviewers=[ARCHITECTURE, OTHER])
    scenario.turns("1.2", f"review.{OTHER}", object_to("request_changes", "too big"))
    scenario.turns("1.2", f"review.{ARCHITECTURE}", approve("As big as it must be."))
    scenario.turns("1.2", f"review.{COORDINATOR}", approve("Go."))
    scenario.simple("1.3", "gamma", kind="design", agent=COORDINATOR, reviewers=[ARCHITECTURE], deps=["1.2"])
    scenario.simple("1.4", "delta", kind="design", agent=ERRORS, reviewers=[COORDINATOR], deps=["1.2"])
    scenario.simple("1.5", "omega", agent=OTHER, stage="integration")
    done = scenario.build()
    assert done.code == 0, done.err
    return scenario


def approvals(scenario: Scenario, task: str) -> list[tuple[int, str, str]]:
    """Return the round, who, and what they decided, of each approval of a task."""
    found = (event["data"] for event in scenario.events("approval", task))
    return [(data["round"], data["by"], data["decision"]) for data in found]


def logged(scenario: Scenario, task: str) -> list[JsonObject]:
    """Return what stands in decisions.log about a task."""
    return [line for line in read(scenario.home.decisions) if line["task_id"] == task]


def test_a_design_that_the_coordinator_rejects_goes_back_and_lands_when_it_approves(planned: Scenario) -> None:
    """After the reviewers the coordinator decides; its findings begin another round, and both uses are logged."""
    brief = planned.brief("1.1", "work-1.2")
    asked = planned.brief("1.1", f"review-1.1-{COORDINATOR}")

    assert approvals(planned, "1.1") == [(1, COORDINATOR, "reject"), (2, COORDINATOR, "approve")]
    assert [event["data"]["by"] for event in planned.events("approval_requested", "1.1")] == [COORDINATOR] * 2
    assert f"the planning is not approved: {COORDINATOR}: nobody owns the tests" in brief
    assert "- high, src/x.py:1: nobody owns the tests" in brief
    assert f"- {SECURITY}, approve: Read and approved." in asked
    assert planned.tree()["src/alpha.py"].endswith("return 2")
    assert [(line["agent"], line["decision"], line["authority"]) for line in logged(planned, "1.1")] == [
        (COORDINATOR, "reject", "planning-approval"),
        (COORDINATOR, "approve", "planning-approval"),
    ]


def test_the_coordinator_reads_its_messages_where_it_approves(planned: Scenario) -> None:
    """What it was sent before stands in its brief, and counts as shown by that session."""
    (request,) = [event["data"] for event in planned.events("message") if event["task"] == "1.2"]
    session = messages.shown(planned.home, COORDINATOR)[request["message_id"]]["session"]
    task = next(event["task"] for event in planned.events("session_started") if event["id"] == f"{session}/started")
    brief = planned.brief(task, session.partition("/")[2])

    assert brief.startswith("# Approve the planning of parts: task ")
    assert f"(request, medium, id {request['message_id']}): " + '{"need": "an owner"}' in brief


def test_architecture_settles_a_dispute_about_a_design(planned: Scenario) -> None:
    """Its approval stands over another reviewer's request for changes, and the log says so with both sides."""
    first = logged(planned, "1.2")[0]

    assert planned.statuses()["1.2"] == "merged"
    assert (first["agent"], first["decision"], first["authority"]) == (ARCHITECTURE, "approve", "design-approved")
    assert first["reason"] == (
        f"the final say on design approves: {ARCHITECTURE}: As big as it must be. "
        f"(advice, not binding: {OTHER}: too big)"
    )
    assert approvals(planned, "1.2") == [(1, COORDINATOR, "approve")]


@pytest.mark.parametrize("task", ["1.3", "1.4", "1.5"], ids=["its own design", "one that it reviews", "no design"])
def test_nobody_is_asked_twice_nor_about_their_own_work(planned: Scenario, task: str) -> None:
    """There is no further session where the coordinator works or reviews, and none for what is no design."""
    sessions = [event["agent"] for event in planned.events("session_started", task)]

    assert approvals(planned, task) == []
    assert len(sessions) == len(set(sessions))
    assert planned.statuses()[task] == "merged"


def test_why_tells_who_settled_a_design(planned: Scenario) -> None:
    """The dispute is told with whose say it was, and the approval with its reason."""
    rejected, disputed = planned.told("why", "1.1"), planned.told("why", "1.2")

    assert "approval: project-coordinator rejects: nobody owns the tests" in rejected
    assert "ruling: approve: the final say on design approves (rule design-approved, by architecture-agent)" in disputed


def test_prefect_shows_the_stage_of_each_task(planned: Scenario) -> None:
    """Each build task is named with its stage; the approval is a step of its own, named for people."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags

    async def names() -> set[str]:
        own = FlowRunFilter(tags=FlowRunFilterTags(all_=[planned.name]))
        async with get_client() as client:
            return {run.name for run in await client.read_task_runs(flow_run_filter=own)}

    assert {"1.1 Part 1.1 · planning", f"1.1 approval · {COORDINATOR}", "1.5 Part 1.5 · integration"} <= asyncio.run(
        names()
    )


def test_a_person_decides_beside_the_run_and_between_runs(
    prefect_server: Server, zygote: Zygote, tmp_path: Path
) -> None:
    """With `--approve ask` a design waits, its agent and slot free; a rejection is another round, an approval lands it.

    A run that waits says so each time, may be killed, and finds what was decided meanwhile.
    """
    scenario = Scenario(tmp_path)
    scenario.simple("1.1", "alpha", kind="design", reviewers=[COORDINATOR], effort=3)
    scenario.turns("1.1", "work.review", [module("alpha", 2), [finish()]])
    scenario.simple("1.2", "beta")
    scenario.init()
    command = scenario.line("build", "--approve", "ask", "--slots", "1")
    nothing = scenario.mbo("approve", "1.1")

    first = zygote.start(*command)
    assert first.wait_until(lambda: asked(scenario) == [1] and scenario.statuses() == {"1.2": "merged"})
    status, shown = scenario.mbo("status", "--detailed"), scenario.mbo("approve")
    rejected = scenario.mbo("reject", "1.1", "--reason", "say who owns it")
    assert first.wait_until(lambda: asked(scenario) == [1, 2])
    stop(first)
    second = zygote.start(*command)
    assert second.wait_until(lambda: asked(scenario) == [1, 2, 2])
    second.kill(wholly=True)
    approved = scenario.mbo("approve", "1.1")
    third = zygote.start(*command)

    assert third.end() == 0, third.log.read_text()
    assert (nothing.code, nothing.err) == (
        2,
        "mbo: task 1.1 does not wait for your approval; a run with --approve ask asks for it\n",
    )
    assert "waits for your approval: `mbo approve 1.1`, or `mbo reject 1.1 --reason …`" in first.log.read_text()
    assert "waits for your approval: `mbo approve 1.1`, or `mbo reject 1.1 --reason …`" in " ".join(status.out.split())
    commit = scenario.events("approval_requested")[0]["data"]["commit"]
    assert f"git -C {scenario.home.repository} show {commit[:12]}" in shown.out
    assert "src/alpha.py, tests/test_alpha.py" in shown.out
    assert (rejected.code, rejected.err) == (0, "1.1 is sent back; the run goes on with it\n")
    assert "say who owns it" in scenario.brief("1.1", "work-1.2")
    assert (approved.code, approved.err) == (0, "1.1 is approved; the next run goes on with it\n")
    assert approvals(scenario, "1.1") == [(1, "user", "reject"), (2, "user", "approve")]
    assert [(line["agent"], line["decision"], line["reason"]) for line in logged(scenario, "1.1")] == [
        ("user", "reject", "say who owns it"),
        ("user", "approve", "approved by the user"),
    ]
    assert [commit.trailers["Task"] for commit in scenario.landed()[1:]] == ["1.2", "1.1"]
    assert len(scenario.turns_played()) == len(set(scenario.turns_played())) == 8
    assert not list((scenario.home.shared / "user").iterdir())


def asked(scenario: Scenario) -> list[int]:
    """Return the rounds of task 1.1 that the user was asked about."""
    return [event["data"]["round"] for event in scenario.events("approval_requested", "1.1")]


def stop(child: Child) -> None:
    """Interrupt a command as Ctrl-C does."""
    os.killpg(child.pid, signal.SIGINT)
    assert child.end() == 130
