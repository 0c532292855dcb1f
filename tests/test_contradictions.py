"""Promises about contradictions: which words contradict each other, whose stands, and what only others can settle."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator import settings
from orchestrator.contradictions import Contradiction, Judge, Side, find, standing_words, unsettled
from orchestrator.models import Decision, Knowledge
from orchestrator.plan import load
from orchestrator.precedence import TABLE, USER, may_supersede, rank
from orchestrator.supersession import standing, successors
from tests.scenario import ARCHITECTURE, COORDINATOR, OTHER, SECURITY, TESTING, WORKER

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = load(settings.BUNDLED_PLAN).policy
JUDGE = Judge(POLICY, {"1.1": WORKER, "1.2": OTHER, "1.3": OTHER}, ())


def decided(number: int, agent: str, text: str, task: str = "1.1", subject: str = "style", **more: Any) -> Decision:
    """Return a decision taken at a moment of its own."""
    about = {"id": f"d{number}", "time": BEGAN + timedelta(minutes=number), "task_id": task, "agent": agent}
    return Decision.model_validate({**about, "subject": subject, "decision": text, "reason": "R", **more})


def judged(*decisions: Decision, judge: Judge = JUDGE) -> list[tuple[str, str | None, list[str]]]:
    """Return of each contradiction its state, which side is kept, and all sides."""
    found = find(standing_words(decisions, ()), judge)
    return [(item.state, item.kept, [side.id for side in item.sides]) for item in found]


@pytest.mark.parametrize(
    ("agent", "subject", "is_owner", "row"),
    [
        (USER, "cache", False, "user-decided"),
        (SECURITY, "Secrets in logs", False, "security-on-security"),
        (SECURITY, "api_tokens", False, "security-on-security"),
        (SECURITY, "accessToken lifetime", False, "security-on-security"),
        (SECURITY, "OAuth", False, "security-on-security"),
        (SECURITY, "Authorisation", False, "security-on-security"),
        (SECURITY, "TLS certificates", False, "security-on-security"),
        (SECURITY, "Author field", False, "security-before-others"),
        (SECURITY, "the authority table", False, "security-before-others"),
        (TESTING, "Test layout", False, "testing-on-testing"),
        (ARCHITECTURE, "cache", True, "design-final-say"),
        (ARCHITECTURE, "Secrets in logs", False, "design-final-say"),
        (SECURITY, "cache", False, "security-before-others"),
        (TESTING, "cache", False, "testing-before-others"),
        (COORDINATOR, "cache", False, "coordinator-before-others"),
        (WORKER, "cache", True, "owner-before-others"),
        (WORKER, "contest", False, "no-power"),
    ],
    ids=str,
)
def test_the_first_row_that_fits_ranks_a_word(agent: str, subject: str, *, is_owner: bool, row: str) -> None:
    """The user first, then who has the say on the subject, then the powers in their order, then a task's own agent."""
    assert TABLE[rank(agent, subject, POLICY, is_owner=is_owner)].name == row


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([decided(1, WORKER, "A"), decided(2, OTHER, " a. ", "1.2", "Style!")], []),
        ([decided(1, WORKER, "A"), decided(2, OTHER, "B", "1.2", "styles")], []),
        ([decided(1, WORKER, "A"), decided(2, OTHER, "B", "1.2", "**Style**")], [("open", None, ["d1", "d2"])]),
        ([decided(1, WORKER, "A"), decided(2, OTHER, "B", "1.1")], [("resolved", "d1", ["d1", "d2"])]),
        ([decided(1, WORKER, "A"), decided(2, WORKER, "B")], [("resolved", "d2", ["d2", "d1"])]),
        ([decided(1, WORKER, "A"), decided(2, OTHER, "B", supersedes=["d1"])], []),
        ([decided(1, WORKER, "A"), decided(2, OTHER, "B", authority="security-veto")], []),
        (
            [decided(1, WORKER, "A"), decided(2, ARCHITECTURE, "B"), decided(3, OTHER, "C", "1.2")],
            [("resolved", "d2", ["d2", "d1", "d3"])],
        ),
        (
            [decided(1, WORKER, "A"), decided(2, OTHER, "B", "1.2"), decided(3, COORDINATOR, "C", "1.2")],
            [("resolved", "d3", ["d3", "d1", "d2"])],
        ),
        (
            [decided(1, WORKER, "A"), decided(2, OTHER, "B", "1.2"), decided(3, OTHER, "A", "1.3")],
            [("open", None, ["d1", "d2", "d3"])],
        ),
    ],
    ids=[
        "the same in other words",
        "another subject",
        "equal rank",
        "the task's own agent",
        "the later word of one author",
        "superseded already",
        "a ruling",
        "one over two",
        "the coordinator over owners",
        "three sides of one rank",
    ],
)
def test_words_on_one_subject_contradict_and_rank_settles(
    decisions: list[Decision], expected: list[tuple[str, str | None, list[str]]]
) -> None:
    """A subject is the same in any case, spacing and punctuation; the highest rank stands, equal ranks stay open."""
    assert judged(*decisions) == expected


def test_what_the_user_kept_outranks_a_later_word() -> None:
    """A side that the user chose stands against all that agents say on it afterwards."""
    judge = JUDGE._replace(chosen={"d1"})

    assert judged(decided(1, WORKER, "A"), decided(2, ARCHITECTURE, "B"), judge=judge) == [
        ("resolved", "d1", ["d1", "d2"])
    ]


def test_an_interface_is_its_text_to_the_letter() -> None:
    """Two interfaces of one name contradict where anything but the width of spaces differs."""
    about = {"time": BEGAN, "task_id": "1.1", "type": "interface", "title": "Lookup"}
    texts = [("k1", WORKER, "f(x) ->  Answer"), ("k2", OTHER, "f(x) -> Answer"), ("k3", SECURITY, "f(x) -> answer")]
    records = [Knowledge.model_validate({**about, "id": name, "agent": by, "text": text}) for name, by, text in texts]
    found = find(standing_words((), records), JUDGE)

    assert [(item.about, item.kept, item.losers) for item in found] == [("interface", "k3", ("k1", "k2"))]
    assert find(standing_words((), records[:2]), JUDGE) == []


def test_a_wider_contradiction_takes_up_a_narrower_one() -> None:
    """Of two open ones where the sides of one are all in the other, only the other is to be settled."""
    sides = tuple(Side(id=f"d{number}", agent=WORKER, task="1.1", text=str(number)) for number in (1, 2, 3))
    both = [
        Contradiction(about="decision", subject="style", sides=some, state="open", reason="R")
        for some in (sides[:2], sides)
    ]

    assert unsettled(both) == both[1:]


@pytest.mark.parametrize(
    ("agent", "author", "allowed"),
    [
        (WORKER, WORKER, True),
        (WORKER, OTHER, False),
        (COORDINATOR, OTHER, True),
        (COORDINATOR, ARCHITECTURE, False),
        (ARCHITECTURE, COORDINATOR, True),
        (ARCHITECTURE, USER, False),
    ],
)
def test_only_the_author_or_a_higher_rank_supersedes(agent: str, author: str, *, allowed: bool) -> None:
    """Nobody puts a word in the place of one that ranks as high as theirs, unless it is their own."""
    assert may_supersede(agent, author, "cache", POLICY) is allowed


def test_what_stands_is_the_end_of_the_chain() -> None:
    """Through any number of supersessions the last one stands; a circle ends where it began to repeat."""
    chain = successors([decided(1, WORKER, "A"), decided(2, WORKER, "B", supersedes=["d1", "d2"]),
                        decided(3, WORKER, "C", supersedes=["d2"])])  # fmt: skip

    assert [standing(chain, name) for name in ("d1", "d2", "d3", "other")] == ["d3", "d3", "d3", "other"]
    assert standing({"a": "b", "b": "a"}, "a") == "b"
