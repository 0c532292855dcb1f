"""Promises about the values that the rooms pass to each other."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from orchestrator.models import (
    Agent,
    Answer,
    Check,
    Decision,
    Event,
    Frozen,
    Message,
    SessionRef,
    Usage,
    Verdict,
    canonical_json,
    digest,
    now,
)

KEY = "ab" * 32
SESSION = SessionRef(task="1.2", key=KEY, role="work", agent="mcp-testing")


@pytest.mark.parametrize(
    ("left", "right", "total"),
    [(0.5, 0.25, 0.75), (None, 0.25, None), (0.5, None, None), (None, None, None), (0.0, 0.0, 0.0)],
    ids=["known", "left unknown", "right unknown", "both unknown", "free"],
)
def test_unknown_price_is_unknown_never_zero(left: float | None, right: float | None, total: float | None) -> None:
    """A sum with an unknown price in it is unknown; its tokens are summed all the same."""
    one = Usage(input_tokens=1, output_tokens=2, cache_read_tokens=3, cache_write_tokens=4, dollars=left)
    two = Usage(input_tokens=10, output_tokens=20, cache_read_tokens=30, cache_write_tokens=40, dollars=right)

    assert one + two == Usage(
        input_tokens=11, output_tokens=22, cache_read_tokens=33, cache_write_tokens=44, dollars=total
    )


def test_usage_sums_from_nothing() -> None:
    """A session without a turn costs nothing, and that is known."""
    one = Usage(input_tokens=1, dollars=0.5)

    assert sum([one, one], Usage()) == Usage(input_tokens=2, dollars=1.0)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "work-1.1"),
        ({"attempt": 2, "round": 3}, "work-2.3"),
        ({"role": "review"}, "review-1.1-mcp-testing"),
        ({"role": "review", "agent": "mcp-security", "round": 2}, "review-1.2-mcp-security"),
        ({"cause": "gate", "occurrence": 4}, "work-1.1"),
    ],
)
def test_session_id_is_stable(changes: dict[str, Any], name: str) -> None:
    """A session's id is fixed by its key, role, attempt and round, for it is the stem of ids that lie on disk."""
    session = SESSION.model_copy(update=changes)

    assert (session.name, session.id) == (name, f"abababababababab/{name}")


def test_reviewers_of_one_answer_have_sessions_of_their_own() -> None:
    """No two sessions of one round share an id."""
    reviewers = ("mcp-testing", "mcp-security", "mcp-documentation")
    sessions = [SESSION, *(SESSION.model_copy(update={"role": "review", "agent": agent}) for agent in reviewers)]

    assert len({session.id for session in sessions}) == 4


FROZEN = {
    Usage: {},
    SessionRef: SESSION.model_dump(),
    Event: {"id": "a", "time": now(), "kind": "k", "run": "r"},
    Check: {"name": "n", "command": "c", "exit_code": 0, "tree": "t", "gate": KEY, "seconds": 1.0},
    Verdict: {"session": SESSION, "commit": "c", "decision": "approve", "summary": "s"},
    Agent: {"name": "n", "description": "d", "persona": "p"},
    Answer: {"session": SESSION, "ended_by": "finish", "base": "b", "commit": "c", "tree": "t", "summary": "s"},
    Decision: {
        "id": "d",
        "time": now(),
        "task_id": "1.1",
        "agent": "a",
        "subject": "s",
        "decision": "d",
        "reason": "r",
    },
}


@pytest.mark.parametrize(("model", "fields"), FROZEN.items(), ids=lambda item: getattr(item, "__name__", ""))
def test_unknown_field_is_refused(model: type[Frozen], fields: dict[str, Any]) -> None:
    """A misspelt field is an error where it enters, not a value that is quietly lost."""
    with pytest.raises(ValidationError, match="misspelt"):
        model.model_validate({**fields, "misspelt": 1})


@pytest.mark.parametrize(("model", "fields"), FROZEN.items(), ids=lambda item: getattr(item, "__name__", ""))
def test_value_never_changes_and_survives_json(model: type[Frozen], fields: dict[str, Any]) -> None:
    """A value is frozen, and comes back equal from the JSON that the journal holds."""
    value = model.model_validate(fields)

    assert model.model_validate_json(value.model_dump_json()) == value
    with pytest.raises(ValidationError, match="frozen"):
        setattr(value, next(iter(model.model_fields)), "changed")


@pytest.mark.parametrize(("problem", "passed"), [(None, True), ("3 of 4 tests ran", False)])
def test_check_is_green_only_without_a_problem(problem: str | None, passed: bool) -> None:
    """The exit code alone makes nothing green."""
    assert Check.model_validate({**FROZEN[Check], "problem": problem}).passed is passed


def test_canonical_json_is_one_text() -> None:
    """Equal values have one text, whatever the order they were built in."""
    assert canonical_json({"b": [1, {"d": None, "c": "é"}], "a": 1.5}) == '{"a":1.5,"b":[1,{"c":"é","d":null}]}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_digest_is_stable() -> None:
    """Digests lie in journals and task keys, so they are the same in every release."""
    assert digest({"a": ["é", 1]}) == "5f2a140e23e24baf60c8bfdc297882950ac707c9e5e662729c3473746fbf7511"
    assert digest("text") != digest(["text"])


def test_now_is_utc() -> None:
    """Every time is an instant, not a local clock's reading."""
    assert now().tzinfo is UTC


def test_message_has_the_agreed_format() -> None:
    """A message is exactly the agreed JSON, times in ISO-8601."""
    data = {
        "message_id": "6f1f9f0e-6a0c-4a37-9d0b-0f4f2f8f2b11",
        "correlation_id": None,
        "from_agent": "mcp-coordinator",
        "to_agent": "ALL",
        "message_type": "notification",
        "task_id": "1.1",
        "content": {"action": "review", "artifact": "design", "data": {"path": "docs/design.md"}},
        "priority": "high",
        "timestamp": "2026-01-02T03:04:05Z",
    }
    message = Message.model_validate(data)

    assert message.model_dump(mode="json") == data
    assert message.timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_message_without_a_time_zone_is_refused() -> None:
    """A timestamp that could mean two instants is no timestamp."""
    with pytest.raises(ValidationError, match="timezone"):
        Message.model_validate({"timestamp": "2026-01-02T03:04:05"})
