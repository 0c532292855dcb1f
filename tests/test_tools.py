"""Promises of the agents' tools: what each gives, what each refuses, and that a reviewer can change nothing."""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agents.bench import Bench
from agents.context import decisions, knowledge, messages
from agents.tools import WORDS_LIMIT, Result, kit
from agents.tools import bash as shell
from agents.tools import editor as files
from orchestrator.errors import StorageError, UnsupportedError
from orchestrator.events import read_events
from orchestrator.home import Home
from orchestrator.models import Message
from tests.workbench import AGENTS, POLICY, SECURITY, SLOT, TESTING, WORKER, bench, session

EDITOR = files.NAME


@pytest.fixture
def seat(home: Home, tmp_path: Path) -> Iterator[Bench]:
    """Return the bench of a work session."""
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)  # the sandbox's own user must come through
    with bench(home) as found:
        yield found


@pytest.fixture
def reviewing(seat: Bench) -> Bench:
    """Return the same bench as a reviewer has it."""
    return replace(seat, session=session(role="review", agent=SECURITY))


def use(where: Bench, name: str, /, **given: Any) -> Result:
    """Return what one call of a tool gives."""
    return use_at("1.1", where, name, **given)


def use_at(place: str, where: Bench, name: str, /, **given: Any) -> Result:
    """Return what the call at one place of a session gives."""

    async def run() -> Result:
        return await kit.tools(where)[name].run(given, place)

    return asyncio.run(run())


def write(where: Bench, path: str, text: str) -> Path:
    """Write a file into the worktree as an agent would."""
    assert not use(where, EDITOR, command="create", path=path, file_text=text).is_error
    return where.worktree / path


# Who has which


def test_a_worker_and_a_reviewer_have_the_tools_of_their_role(seat: Bench, reviewing: Bench) -> None:
    """Both look around and talk; only work is finished, only a review ends in a verdict."""
    both = {"bash", EDITOR, "send_message", "search_knowledge"}

    assert set(kit.tools(seat)) == both | {"record_decision", "share_knowledge", "finish"}
    assert set(kit.tools(reviewing)) == both | {"submit_verdict", "approve_knowledge"}
    assert set(kit.tools(replace(reviewing, session=session(role="resolve")))) == both | {"resolve"}


def test_definitions_are_those_of_the_messages_api(seat: Bench) -> None:
    """The maker's own tools go by type and name alone, ours bring a plain JSON Schema, and all of it is JSON."""
    definitions = {name: tool.definition for name, tool in kit.tools(seat).items()}

    assert definitions["bash"] == {"type": "bash_20250124", "name": "bash"}
    assert (definitions[EDITOR]["type"], definitions[EDITOR]["name"]) == ("text_editor_20250728", EDITOR)
    for own in definitions.keys() - {"bash", EDITOR}:
        assert set(definitions[own]) == {"name", "description", "input_schema"}
        assert definitions[own]["input_schema"]["type"] == "object"
    assert json.loads(json.dumps(definitions)) == definitions


# Shell


def test_bash_runs_in_the_worktree_and_says_how_it_ended(seat: Bench) -> None:
    """Output is given with the exit code where it is not zero; a failed command is an answer, not an error."""
    write(seat, "a.txt", "one\n")

    assert use(seat, "bash", command="cat a.txt; echo two > b.txt") == Result("one\n")
    assert (seat.worktree / "b.txt").read_text() == "two\n"
    assert use(seat, "bash", command="echo no >&2; exit 3") == Result("no\n\n[exit code 3]")
    assert use(seat, "bash", command="true") == Result("[no output]")


def test_bash_keeps_head_and_tail_of_long_output(seat: Bench) -> None:
    """However much a command prints, an agent reads a bounded part of it: where it began and how it ended."""
    given = use(seat, "bash", command="echo first; yes é | head -c 3000000; echo last")

    assert given.text.startswith("first\n") and given.text.endswith("last\n")
    assert "bytes cut" in given.text
    assert len(given.text) < shell.OUTPUT_LIMIT + 100


def test_bash_ends_a_command_that_does_not(seat: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command has its time; what it printed until then is given."""
    monkeypatch.setattr(shell, "SECONDS", 0.5)
    began = time.monotonic()

    given = use(seat, "bash", command="echo begun; sleep 300 & sleep 300")

    assert given == Result("begun\n\n[ended after 0.5 s]", is_error=True)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "must be a shell command"),
        ({"command": ["ls"]}, "must be a shell command"),
        ({"command": "  "}, "must be a shell command"),
        ({"command": "echo \0"}, "NUL byte"),
        ({"command": "echo " + "é" * 100_000}, "longer than 100000 bytes"),
    ],
    ids=["nothing", "a list", "blank", "a NUL", "too long"],
)
def test_bash_refuses_what_is_no_command(seat: Bench, given: dict[str, Any], said: str) -> None:
    """A command that no shell could be given is answered in a line."""
    refused = use(seat, "bash", **given)

    assert refused.is_error and said in refused.text


def test_bash_needs_no_restart(seat: Bench) -> None:
    """A model that knows the tool may ask for a new shell; it always has one."""
    assert not use(seat, "bash", restart=True).is_error


def test_a_machine_without_a_sandbox_is_no_answer(seat: Bench) -> None:
    """What is the machine's fault goes up to whoever can mend it, and is not held against the agent."""
    sandbox = replace(seat.sandbox, bwrap="/nonexistent/bwrap")

    with pytest.raises(UnsupportedError, match="/nonexistent/bwrap: could not be started"):
        use(replace(seat, sandbox=sandbox), "bash", command="true")


# Editor


def test_view_numbers_the_lines_as_grep_does(seat: Bench) -> None:
    """A form feed or a line separator inside a line does not shift the numbers."""
    write(seat, "a.txt", "one\x0cstill one\u2028and still\r\ntwo\n\nfour")

    assert use(seat, EDITOR, command="view", path="a.txt").text == (
        "     1\tone\x0cstill one\u2028and still\r\n     2\ttwo\n     3\t\n     4\tfour"
    )
    assert use(seat, EDITOR, command="view", path="a.txt", view_range=[2, 2]).text == "     2\ttwo"
    assert use(seat, EDITOR, command="view", path="a.txt", view_range=[4, -1]).text == "     4\tfour"


@pytest.mark.parametrize("span", [[0, 1], [2, 9], [9, -1], [3, 1]], ids=["zero", "beyond", "from beyond", "backwards"])
def test_view_of_lines_that_are_not_there_says_how_many_there_are(seat: Bench, span: list[int]) -> None:
    """A wrong range is answered with what would be right."""
    write(seat, "a.txt", "one\ntwo\n")

    refused = use(seat, EDITOR, command="view", path="a.txt", view_range=span)

    assert refused.is_error and "has 2 lines" in refused.text


def test_view_of_a_large_file_is_cut(seat: Bench) -> None:
    """A huge file does not fill the conversation; the agent is told how to see the rest."""
    write(seat, "a.txt", "x" * 2_000_000)

    given = use(seat, EDITOR, command="view", path="a.txt")

    assert len(given.text) < files.VIEW_LIMIT + 200
    assert "view_range" in given.text


def test_view_of_a_folder_lists_it(seat: Bench) -> None:
    """A folder is shown by its entries; an empty one and an empty file say so."""
    write(seat, "src/a.py", "a = 1\n")
    write(seat, "empty.txt", "")
    use(seat, "bash", command="mkdir nothing")

    assert use(seat, EDITOR, command="view", path=".").text == "empty.txt\nnothing/\nsrc/\nsrc/a.py"
    assert use(seat, EDITOR, command="view", path="/workspace/nothing").text == "[an empty folder]"
    assert use(seat, EDITOR, command="view", path="empty.txt").text == "[an empty file]"


def test_replace_needs_exactly_one_place(seat: Bench) -> None:
    """What is ambiguous or missing is refused, and nothing is changed."""
    file = write(seat, "a.txt", "one two two\n")

    twice = use(seat, EDITOR, command="str_replace", path="a.txt", old_str="two", new_str="2")
    never = use(seat, EDITOR, command="str_replace", path="a.txt", old_str="six", new_str="6")
    once = use(seat, EDITOR, command="str_replace", path="a.txt", old_str="one ", new_str="")

    assert (twice.is_error, never.is_error, once.is_error) == (True, True, False)
    assert "2 times" in twice.text and "0 times" in never.text
    assert file.read_text() == "two two\n"


@pytest.mark.parametrize(
    ("line", "text", "content"),
    [
        (0, "new", "new\none\ntwo"),
        (1, "new\n", "one\nnew\ntwo"),
        (2, "new", "one\ntwo\nnew\n"),
        (1, "", "one\n\ntwo"),
        (3, "new", None),
        (-1, "new", None),
    ],
    ids=["first", "between", "after a last line without an end", "an empty line", "beyond", "before"],
)
def test_insert_puts_whole_lines_after_a_line(seat: Bench, line: int, text: str, content: str | None) -> None:
    """An inserted text never runs into its neighbours."""
    file = write(seat, "a.txt", "one\ntwo")

    given = use(seat, EDITOR, command="insert", path="a.txt", insert_line=line, insert_text=text)

    assert given.is_error is (content is None)
    assert file.read_text() == (content or "one\ntwo")


@pytest.mark.parametrize(
    "given",
    [
        {"command": "create", "path": "a"},
        {"command": "str_replace", "path": "a", "new_str": "x"},
        {"command": "str_replace", "path": "a", "old_str": "", "new_str": "x"},
        {"command": "insert", "path": "a", "insert_line": 0},
        {"command": "undo_edit", "path": "a"},
        {"command": "create", "path": ["a"], "file_text": "x"},
        {"path": "a"},
        {"command": "view", "path": "missing"},
        {"command": "view", "path": "\0"},
        {"command": "view", "path": "."},
        {"command": "create", "path": ".", "file_text": "x"},
        {"command": "create", "path": "../out", "file_text": "x"},
        {"command": "create", "path": "/etc/passwd", "file_text": "x"},
        {"command": "create", "path": ".git/config", "file_text": "x"},
        {"command": "create", "path": "link/out", "file_text": "x"},
        {"command": "create", "path": "big", "file_text": "x" * 3_000_000},
    ],
    ids=lambda given: f"{given.get('command', 'no')} {str(given['path'])[:12]!a}",
)
def test_editor_answers_what_it_cannot_do_in_one_line(seat: Bench, given: dict[str, Any], tmp_path: Path) -> None:
    """No input, however wrong, ends in an exception or outside the worktree."""
    (seat.worktree / "link").symlink_to(tmp_path)
    if given["path"] == "." and given["command"] == "view":
        given = {**given, "path": "link"}

    refused = use(seat, EDITOR, **given)

    assert refused.is_error and "\n" not in refused.text
    assert not (tmp_path / "out").exists()


def test_a_full_disk_stops_the_run(seat: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No agent can mend a full disk, so it is not asked to."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "rename", refuse)

    with pytest.raises(StorageError, match="No space left"):
        use(seat, EDITOR, command="create", path="a", file_text="x")


def test_what_the_editor_writes_the_shell_can_change(seat: Bench) -> None:
    """Both tools work on the same files as the same user."""
    file = write(seat, "src/deep/a.txt", "one\n")

    given = use(seat, "bash", command="echo two >> src/deep/a.txt && cat src/deep/a.txt && rm -r src && mkdir src")

    assert given == Result("one\ntwo\n")
    assert not file.exists()
    assert not use(seat, EDITOR, command="create", path="src/b.txt", file_text="").is_error


# A reviewer


@pytest.mark.parametrize(
    "given",
    [
        {"command": "create", "path": "new.txt", "file_text": "x"},
        {"command": "create", "path": "a.txt", "file_text": "x"},
        {"command": "str_replace", "path": "a.txt", "old_str": "one", "new_str": "x"},
        {"command": "insert", "path": "a.txt", "insert_line": 0, "insert_text": "x"},
    ],
    ids=lambda given: f"{given['command']} {given['path']}",
)
def test_a_reviewers_editor_only_views(seat: Bench, reviewing: Bench, given: dict[str, Any]) -> None:
    """Every command that writes is refused; viewing works."""
    file = write(seat, "a.txt", "one\n")

    refused = use(reviewing, EDITOR, **given)

    assert refused == Result("A reviewer can only view files.", is_error=True)
    assert file.read_text() == "one\n" and not (seat.worktree / "new.txt").exists()
    assert use(reviewing, EDITOR, command="view", path="a.txt").text == "     1\tone"


def test_a_reviewers_shell_cannot_write(seat: Bench, reviewing: Bench, home: Home) -> None:
    """Neither the worktree, nor its git link, nor the repository changes by a command; its own scratch space does."""
    file = write(seat, "a.txt", "one\n")
    attempts = (
        "echo x >> a.txt; rm a.txt; mv a.txt b.txt; chmod 777 a.txt; ln -s / link; touch new; echo x > .git;"
        f"touch {home.repository}/x; git -C {home.repository} update-ref -d refs/heads/main; git commit -am x;"
        "echo done > /tmp/mine && cat /tmp/mine"
    )

    given = use(reviewing, "bash", command=attempts)

    assert given.text.endswith("done\n")
    assert sorted(path.name for path in seat.worktree.iterdir()) == [".git", "a.txt"]
    assert file.read_text() == "one\n"
    assert not (home.repository / "x").exists()


def test_only_what_reads_runs_side_by_side(seat: Bench, reviewing: Bench) -> None:
    """A worker's commands wait for each other; a reviewer's need not."""
    view, create = {"command": "view", "path": "."}, {"command": "create", "path": "a", "file_text": ""}
    given = {"bash": {"command": "ls"}, EDITOR: view}

    def reading(where: Bench) -> set[str]:
        return {name for name, tool in kit.tools(where).items() if tool.reads(given.get(name, {}))}

    assert reading(seat) == {EDITOR, "search_knowledge"}
    assert reading(reviewing) == {"bash", EDITOR, "search_knowledge"}
    assert not kit.tools(seat)[EDITOR].reads(create)


# Closing


def test_finish_hands_over_a_summary(seat: Bench) -> None:
    """A summary is needed, and more than blanks."""
    assert use(seat, "finish", summary=" Done. ").closing == {"summary": "Done."}
    assert use(seat, "finish", summary="  ").is_error
    assert use(seat, "finish").is_error
    assert use(seat, "finish", summary="x" * (WORDS_LIMIT + 1)).is_error


@pytest.mark.parametrize(
    ("agent", "decision", "taken"),
    [
        (SECURITY, "veto", True),
        (TESTING, "veto", False),
        (TESTING, "block", True),
        (SECURITY, "block", False),
        (WORKER, "request_changes", True),
        (WORKER, "approve", True),
        (WORKER, "reject", False),
    ],
)
def test_only_the_holder_of_a_power_uses_it(reviewing: Bench, agent: str, decision: str, taken: bool) -> None:
    """A veto is the security agent's and a block the testing agent's; all may ask for changes."""
    where = replace(reviewing, session=session(role="review", agent=agent))

    given = use(where, "submit_verdict", decision=decision, summary="So.", findings=[{"text": "a hole"}])

    assert (given.closing is not None, given.is_error) == (taken, not taken)


def test_an_objection_needs_a_finding(reviewing: Bench) -> None:
    """A verdict that nobody could act on is not taken; an approval needs none."""
    assert use(reviewing, "submit_verdict", decision="request_changes", summary="Bad.").is_error
    assert use(reviewing, "submit_verdict", decision="approve", summary="Good.").closing == {
        "decision": "approve",
        "summary": "Good.",
        "findings": [],
        "waits_for": None,
    }


@pytest.mark.parametrize(
    ("decision", "task", "taken"),
    [("request_changes", "1.2", True), ("request_changes", "1.1", False), ("approve", "1.2", False)],
    ids=["another task", "the task itself", "with an approval"],
)
def test_only_a_request_for_changes_waits_for_another_task(
    reviewing: Bench, decision: str, task: str, taken: bool
) -> None:
    """What a verdict waits for goes with an objection, and is never the task that is judged."""
    given = use(reviewing, "submit_verdict", decision=decision, summary="So.", findings=[{"text": "x"}], waits_for=task)

    assert (given.closing is not None, given.is_error) == (taken, not taken)


@pytest.mark.parametrize(
    ("decision", "changes", "taken"),
    [("give-up", None, True), ("another-round", "this", True), ("another-round", None, False), ("accept", None, False)],
    ids=["open", "a round with what must change", "a round without", "not open"],
)
def test_a_deadlock_is_resolved_only_in_a_way_that_is_open(
    reviewing: Bench, decision: str, changes: str | None, taken: bool
) -> None:
    """Whoever resolves a deadlock takes one of the decisions that it leaves, and says what a further round is for."""
    where = replace(reviewing, session=session(role="resolve"), allowed=("another-round", "reassign", "give-up"))

    given = use(where, "resolve", decision=decision, reason="So.", changes=changes)

    assert (given.closing is not None, given.is_error) == (taken, not taken)


# Talk


MESSAGE: dict[str, Any] = {
    "to_agent": TESTING,
    "message_type": "request",
    "action": "review",
    "artifact": "code",
    "data": {"path": "src/a.py"},
}


def test_message_reaches_its_receiver_in_the_agreed_format(seat: Bench) -> None:
    """What is sent lies in the receiver's folder, from this agent about this task."""
    given = use(seat, "send_message", **MESSAGE, priority="high")

    (found,) = messages.inbox(seat.home, TESTING)
    assert given.text == f"Sent to {TESTING} as {found.message_id}."
    assert (found.from_agent, found.task_id, found.priority) == (WORKER, "1.1", "high")
    assert found.content.model_dump() == {"action": "review", "artifact": "code", "data": {"path": "src/a.py"}}


def test_message_to_all_reaches_everyone_else(seat: Bench) -> None:
    """`ALL` is the team without the sender."""
    use(seat, "send_message", **{**MESSAGE, "to_agent": "ALL"})

    assert [len(messages.inbox(seat.home, agent)) for agent in AGENTS] == [0, 1, 1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"to_agent": "nobody"}, "no agent `nobody`"),
        ({"message_type": "shout"}, "message_type"),
        ({"data": "words"}, "data"),
        ({"data": {"text": "x" * WORDS_LIMIT}}, "not be longer"),
        ({"from_agent": SECURITY}, "from_agent"),
        ({"correlation_id": "7"}, "correlation_id"),
        ({"correlation_id": str(UUID(int=7))}, f"no message {UUID(int=7)} was sent to you or by you"),
        ({"message_type": "response"}, "a response names the request that it answers, and none waits"),
        ({"to_agent": WORKER}, "goes to others"),
    ],
    ids=[
        *("unknown receiver", "unknown type", "no object", "too large", "another's name", "no id", "no such"),
        *("no request", "itself"),
    ],
)
def test_message_that_does_not_fit_is_not_sent(seat: Bench, changes: dict[str, Any], said: str) -> None:
    """The fault is named, and nobody gets anything."""
    refused = use(seat, "send_message", **{**MESSAGE, **changes})

    assert refused.is_error and said in refused.text and "\n" not in refused.text
    assert messages.inbox(seat.home, TESTING) == []


def asked(where: Bench) -> Message:
    """Let the worker ask the testing agent something, and return the request."""
    use(where, "send_message", **MESSAGE)
    (request,) = messages.open_requests(where.home, [TESTING])
    return request


def test_a_response_answers_its_request(seat: Bench) -> None:
    """The right response of the one who was asked closes the request, and says to which it belongs."""
    request = asked(seat)
    other = replace(seat, session=session(agent=TESTING, round=2))
    reply = {**MESSAGE, "to_agent": WORKER, "message_type": "response", "correlation_id": str(request.message_id)}

    given = use(other, "send_message", **reply)
    (response,) = messages.inbox(seat.home, WORKER)

    assert not given.is_error
    assert messages.open_requests(seat.home, AGENTS) == []
    assert [note["id"] for note in messages.answered(seat.home, TESTING)[str(request.message_id)]] == [
        str(response.message_id)
    ]


@pytest.mark.parametrize(
    ("agent", "to_agent", "said"),
    [
        (TESTING, SECURITY, f"is from {WORKER}; answer who asked"),
        (SECURITY, WORKER, "was sent to you or by you"),
        (WORKER, TESTING, "is no request to you"),
    ],
    ids=["to a third", "by a third", "by who asked"],
)
def test_a_response_that_answers_nothing_is_refused(seat: Bench, agent: str, to_agent: str, said: str) -> None:
    """Who was not asked cannot answer, and an answer goes to nobody else; the request stays open."""
    request = asked(seat)
    reply = {**MESSAGE, "to_agent": to_agent, "message_type": "response", "correlation_id": str(request.message_id)}

    refused = use(replace(seat, session=session(agent=agent, round=2)), "send_message", **reply)

    assert refused.is_error and said in refused.text
    assert messages.open_requests(seat.home, AGENTS) == [request]


def test_a_response_to_nothing_is_told_which_requests_wait(seat: Bench) -> None:
    """Without the id of a request it is refused, with the ids that it could bear; the request stays open."""
    request = asked(seat)
    reply = {**MESSAGE, "to_agent": WORKER, "message_type": "response"}

    refused = use(replace(seat, session=session(agent=TESTING, round=2)), "send_message", **reply)

    waits = f"those that wait for you are {request.message_id} from {WORKER} about 1.1."
    assert refused.is_error and refused.text.endswith(waits)
    assert messages.open_requests(seat.home, AGENTS) == [request]
    assert messages.inbox(seat.home, WORKER) == []


ISSUE = {"type": "issue", "title": "Locks", "text": "The file is locked."}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (ISSUE, "an issue has either its solution or `is_open: true`"),
        ({**ISSUE, "solution": "Wait.", "is_open": True}, "an issue has either"),
        ({**ISSUE, "type": "pattern", "is_open": True}, "only an issue is open"),
        ({**ISSUE, "type": "interface", "title": "Store\nand more"}, "is its name, on one line"),
        ({**ISSUE, "is_open": True, "approver": TESTING}, "approver: Extra inputs are not permitted"),
        ({**ISSUE, "is_open": True, "supersedes": ["knowledge/7"]}, "there is no record `knowledge/7`"),
    ],
    ids=["no solution", "solved and open", "open pattern", "two names", "claimed approver", "no such"],
)
def test_knowledge_that_does_not_fit_is_not_kept(seat: Bench, given: dict[str, Any], said: str) -> None:
    """The fault is named, and nothing is learned."""
    refused = use(seat, "share_knowledge", **given)

    assert refused.is_error and said in refused.text
    assert knowledge.records(seat.home, AGENTS) == []


@pytest.mark.parametrize(
    ("kind", "agent", "can"),
    [
        ("pattern", WORKER, True),
        ("pattern", "mcp-documentation", False),
        ("pattern", TESTING, True),
        ("interface", POLICY.design_final_say, True),
        ("decision", POLICY.design_final_say, True),
        ("pattern", POLICY.deadlock, True),
    ],
)
def test_only_who_has_the_say_takes_the_place_of_a_record(seat: Bench, kind: str, agent: str, can: bool) -> None:
    """A record gives way to its author's and to that of an agent with a power, and is kept."""
    old = {"type": kind, "title": "Retry", "text": "Back off."}
    name = use(seat, "share_knowledge", **old).text.removeprefix("Kept as ").removesuffix(".")
    other = replace(seat, session=session(agent=agent, round=2), agents={**AGENTS, agent: AGENTS[WORKER]})

    given = use(other, "share_knowledge", **{**old, "text": "Give up.", "supersedes": [name]})

    assert given.is_error is not can
    assert given.is_error == ("you cannot overrule them" in given.text)
    assert [item.text for item in knowledge.search(seat.home, AGENTS, "retry")] == ([] if can else ["Back off."]) + (
        ["Give up."] if can and agent in AGENTS else []
    )
    assert "Back off." in [item.text for item in knowledge.records(seat.home, AGENTS)]


def shared(where: Bench) -> str:
    """Let the agent of a session keep something, and return its id."""
    return use(where, "share_knowledge", **TALK["share_knowledge"]).text.removeprefix("Kept as ").removesuffix(".")


def test_a_record_is_approved_by_an_act_of_its_approver(seat: Bench) -> None:
    """Who ranks above its author vouches for it; the first to do so stands, for searches and after a rebuild."""
    name = shared(seat)
    first = replace(seat, session=session(role="review", agent=SECURITY))
    second = replace(seat, session=session(role="resolve", agent=POLICY.deadlock, cause="rounds"))

    said = [use(where, "approve_knowledge", record=name).text for where in (first, first, second)]
    found = use(seat, "search_knowledge", query="retry").text
    for file in seat.home.agents.rglob("*.db"):
        file.unlink()
    knowledge.rebuild(seat.home, knowledge.recorded(read_events(seat.home)))

    assert said == [f"{name} is approved by {SECURITY}."] * 3
    assert found.startswith(f"- Retry (pattern, {WORKER}, approved by {SECURITY}): Back off. [{name}]")
    assert [item.approver for item in knowledge.records(seat.home, AGENTS)] == [SECURITY]


@pytest.mark.parametrize(
    ("author", "agent", "record", "said"),
    [
        (WORKER, SECURITY, "knowledge/7", "there is no record `knowledge/7`"),
        (SECURITY, SECURITY, None, "another agent vouches for what you learned"),
        (POLICY.design_final_say, SECURITY, None, "whose word ranks no lower than yours"),
    ],
    ids=["no such", "its own", "of a higher rank"],
)
def test_nobody_vouches_beyond_their_say(seat: Bench, author: str, agent: str, record: str | None, said: str) -> None:
    """The fault is named, and the record bears no approver; who holds no power has no such tool."""
    name = shared(replace(seat, session=session(agent=author)))

    refused = use(replace(seat, session=session(agent=agent, round=2)), "approve_knowledge", record=record or name)

    assert refused.is_error and said in refused.text and "\n" not in refused.text
    assert [item.approver for item in knowledge.records(seat.home, [author])] == [None]
    assert "approve_knowledge" not in kit.tools(seat)


def test_a_search_gives_no_more_than_its_budget(seat: Bench) -> None:
    """Long records are given as far as they fit, and a line counts the rest."""
    for place in range(3):
        use_at(f"1.{place}", seat, "share_knowledge", **{**TALK["share_knowledge"], "text": "retry " * 900})

    found = use(seat, "search_knowledge", query="retry").text

    assert len(found) < 12_500
    assert found.endswith("[1 more left out for their length: ask more narrowly]")


TALK: dict[str, dict[str, Any]] = {
    "send_message": MESSAGE,
    "record_decision": {"subject": "Storage", "decision": "SQLite", "reason": "It is there."},
    "share_knowledge": {"type": "pattern", "title": "Retry", "text": "Back off.", "references": ["src/a.py"]},
}


def left_behind(where: Bench) -> list[str]:
    """Return the JSON of everything that agents have said and left, with its times and ids."""
    found = (
        *messages.inbox(where.home, TESTING, unread_only=False),
        *decisions.read(where.home),
        *knowledge.search(where.home, AGENTS, "retry"),
    )
    return [item.model_dump_json() for item in found]


@pytest.mark.parametrize("name", TALK)
def test_a_call_repeated_after_a_kill_neither_doubles_nor_changes(seat: Bench, name: str) -> None:
    """The same call of the same session is one message, one decision, one piece of knowledge, with its first time."""
    first = use_at("4.1", seat, name, **TALK[name])
    before = left_behind(seat)
    again = use_at("4.1", seat, name, **TALK[name])

    assert again == first
    assert left_behind(seat) == before and len(before) == 1


@pytest.mark.parametrize("name", TALK)
def test_the_same_words_said_twice_are_two(seat: Bench, name: str) -> None:
    """Another turn, another place in a turn, or another session says it anew."""
    use_at("4.1", seat, name, **TALK[name])
    use_at("4.2", seat, name, **TALK[name])
    use_at("4.1", replace(seat, session=session(round=2)), name, **TALK[name])

    assert len(left_behind(seat)) == 3


@pytest.mark.parametrize("name", TALK)
def test_a_kill_between_the_record_and_the_deed_loses_nothing(seat: Bench, name: str) -> None:
    """What the journal holds is carried out by the repeated call, as it was first said."""
    use_at("4.1", seat, name, **TALK[name])
    before = left_behind(seat)
    for file in [*seat.home.agents.rglob("*.*"), seat.home.decisions]:
        file.unlink(missing_ok=True)

    use_at("4.1", seat, name, **TALK[name])

    assert left_behind(seat) == before


def test_knowledge_is_found_by_everyone(seat: Bench) -> None:
    """What one agent keeps, another finds in plain words."""
    use(seat, "share_knowledge", **TALK["share_knowledge"])
    other = replace(seat, session=session(agent=TESTING))

    assert use(other, "search_knowledge", query="how to retry?").text.startswith(
        f"- Retry (pattern, {WORKER}): Back off. ["
    )
    assert use(other, "search_knowledge", query='"unbalanced OR (').text == "Nothing is known about that."


def test_slot_of_the_bench_is_the_one_it_was_given(seat: Bench) -> None:
    """Commands run as the slot's own user, where there is one."""
    owner = seat.sandbox.owner(SLOT)

    assert use(seat, "bash", command="id -u").text.strip() == str(owner or 1000)
