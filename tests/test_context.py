"""Promises about what agents say and leave behind: each thing once, whole, and in the agreed format."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from agents.context import artifacts, decisions, dependencies, messages, state
from orchestrator.errors import InputError, JournalError, StorageError
from orchestrator.home import Home, read_json
from orchestrator.models import Decision, JsonObject, Message, Outcome, Plan, now

ROOT = Path(__file__).parent.parent
ROSTER = ("mcp-architecture", "mcp-testing", "mcp-security")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an empty home."""
    return Home(tmp_path)


def message(minutes: int = 0, **changes: Any) -> Message:
    """Return a message to the testing agent, sent so many minutes past noon."""
    fields: dict[str, Any] = {
        "message_id": uuid4(),
        "from_agent": "mcp-architecture",
        "to_agent": "mcp-testing",
        "message_type": "request",
        "task_id": "1.1",
        "content": {"action": "review", "artifact": "design", "data": {"path": "docs/é.md"}},
        "timestamp": NOON + timedelta(minutes=minutes),
    }
    return Message.model_validate({**fields, **changes})


# Messages


def test_message_lies_in_its_receivers_folder_in_the_agreed_format(home: Home) -> None:
    """Any program can read a message: one JSON file named by its time and id."""
    sent = message(message_id=UUID(int=7))

    receivers = messages.deliver(home, sent, ROSTER)

    file = home.agent("mcp-testing") / "messages" / f"20260102T120000.000000Z-{UUID(int=7)}.json"
    assert receivers == ("mcp-testing",)
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "message_id": str(UUID(int=7)),
        "correlation_id": None,
        "from_agent": "mcp-architecture",
        "to_agent": "mcp-testing",
        "message_type": "request",
        "task_id": "1.1",
        "content": {"action": "review", "artifact": "design", "data": {"path": "docs/é.md"}},
        "priority": "medium",
        "timestamp": "2026-01-02T12:00:00Z",
    }
    assert messages.inbox(home, "mcp-testing") == [sent]


def test_all_is_everyone_but_the_sender(home: Home) -> None:
    """A message to ALL reaches every other agent, and does not come back."""
    sent = message(to_agent="ALL")

    assert messages.deliver(home, sent, ROSTER) == ("mcp-testing", "mcp-security")
    assert [messages.inbox(home, agent) for agent in ROSTER] == [[], [sent], [sent]]


@pytest.mark.parametrize("receiver", ["mcp-nobody", "all", "", "../mcp-testing"])
def test_message_to_nobody_is_refused(home: Home, receiver: str) -> None:
    """A message is never lost in silence, and a receiver's name is never a path."""
    with pytest.raises(InputError, match="to_agent: there is no agent"):
        messages.deliver(home, message(to_agent=receiver), ROSTER)
    assert list(home.root.rglob("*")) == []


def test_delivering_again_changes_nothing(home: Home) -> None:
    """A delivery repeated after a kill, even with another clock, leaves the one file untouched."""
    sent = message()
    messages.deliver(home, sent, ROSTER)
    (file,) = (home.agent("mcp-testing") / "messages").iterdir()
    before = file.stat()

    messages.deliver(home, sent, ROSTER)
    messages.deliver(home, sent.model_copy(update={"timestamp": NOON + timedelta(hours=1)}), ROSTER)

    assert list(file.parent.iterdir()) == [file]
    assert file.stat() == before


def test_half_delivered_message_reaches_the_rest(home: Home) -> None:
    """After a kill between two receivers, delivering again reaches those still missing."""
    sent = message(to_agent="ALL")
    messages.deliver(home, sent, ROSTER[:2])

    messages.deliver(home, sent, ROSTER)

    assert messages.inbox(home, "mcp-testing") == messages.inbox(home, "mcp-security") == [sent]


def test_inbox_is_in_the_order_sent(home: Home) -> None:
    """Messages come oldest first, whatever time zone they were written in and order they came in."""
    east = NOON.replace(hour=11).astimezone(tz=datetime.fromisoformat("2026-01-01T00:00+14:00").tzinfo)
    sent = [message(5), message(0), message(timestamp=east)]
    for item in sent:
        messages.deliver(home, item, ROSTER)

    assert messages.inbox(home, "mcp-testing") == sent[::-1]


def test_urgent_messages_get_the_few_places(home: Home) -> None:
    """Where more wait than a brief can take, the most urgent come first and the rest with the next session."""
    sent = {name: message(number, priority=name) for number, name in enumerate(["low", "medium", "critical", "high"])}
    for item in sent.values():
        messages.deliver(home, item, ROSTER)

    first = messages.inbox(home, "mcp-testing", limit=2)
    messages.mark_shown(home, "mcp-testing", [item.message_id for item in first], "s1")

    assert first == [sent["critical"], sent["high"]]
    assert messages.inbox(home, "mcp-testing", limit=2) == [sent["low"], sent["medium"]]


def test_shown_message_is_not_shown_again(home: Home) -> None:
    """What one session was shown, no later one is; it stays in the folder and can be read on request."""
    sent = [message(0), message(1)]
    for item in sent:
        messages.deliver(home, item, ROSTER)

    messages.mark_shown(home, "mcp-testing", [sent[0].message_id], "s1")

    assert messages.inbox(home, "mcp-testing") == [sent[1]]
    assert messages.inbox(home, "mcp-testing", unread_only=False) == sent


def test_session_begun_again_gets_what_it_had(home: Home) -> None:
    """A kill between the note and the brief loses no message: for the same session it is still unread."""
    sent = message()
    messages.deliver(home, sent, ROSTER)
    messages.mark_shown(home, "mcp-testing", [sent.message_id], "s1")
    messages.mark_shown(home, "mcp-testing", [sent.message_id], "s2")

    assert messages.inbox(home, "mcp-testing", session="s1") == [sent]
    assert messages.inbox(home, "mcp-testing", session="s2") == []


def test_marking_again_changes_nothing(home: Home) -> None:
    """The note is written once for each message."""
    sent = message()
    for _ in range(3):
        messages.mark_shown(home, "mcp-testing", [sent.message_id, str(sent.message_id)], "s1")

    assert (home.agent("mcp-testing") / "messages" / ".shown.jsonl").read_text().count("\n") == 1


def test_sessions_side_by_side_keep_all_notes(home: Home) -> None:
    """Two sessions of one agent that end at once lose none of each other's notes."""
    sent = [message(number) for number in range(40)]
    for item in sent:
        messages.deliver(home, item, ROSTER)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: messages.mark_shown(home, "mcp-testing", [item.message_id], "s"), sent))

    assert messages.inbox(home, "mcp-testing") == []


def test_torn_note_is_cut(home: Home) -> None:
    """A kill in the middle of a note leaves its message unread and the earlier notes in force."""
    sent = [message(0), message(1)]
    for item in sent:
        messages.deliver(home, item, ROSTER)
        messages.mark_shown(home, "mcp-testing", [item.message_id], "s1")
    ledger = home.agent("mcp-testing") / "messages" / ".shown.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-4])

    assert messages.inbox(home, "mcp-testing") == [sent[1]]
    messages.mark_shown(home, "mcp-testing", [sent[1].message_id], "s2")
    assert messages.inbox(home, "mcp-testing") == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "not JSON"),
        ("\udcff", "not JSON"),
        ("[]", "all of it: "),
        ('{"message_id": 1}', "message_id: "),
        ("[" * 100_000, "not JSON"),
    ],
    ids=["torn", "not text", "list", "fields", "deep"],
)
def test_malformed_file_is_reported_and_the_rest_is_read(home: Home, text: str, fault: str) -> None:
    """One bad file costs an agent none of its other messages, and its path and fault are told in one line."""
    sent = [message(0), message(1)]
    for item in sent:
        messages.deliver(home, item, ROSTER)
    bad = home.agent("mcp-testing") / "messages" / "a bad one.json"
    bad.write_bytes(text.encode(errors="surrogateescape"))

    (line,) = messages.malformed(home, "mcp-testing")

    assert messages.inbox(home, "mcp-testing") == sent
    assert line.startswith(f"{bad}: ") and fault in line and "\n" not in line


def test_message_put_there_by_hand_is_read(home: Home) -> None:
    """A person may drop a message into the folder under any name; shown once is shown."""
    sent = message()
    folder = home.agent("mcp-testing") / "messages"
    folder.mkdir(parents=True)
    (folder / "from-me.json").write_text(sent.model_dump_json())

    assert messages.inbox(home, "mcp-testing") == [sent]
    messages.mark_shown(home, "mcp-testing", [sent.message_id], "s1")
    assert messages.inbox(home, "mcp-testing") == []


def test_agent_without_messages_has_an_empty_inbox(home: Home) -> None:
    """Asking makes nothing."""
    assert messages.inbox(home, "mcp-testing") == messages.malformed(home, "mcp-testing") == []
    assert list(home.root.iterdir()) == []


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("message_type", "question", "message_type: Input should be 'request', 'response', 'notification' or 'review'"),
        ("priority", "urgent", "priority: Input should be 'low', 'medium', 'high' or 'critical'"),
        ("content", {"action": "fix", "artifact": "code"}, "content.action: Input should be 'implement', 'review'"),
        ("content", {"action": "test"}, "content.artifact: Field required"),
        ("timestamp", "2026-01-02T12:00:00", "timestamp: Input should have timezone info"),
        ("timestamp", "yesterday", "timestamp: Input should be a valid datetime"),
        ("message_id", "7", "message_id: Input should be a valid UUID"),
        ("reply_to", "x", "reply_to: Extra inputs are not permitted"),
    ],
)
def test_parse_names_field_and_fault(field: str, value: object, fault: str) -> None:
    """Whoever wrote a bad message learns in one line which field to mend and how."""
    with pytest.raises(InputError) as caught:
        messages.parse({**message().model_dump(mode="json"), field: value})

    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parse_returns_the_message() -> None:
    """A message written out and read is the same message."""
    sent = message()

    assert messages.parse(sent.model_dump(mode="json")) == sent


# Decisions


def decision(number: int, task: str = "1.1") -> Decision:
    """Return a decision about a task."""
    about = {"time": now(), "agent": "mcp-architecture", "subject": "Transport", "reason": "Simple"}
    return Decision.model_validate({"id": f"d{number}", "task_id": task, "decision": "Use stdio", **about})


def test_decisions_come_back_in_order(home: Home) -> None:
    """The log gives back what was decided, all of it or for one task."""
    taken = [decision(1), decision(2, "2.1"), decision(3)]
    for item in taken:
        decisions.log(home, item)

    assert decisions.read(home) == taken
    assert decisions.read(home, "1.1") == [taken[0], taken[2]]
    assert decisions.read(home, "9.9") == []


def test_no_decisions_before_the_first(home: Home) -> None:
    """A new project has none, and that is no error."""
    assert decisions.read(home) == []


def test_decision_logged_again_changes_nothing(home: Home) -> None:
    """A decision repeated after a kill is there once, as it was taken first."""
    first = decision(1)
    decisions.log(home, first)
    decisions.log(home, decision(1).model_copy(update={"decision": "Use HTTP"}))

    assert decisions.read(home) == [first]


def test_decisions_are_json_lines(home: Home) -> None:
    """The log can be read by any tool, a line a decision."""
    decisions.log(home, decision(1))
    (line,) = home.decisions.read_text().splitlines()

    assert json.loads(line)["decision"] == "Use stdio"


def test_decisions_of_many_threads_are_all_logged(home: Home) -> None:
    """Agents that decide at once lose and double nothing."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: decisions.log(home, decision(number % 25)), range(50)))

    assert sorted(item.id for item in decisions.read(home)) == sorted(f"d{number}" for number in range(25))


def test_damaged_log_is_named(home: Home) -> None:
    """A line changed by hand is an error with its number, never another decision."""
    decisions.log(home, decision(1))
    decisions.log(home, decision(2))
    home.decisions.write_text(home.decisions.read_text().replace("stdio", "HTTP", 1))

    with pytest.raises(JournalError, match=r"decisions\.log: line 1 is damaged"):
        decisions.read(home)


# State


def ended(task: str, status: str, reason: str = "because", agent: str = "mcp-testing") -> Outcome:
    """Return the end of a task."""
    return Outcome.model_validate({"task": task, "key": "ab" * 32, "status": status, "reason": reason, "agent": agent})


def own_state(home: Home, agent: str = "mcp-testing") -> JsonObject:
    """Return an agent's state, as other programs read it."""
    told = read_json(home.agent(agent) / "state.json")
    assert told is not None
    return told


def test_state_says_what_an_agent_does(home: Home) -> None:
    """`state.json` holds the agreed fields, and times in ISO-8601."""
    state.write(home, "mcp-testing", status="working", task="1.1", session="work-1.1")
    told = own_state(home)
    times = [datetime.fromisoformat(told.pop(name)) for name in ("since", "updated")]

    assert told == {
        "agent": "mcp-testing",
        "status": "working",
        "task": "1.1",
        "session": "work-1.1",
        "merged": [],
        "failed": [],
        "last_error": None,
    }
    assert times[0] <= times[1]
    assert all(time.tzinfo for time in times)


def test_since_is_when_it_began(home: Home) -> None:
    """Saying the same again, as a resumed run does, keeps the beginning; another session is another beginning."""
    state.write(home, "mcp-testing", status="working", task="1.1", session="work-1.1")
    began = own_state(home)["since"]
    state.write(home, "mcp-testing", status="working", task="1.1", session="work-1.1")
    again = own_state(home)["since"]
    state.write(home, "mcp-testing", status="working", task="1.1", session="work-1.2")

    assert again == began
    assert own_state(home)["since"] > began


def test_ends_of_tasks_stay_while_the_agent_goes_on(home: Home) -> None:
    """What an agent merged and failed is kept from session to session, each task once."""
    for outcome in [ended("1.1", "merged"), ended("1.2", "failed", "gate red"), ended("1.1", "merged")]:
        state.close(home, outcome)
    state.write(home, "mcp-testing", status="idle")
    told = own_state(home)

    assert (told["merged"], told["failed"], told["last_error"]) == (["1.1"], ["1.2"], "1.2: gate red")


@pytest.mark.parametrize(
    ("statuses", "merged", "failed"),
    [
        (["failed", "merged"], ["1.1"], []),
        (["merged", "failed"], [], ["1.1"]),
        (["blocked"], [], ["1.1"]),
        (["skipped"], [], []),
        (["merged", "skipped"], ["1.1"], []),
    ],
    ids="-".join,
)
def test_last_end_of_a_task_counts(home: Home, statuses: list[str], merged: list[str], failed: list[str]) -> None:
    """A task that failed and was merged in a later run has not failed; one that was skipped keeps its end."""
    for status in statuses:
        state.close(home, ended("1.1", status))

    told = own_state(home)
    assert (told["merged"], told["failed"]) == (merged, failed)


def test_rebuilt_state_is_idle_with_the_ends_of_all_tasks(home: Home) -> None:
    """After a kill nobody works; from the journal's outcomes every state is what it was, even if its file is gone."""
    state.write(home, "mcp-testing", status="working", task="1.3", session="work-1.1")

    state.rebuild(home, ROSTER, [ended("1.1", "merged"), ended("1.2", "failed", "gate red")])

    told = own_state(home)
    assert sorted(file.parent.name for file in home.agents.glob("*/state.json")) == sorted(ROSTER)
    assert (told["status"], told["task"], told["session"]) == ("idle", None, None)
    assert (told["merged"], told["failed"], told["last_error"]) == (["1.1"], ["1.2"], "1.2: gate red")


@pytest.mark.parametrize("text", ["{", "[]", '{"agent": "mcp-testing", "mood": "good"}'])
def test_state_changed_by_hand_is_written_anew(home: Home, text: str) -> None:
    """A state file is a projection: a broken one does not stop its agent."""
    state.write(home, "mcp-testing", status="idle")
    (home.agent("mcp-testing") / "state.json").write_text(text)

    state.write(home, "mcp-testing", status="reviewing", task="1.1")

    assert own_state(home)["status"] == "reviewing"


def test_states_written_at_once_lose_nothing(home: Home) -> None:
    """Tasks of one agent that end side by side are all noted."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: state.close(home, ended(f"1.{number}", "merged")), range(1, 33)))

    assert set(own_state(home)["merged"]) == {f"1.{number}" for number in range(1, 33)}


# Artifacts


def test_artifacts_of_a_task_come_from_all_agents(home: Home) -> None:
    """What any agent left for a task is found by the task, line endings included; other tasks' stay out."""
    artifacts.save(home, "mcp-architecture", "1.1", "design.md", "# Design\r\n")
    artifacts.save(home, "mcp-testing", "1.1", "reports/plan.md", "é")
    artifacts.save(home, "mcp-testing", "1.10", "design.md", "another")

    assert artifacts.read(home, "1.1") == {"design.md": "# Design\r\n", "reports/plan.md": "é"}
    assert artifacts.read(home, "2.1") == {}


def test_artifact_lies_where_people_look(home: Home) -> None:
    """An artifact is a file under its agent and task, replaced whole when saved again."""
    artifacts.save(home, "mcp-testing", "1.1", "plan.md", "old")
    path = artifacts.save(home, "mcp-testing", "1.1", "plan.md", "new")

    assert path == home.root / "agents" / "mcp-testing" / "artifacts" / "1.1" / "plan.md"
    assert [file.name for file in path.parent.iterdir()] == ["plan.md"]
    assert path.read_text() == "new"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/x", "a/../../x", ".hidden", "a/.b", "a\0b"])
def test_artifact_stays_in_its_folder(home: Home, name: str) -> None:
    """No name leads out of the task's folder."""
    with pytest.raises(InputError, match="give a relative name"):
        artifacts.save(home, "mcp-testing", "1.1", name, "text")
    assert list(home.root.iterdir()) == []


# Dependencies


def test_dependencies_show_the_graph_both_ways(home: Home) -> None:
    """Each task tells its agent, its state, what it waits for and what waits for it."""
    about = {"phase": 1, "component": 1, "component_name": "C", "agent": "mcp-testing", "kind": "code", "effort": 1}
    tasks = [
        {"id": f"1.{number}", "title": f"T{number}", "deps": deps, "accept": ["works"], **about}
        for number, deps in [(1, []), (2, ["1.1"]), (3, ["1.1", "1.2"])]
    ]
    powers = (
        "planning_approver",
        "design_final_say",
        "implementation_veto",
        "release_block",
        "deadlock",
        "integration",
    )
    policy = dict.fromkeys(powers, "mcp-testing")
    fields = {"version": 1, "name": "p", "phases": [], "components": [], "agents": [], "policy": policy, "tasks": tasks}

    dependencies.write(home, Plan.model_validate(fields), {"1.1": "merged", "1.2": "running"})

    told = read_json(home.dependencies) or {}
    assert told["plan"] == "p"
    assert told["tasks"]["1.1"] == {
        "title": "T1",
        "agent": "mcp-testing",
        "state": "merged",
        "deps": [],
        "dependents": ["1.2", "1.3"],
    }
    assert told["tasks"]["1.3"]["deps"] == ["1.1", "1.2"]
    assert [task["state"] for task in told["tasks"].values()] == ["merged", "running", "pending"]


# All of it


def test_a_file_in_the_way_is_a_storage_error(home: Home) -> None:
    """What cannot be written is told in one line with its place."""
    home.agents.parent.mkdir(exist_ok=True)
    home.agents.write_text("")

    with pytest.raises(StorageError, match=str(home.agents)):
        state.write(home, "mcp-testing", status="idle")
    with pytest.raises(StorageError, match=str(home.agents)):
        messages.mark_shown(home, "mcp-testing", [uuid4()], "s1")


WALK = """
import sys
from pathlib import Path
from uuid import UUID
from agents.context import artifacts, decisions, messages, state
from orchestrator.home import Home
from orchestrator.models import Decision, Message
home = Home(Path(sys.argv[1]))
when = "2026-01-02T12:00:00Z"
sent = {"from_agent": "a", "to_agent": "ALL", "message_type": "review", "task_id": "1.1", "timestamp": when,
        "content": {"action": "test", "artifact": "code"}}
taken = {"time": when, "task_id": "1.1", "agent": "a", "subject": "s", "decision": "d", "reason": "r"}
for number in range(60):
    message = Message.model_validate({"message_id": UUID(int=number), **sent})
    messages.deliver(home, message, ("a", "b", "c"))
    messages.mark_shown(home, "b", [message.message_id], "s1")
    decisions.log(home, Decision.model_validate({"id": f"d{number}", **taken}))
    artifacts.save(home, "a", "1.1", f"{number}.md", str(number))
    state.write(home, "a", status="working", task="1.1")
    print(number, flush=True)
"""


def test_walking_the_same_path_after_kill_9_doubles_nothing(home: Home) -> None:
    """Killed at several places and replayed from the start each time, everything is there exactly once and whole."""
    for steps in (1, 7, 23, 60):
        process = subprocess.Popen([sys.executable, "-c", WALK, str(home.root)], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout
        for _ in range(steps):
            process.stdout.readline()
        process.kill()
        process.communicate()

    assert [item.message_id.int for item in messages.inbox(home, "c", limit=99)] == list(range(60))
    assert messages.malformed(home, "b") == messages.malformed(home, "c") == messages.inbox(home, "b") == []
    assert [item.id for item in decisions.read(home)] == [f"d{number}" for number in range(60)]
    assert artifacts.read(home, "1.1") == {f"{number}.md": str(number) for number in range(60)}
    assert own_state(home, "a")["status"] == "working"
