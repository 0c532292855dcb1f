"""Promises of the playbook: the right file for each round, turn after turn, and clear words where there is none."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.models import Request, Turn
from agents.models.playbook import Playbook
from orchestrator.errors import ModelError, PlaybookExhausted
from orchestrator.models import BuildTask, JsonObject, SessionRef
from tests.workbench import SECURITY, WORKER, session

ROOT = Path(__file__).parent.parent


def write(folder: Path, name: str, *turns: list[dict[str, Any]], task: str = "1.1") -> None:
    """Write the turns of one round."""
    file = folder / task / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump_all([{"role": "assistant", "content": content} for content in turns]))


def says(text: str) -> list[dict[str, Any]]:
    """Return a turn of words."""
    return [{"type": "text", "text": text}]


def ask(folder: Path, who: SessionRef, said: int = 0) -> Turn:
    """Return the turn that a session gets after so many turns of its own."""
    messages: list[JsonObject] = [{"role": "user", "content": "Do it."}]
    for _ in range(said):
        messages += [{"role": "assistant", "content": says("x")}, {"role": "user", "content": "Go on."}]
    return asyncio.run(Playbook(folder).turn(Request(session=who, system="", messages=tuple(messages), tools=())))


def heard(turn: Turn) -> str:
    """Return the words of a turn."""
    return turn.content[0]["text"]


def test_turns_come_one_after_the_other(tmp_path: Path) -> None:
    """The next turn follows from what is in the conversation, so a resumed session goes on where it stood."""
    write(tmp_path, "work", says("first"), says("second"))

    assert [heard(ask(tmp_path, session(), said)) for said in (0, 1)] == ["first", "second"]
    with pytest.raises(PlaybookExhausted, match=r"1\.1/work\.yaml ends after turn 2 without closing the session"):
        ask(tmp_path, session(), 2)


ROUNDS = {
    "work": session(),
    "work.gate": session(round=2, cause="gate"),
    "work.gate.2": session(round=4, cause="gate", occurrence=2),
    "work.review": session(round=3, cause="review"),
    "work.conflict.3": session(round=5, cause="conflict", occurrence=3),
    "work.deadlock": session(round=6, cause="deadlock"),
    "resolve.mcp-security-validation": session(role="resolve", agent=SECURITY, cause="rounds"),
    "review.mcp-security-validation": session(role="review", agent=SECURITY),
    "review.mcp-security-validation.2": session(role="review", agent=SECURITY, round=2, cause="gate"),
}


@pytest.mark.parametrize("name", ROUNDS)
def test_each_round_has_a_file_named_after_what_began_it(tmp_path: Path, name: str) -> None:
    """Rounds count within their cause; reviews count by round and reviewer."""
    for written in ROUNDS:
        write(tmp_path, written, says(written))

    assert heard(ask(tmp_path, ROUNDS[name])) == name


@pytest.mark.parametrize("name", [name for name in ROUNDS if name != "review.mcp-security-validation.2"])
def test_a_round_without_a_file_says_which_is_missing(tmp_path: Path, name: str) -> None:
    """No other round's answer stands in for it, and the missing file and agent are named."""
    for written in ROUNDS:
        if written != name:
            write(tmp_path, written, says(written))
    who = ROUNDS[name]
    said = f"the playbook has no 1.1/{name}.yaml, from which {who.agent} would answer"

    with pytest.raises(PlaybookExhausted, match=re.escape(said)):
        ask(tmp_path, who)


def test_a_later_attempt_may_have_turns_of_its_own(tmp_path: Path) -> None:
    """A file named after an attempt comes before the one that serves every attempt."""
    write(tmp_path, "work.gate", says("any"))
    write(tmp_path, "attempt-2.work.gate", says("second"))

    asked = [session(attempt=number, round=2, cause="gate") for number in (1, 2, 3)]

    assert [heard(ask(tmp_path, who)) for who in asked] == ["any", "second", "any"]


def test_a_reviewers_last_file_serves_its_later_rounds(tmp_path: Path) -> None:
    """Who approved once need not be written down for every round that others cause."""
    write(tmp_path, f"review.{SECURITY}", says("first"))
    write(tmp_path, f"review.{SECURITY}.2", says("second"))

    rounds = [heard(ask(tmp_path, session(role="review", agent=SECURITY, round=number))) for number in (1, 2, 3, 9)]

    assert rounds == ["first", "second", "second", "second"]


def test_calls_get_ids_of_their_place(tmp_path: Path) -> None:
    """An id is the same in a repeated run, and differs between turns, places and sessions."""
    call = {"type": "tool_use", "name": "bash", "input": {"command": "ls"}}
    write(tmp_path, "work", [*says("so"), call, call], [call])
    write(tmp_path, "work.gate", [call])

    first, again = ask(tmp_path, session()), ask(tmp_path, session())
    others = [ask(tmp_path, session(), 1), ask(tmp_path, session(round=2, cause="gate"))]

    assert first == again
    assert first.content[0] == {"type": "text", "text": "so"}
    ids = [block["id"] for turn in (first, *others) for block in turn.content if block["type"] == "tool_use"]
    assert len(set(ids)) == 4 and all(name.startswith("toolu_") for name in ids)


def test_a_call_without_input_has_an_empty_one(tmp_path: Path) -> None:
    """YAML's missing value is the API's empty object, and the turn's stop reason is that of a call."""
    (tmp_path / "1.1").mkdir()
    (tmp_path / "1.1" / "work.yaml").write_text(
        "role: assistant\ncontent:\n- {type: tool_use, name: bash, input: null}\n"
    )

    turn = ask(tmp_path, session())

    assert (turn.content[0]["input"], turn.stop_reason) == ({}, "tool_use")


def test_turns_cost_nothing_and_say_so(tmp_path: Path) -> None:
    """A playbook's price is known: it is zero."""
    write(tmp_path, "work", says("so"))

    turn = ask(tmp_path, session())

    assert (turn.usage.dollars, turn.usage.output_tokens, turn.stop_reason) == (0.0, 0, "end_turn")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("role: assistant\ncontent: [{type: text, text: a}]\n---\n- a list\n", "turn 2 is no mapping"),
        ("role: user\ncontent: [{type: text, text: a}]\n", "turn 1 is no mapping with `role: assistant`"),
        ("role: assistant\n", "turn 1 has no `content`"),
        ("role: assistant\ncontent: words\n", "turn 1 has no `content`"),
        ("role: assistant\ncontent: []\n", "turn 1 has no `content`"),
        ("role: assistant\ncontent: [{type: image}]\n", "turn 1 has no `content`"),
        ("role: assistant\ncontent: [{type: text, text: ''}]\n", "turn 1 has no `content`"),
        ("role: assistant\ncontent: [{type: tool_use}]\n", "turn 1 has no `content`"),
        ("role: assistant\ncontent: [{type: tool_use, name: bash, input: ls}]\n", "turn 1 has no `content`"),
        ("role: assistant\ncontent: [{type: tool_use, name: a, input: {when: 2026-01-01}}]\n", "holds a value"),
        ("role: [\n", "no turns can be read"),
        ("a: \x07\n", "no turns can be read"),
        ("\udcff", "no turns can be read"),
    ],
    ids=["list", "user", "no content", "words", "empty", "image", "no words", "no name", "no object", "a date",
         "no YAML", "a bell", "no UTF-8"],
)  # fmt: skip
def test_a_file_that_holds_no_turns_says_where_and_why(tmp_path: Path, text: str, said: str) -> None:
    """A mistake in a playbook ends the attempt with one line that names file, turn and fault."""
    (tmp_path / "1.1").mkdir()
    (tmp_path / "1.1" / "work.yaml").write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(ModelError, match=re.escape(said)) as raised:
        ask(tmp_path, session())

    assert str(raised.value).startswith(str(tmp_path / "1.1" / "work.yaml"))
    assert "\n" not in str(raised.value)


def test_parameters_change_with_every_turn_of_the_task_and_no_other(tmp_path: Path) -> None:
    """An edited turn makes another task key; a turn of another task does not."""
    task = BuildTask(
        id="1.1", phase=1, component=1, component_name="parts", title="Part", agent=WORKER, kind="code", effort=1,
        accept=("works",),
    )  # fmt: skip
    write(tmp_path, "work", says("so"))
    playbook = Playbook(tmp_path)
    before = playbook.parameters(task)

    write(tmp_path, "work", says("so"), task="1.2")
    assert playbook.parameters(task) == before
    write(tmp_path, "work.gate", says("more"))
    added = playbook.parameters(task)
    write(tmp_path, "work", says("otherwise"))

    assert len({str(before), str(added), str(playbook.parameters(task))}) == 3


def test_playbook_tells_which_tasks_it_covers(tmp_path: Path) -> None:
    """A task is covered by its first answer."""
    write(tmp_path, "work", says("so"))
    write(tmp_path, "work.gate", says("so"), task="1.2")

    assert [Playbook(tmp_path).covers(task) for task in ("1.1", "1.2", "1.3")] == [True, False, False]


def test_agents_load_no_heavy_library() -> None:
    """What runs an agent needs neither Prefect, nor DuckDB, nor a model's client, nor a template engine."""
    script = "import sys, agents.loop, agents.models.playbook, agents.tools.kit; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert {"prefect", "duckdb", "anthropic", "jinja2", "slack_sdk"}.isdisjoint(loaded.stdout.split())
