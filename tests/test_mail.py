"""Promises of `mbo messages`: everything that was said, in order, with what became of it, and what is unanswered."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agents.context import messages
from orchestrator import settings
from orchestrator.events import Events
from orchestrator.home import Home, write_json
from orchestrator.models import Message, SessionRef
from tests.scenario import COORDINATOR, SECURITY, TESTING, WORKER, Done, mbo

TEAM = (WORKER, TESTING, SECURITY, COORDINATOR)
SESSION = SessionRef(task="2.3", key="ab" * 32, role="work", agent=TESTING)


def letter(number: int, to: str, **more: Any) -> Message:
    """Return a message of the worker, sent so many minutes after noon."""
    fields: dict[str, Any] = {
        "message_id": UUID(int=number << 96),
        "from_agent": WORKER,
        "to_agent": to,
        "message_type": "request",
        "task_id": "2.2",
        "content": {"action": "review", "artifact": "code", "data": {"number": number}},
        "timestamp": datetime(2026, 1, 2, 12, number, tzinfo=UTC),
    }
    return Message.model_validate(fields | more)


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """Return a home of the bundled plan with an answered request, an open one, and a word to all."""
    home = Home(tmp_path)
    write_json(home.project_file, {"project": str(tmp_path), "plan": str(settings.BUNDLED_PLAN), "created": ""})
    asking, reply = letter(1, TESTING), letter(2, WORKER, from_agent=TESTING, message_type="response")
    reply = reply.model_copy(update={"correlation_id": asking.message_id})
    said = (asking, reply, letter(3, SECURITY, task_id="2.4"), letter(4, "ALL", message_type="notification"))
    for item in reversed(said):
        messages.deliver(home, item, TEAM)
    events = Events(home, "run")
    events.record("session_started", f"{SESSION.id}/started", {}, session=SESSION)
    events.close()
    messages.mark_shown(home, TESTING, [asking.message_id], SESSION.id)
    return home


def run(home: Home, *words: str) -> Done:
    """Return what `mbo messages` says."""
    return mbo("messages", *words, "--home", str(home.root))


def test_each_message_stands_once_in_order_with_what_became_of_it(place: Home) -> None:
    """JSON tells the message in the agreed format, who saw it in which session, what answered it, and if it is open."""
    told = json.loads(run(place, "--format", "json").out)

    assert [item["content"]["data"]["number"] for item in told] == [1, 2, 3, 4]
    assert [item["open"] for item in told] == [False, False, True, False]
    assert told[0]["answered_by"] == [told[1]["message_id"]]
    assert [(note["agent"], note["session"]) for note in told[0]["shown"]] == [(TESTING, SESSION.id)]
    assert datetime.fromisoformat(told[0]["shown"][0]["time"]) - datetime.now(UTC) < timedelta(seconds=60)


def test_the_table_says_it_for_people(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads who wrote what to whom, in which session it was seen, and that it is open; in 100 columns."""
    wide = run(place).out
    monkeypatch.setenv("COLUMNS", "100")
    narrow = run(place).out

    assert "00000001 request, medium" in wide and "functional-server → testing-quality" in wide
    assert "shown to 2.3 work-1.1; answered by 00000002" in wide
    assert "response to 00000001" in wide
    assert wide.rstrip().endswith("4 messages, 1 request open")
    assert max(map(len, narrow.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("--agent", "Security Agent"), [3, 4]),
        (("--task", "2.4"), [3]),
        (("--agent", TESTING, "--task", "2.2"), [1, 2, 4]),
        (("--agent", COORDINATOR), [4]),
    ],
    ids=["agent", "task", "both", "told with all"],
)
def test_only_what_was_asked_for_is_told(place: Home, words: tuple[str, ...], numbers: list[int]) -> None:
    """An agent's messages are those it sent and got, also by ALL; a task's those about it."""
    told = json.loads(run(place, *words, "--format", "json").out)

    assert [item["content"]["data"]["number"] for item in told] == numbers


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "not JSON"),
        ('{"message_id": 7}', "message_id: "),
        ("[]", "all of it: "),
        (letter(9, TESTING, message_type="response").model_dump_json(), "correlation_id: a response names the request"),
        (None, "not a file to read (Is a directory); mend or delete it"),
    ],
    ids=["torn", "wrong field", "list", "answers nothing", "folder"],
)
def test_malformed_files_are_named_after_the_rest(place: Home, text: str | None, fault: str) -> None:
    """A file that holds no message costs none of the others: it is one line with file, place and fault, and code 2."""
    bad = place.agent(TESTING) / "messages" / "bad.json"
    bad.mkdir() if text is None else bad.write_text(text, encoding="utf-8")

    done = run(place, "--format", "json")

    line, last = done.err.splitlines()
    assert done.code == 2
    assert len(json.loads(done.out)) == 4
    assert line.startswith(f"{bad}: ") and fault in line
    assert last == "mbo: 1 file among the messages could not be read, named above"


def test_a_request_to_all_is_open_until_somebody_answers(place: Home) -> None:
    """One answer is enough for a request to everyone."""
    asking = letter(5, "ALL")
    messages.deliver(place, asking, TEAM)
    before = messages.open_requests(place, [SECURITY, TESTING])
    reply = letter(6, WORKER, from_agent=TESTING, message_type="response", correlation_id=asking.message_id)
    messages.deliver(place, reply, TEAM)

    assert [item.message_id.int >> 96 for item in before] == [3, 5]
    assert [item.message_id.int >> 96 for item in messages.open_requests(place, [SECURITY])] == [3]


def test_delivering_a_response_again_marks_once(place: Home) -> None:
    """A step repeated after a kill answers a request once; one that lost its mark gets it back."""
    (reply,) = messages.received(place, WORKER)
    ledger = place.agent(TESTING) / "messages" / ".answered.jsonl"
    messages.deliver(place, reply, TEAM)
    lines = ledger.read_text(encoding="utf-8").count("\n")
    ledger.unlink()

    messages.deliver(place, reply, TEAM)

    assert lines == 1
    assert list(messages.answered(place, TESTING)) == [str(reply.correlation_id)]
