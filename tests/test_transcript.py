"""Promises of the transcript: what is journalled of a session comes back, whole, in order, and once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.transcript import Recalled, Transcript
from orchestrator.journal import Journal, read
from tests.workbench import SECURITY, session

Open = Callable[[], Transcript]
SESSION = session()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the transcript lies."""
    return tmp_path / "key.jsonl"


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    """Return how to open the transcript anew, as another run does."""
    journals: list[Journal] = []

    def open_() -> Transcript:
        if journals:
            journals.pop().close()
        journals.append(Journal(path))
        return Transcript(journals[-1])

    yield open_
    while journals:
        journals.pop().close()


def said(role: str, text: str, **more: Any) -> dict[str, Any]:
    """Return a record that holds a message."""
    return {"message": {"role": role, "content": text}, **more}


def test_a_session_comes_back_as_it_was_written(opened: Open) -> None:
    """A later run sees the brief, every turn and every result, and goes on from there."""
    transcript = opened()
    transcript.open(SESSION, "system", "brief")
    transcript.start_turn(SESSION, 1)
    transcript.turn(SESSION, 1, said("assistant", "one", seconds=1.0))
    transcript.results(SESSION, 1, said("user", "given", commit=None))
    transcript.start_turn(SESSION, 2)
    transcript.turn(SESSION, 2, said("assistant", "two", seconds=2.0))
    before = transcript.recall(SESSION)

    recalled = opened().recall(SESSION)

    assert recalled == before
    assert recalled.system == "system"
    assert [(message["role"], message["content"]) for message in recalled.messages] == [
        ("user", "brief"), ("assistant", "one"), ("user", "given"), ("assistant", "two"),
    ]  # fmt: skip
    assert ([turn["seconds"] for turn in recalled.turns], len(recalled.results)) == ([1.0, 2.0], 1)


def test_a_session_that_has_not_begun_is_empty(opened: Open) -> None:
    """Nothing is known of it, and asking writes nothing."""
    assert opened().recall(SESSION) == Recalled()
    assert opened().recall(SESSION).commit is None


def test_a_record_written_again_changes_nothing(opened: Open, path: Path) -> None:
    """A step repeated after a kill finds its record standing, on disk and in the conversation."""
    transcript = opened()
    for text in ("first", "second"):
        transcript.open(SESSION, text, text)
        transcript.turn(SESSION, 1, said("assistant", text))
        transcript.results(SESSION, 1, said("user", text))

    recalled = transcript.recall(SESSION)

    assert [message["content"] for message in recalled.messages] == ["first"] * 3
    assert (recalled.system, len(list(read(path)))) == ("first", 3)


def test_sessions_of_one_key_stay_apart(opened: Open) -> None:
    """The worker's rounds and each reviewer have a conversation of their own in the same file."""
    who = [SESSION, session(round=2), session(attempt=2), session(role="review", agent=SECURITY)]
    transcript = opened()
    for number, one in enumerate(who):
        transcript.open(one, "system", f"brief {number}")

    again = opened()

    assert [again.recall(one).messages[0]["content"] for one in who] == [f"brief {n}" for n in range(4)]


def test_the_commit_is_that_of_the_last_results_that_have_one(opened: Open) -> None:
    """A worktree is put back to what the last changing turn left, whatever was only read since."""
    transcript = opened()
    commits = [None, "a" * 40, "b" * 40, None]
    seen: list[str | None] = []
    for number, commit in enumerate(commits, start=1):
        transcript.turn(SESSION, number, said("assistant", "x"))
        transcript.results(SESSION, number, said("user", "y", commit=commit))
        seen.append(opened().recall(SESSION).commit)
        transcript = opened()

    assert seen == [None, "a" * 40, "b" * 40, "b" * 40]


def test_a_turn_that_was_asked_for_and_lost_leaves_its_trace(opened: Open, path: Path) -> None:
    """The start of a call that may have been paid for stands, and is no part of the conversation."""
    transcript = opened()
    transcript.open(SESSION, "system", "brief")
    transcript.start_turn(SESSION, 1)

    recalled = opened().recall(SESSION)

    assert [record["type"] for record in read(path)] == ["brief", "turn_start"]
    assert (len(recalled.messages), recalled.turns) == (1, [])


def test_a_torn_record_is_as_if_never_written(opened: Open, path: Path) -> None:
    """A kill in the middle of a write loses that record alone; it is written anew."""
    transcript = opened()
    transcript.open(SESSION, "system", "brief")
    transcript.turn(SESSION, 1, said("assistant", "lost"))
    path.write_bytes(path.read_bytes()[:-5])

    again = opened()
    torn = len(again.recall(SESSION).turns)
    again.turn(SESSION, 1, said("assistant", "anew"))

    assert torn == 0
    assert [message["content"] for message in opened().recall(SESSION).messages] == ["brief", "anew"]


def test_odd_characters_come_back(opened: Open) -> None:
    """What a model or a command wrote is kept to the character, half ones and line separators included."""
    text = 'é\u2028\x00\ud800\n"}\n'
    transcript = opened()
    transcript.turn(SESSION, 1, said("assistant", text))

    assert opened().recall(SESSION).messages[0]["content"] == text
