"""Promises of the word to the coordinator: one notification for each incident, however often it is told."""

from collections.abc import Iterator
from typing import Any

import pytest

from agents.context import messages
from orchestrator import plan as plans
from orchestrator.home import Home
from orchestrator.journal import read
from orchestrator.settings import BUNDLED_PLAN
from orchestrator.workspace import Repository
from tasks.notice import Incident, tell_coordinator
from tasks.run import Run
from tests.scenario import COORDINATOR, SECURITY
from tests.workbench import AGENTS, Scripted, own_sandbox, own_toolchain


@pytest.fixture
def run(home: Home) -> Iterator[Run]:
    """Return a run of the bundled plan."""
    parts: dict[str, Any] = {"plan": plans.load(BUNDLED_PLAN), "keys": {"2.2": "cd" * 32}, "chosen": {}}
    parts |= {"agents": dict.fromkeys((*AGENTS, COORDINATOR), AGENTS[SECURITY]), "model": Scripted([])}
    parts |= {"repository": Repository(home), "sandbox": own_sandbox(), "toolchain": own_toolchain()}
    opened = Run(name="run-1", home=home, project=None, **parts)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("event", "priority"),
    [
        ("failed", "high"),
        ("veto", "critical"),
        ("block", "critical"),
        ("reassigned", "medium"),
        ("deadlock", "critical"),
    ],
)
def test_an_incident_is_one_notification(run: Run, event: Incident, priority: str) -> None:
    """It says what happened to which task in the words of the task's kind; told again after a kill, nothing changes."""
    for reason in ("a hole", "said anew"):
        tell_coordinator(run, run.task("2.2"), by=SECURITY, event=event, place="1.2", data={"reason": reason})
    tell_coordinator(run, run.task("2.2"), by=SECURITY, event=event, place="1.3", data={"reason": "another"})

    first, second = messages.inbox(run.home, COORDINATOR)
    assert (first.from_agent, first.message_type, first.task_id, first.priority) == (
        SECURITY, "notification", "2.2", priority,
    )  # fmt: skip
    assert (first.content.action, first.content.artifact) == ("implement", "code")
    assert [m.content.data for m in (first, second)] == [
        {"event": event, "reason": "a hole"},
        {"event": event, "reason": "another"},
    ]
    assert [record["kind"] for record in read(run.home.metrics)] == ["message"] * 2


def test_nobody_writes_to_itself(run: Run) -> None:
    """What befalls the coordinator itself reaches its folder all the same, and is said to come from us."""
    tell_coordinator(run, run.task("2.2"), by=COORDINATOR, event="failed", place="attempt-1", data={"reason": "red"})

    (told,) = messages.inbox(run.home, COORDINATOR)
    assert (told.from_agent, told.to_agent) == ("mbo", COORDINATOR)
