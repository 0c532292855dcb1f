"""Promises of the word to the coordinator: one notification for each incident, however often it is told."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from agents import brief
from agents.context import messages
from orchestrator import plan as plans
from orchestrator.home import Home
from orchestrator.journal import read
from orchestrator.models import Message, Resolution, now
from orchestrator.settings import BUNDLED_PLAN
from orchestrator.workspace import Repository
from tasks import deadlocks
from tasks.notice import Incident, tell_coordinator
from tasks.run import Run
from tests.scenario import COORDINATOR, SECURITY, TESTING
from tests.workbench import AGENTS, Scripted, own_sandbox, own_toolchain, session


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


def ask(run: Run, number: int, by: str, to: str) -> Message:
    """Send a request about task 2.2 as agents do, and return it."""
    content = {"action": "implement", "artifact": "code", "data": {"need": "yours first"}}
    about = {"message_id": UUID(int=number), "from_agent": by, "to_agent": to, "message_type": "request"}
    request = Message.model_validate({**about, "task_id": "2.2", "content": content, "timestamp": now()})
    run.events.record("message", f"message/{request.message_id}", request.model_dump(mode="json"))
    messages.deliver(run.home, request, tuple(run.agents))
    return request


@pytest.mark.parametrize("arbiter", [TESTING, COORDINATOR], ids=["decided by a third", "nobody else may decide"])
def test_the_answer_to_a_circle_of_requests_closes_all_of_them(run: Run, arbiter: str) -> None:
    """Each who asked is told with what it had asked, and owes no answer any more; nobody is answered by itself."""
    requests = [ask(run, 1, COORDINATOR, SECURITY), ask(run, 2, SECURITY, COORDINATOR)]
    run.unended.add("2.2")
    found = deadlocks.crossed_requests(run, session(agent=SECURITY))
    assert found and set(found.messages) == {str(request.message_id) for request in requests}
    decided = Resolution(session=session(role="resolve", agent=arbiter), decision="accept", reason="neither needs it")

    for _ in range(2):
        deadlocks.answer_requests(run, found, decided)

    for agent in (COORDINATOR, SECURITY):
        (response,) = [item for item in messages.inbox(run.home, agent) if item.message_type == "response"]
        assert response.from_agent == ("mbo" if agent == arbiter else arbiter)
        assert brief.mail(run.home, [response], [])["messages"][0]["asked"] == {"need": "yours first"}
        assert messages.open_requests(run.home, [agent]) == []
        assert [len(notes) for notes in messages.answered(run.home, agent).values()] == [1]
    assert {folder.name for folder in run.home.agents.iterdir()} == {COORDINATOR, SECURITY}
    assert deadlocks.crossed_requests(run, session(agent=SECURITY)) is None
