"""Promises of holds: who keeps a component from release, and what lifts it."""

from collections.abc import Sequence

import pytest

from orchestrator import holds
from orchestrator.component_review import Asked, given
from orchestrator.components import Subject
from orchestrator.events import Events
from orchestrator.home import Home
from orchestrator.models import JsonObject, SessionRef, Verdict, digest
from orchestrator.userword import Word, give
from tasks.heed import heed

SECURITY, TESTING = "mcp-security-validation", "mcp-testing-quality"


def verdict(decision: str = "veto", by: str = SECURITY, component: int = 3, review: int = 1) -> JsonObject:
    """Return the event of a verdict on a component."""
    task = f"component-{component}"
    data = {"decision": decision, "summary": "No.", "session": {"round": review}}
    record_id = f"{task}/{by}/{review}"
    return {"id": record_id, "kind": "verdict", "task": task, "agent": by, "time": "then", "data": data}


def waiver(of: str = f"component-3/{SECURITY}/1") -> JsonObject:
    """Return the event of a waiver by the user."""
    data = {"by": "user", "reason": "Known.", "scope": "component", "component": 3, "power": "veto", "of": of}
    return {"kind": "waiver", "task": "component-3", "agent": "user", "data": data}


@pytest.mark.parametrize(
    ("events", "stand"),
    [
        ([], []),
        ([verdict()], [(3, SECURITY, 1)]),
        ([verdict("approve"), verdict("request_changes")], []),
        ([verdict(), verdict(review=2)], [(3, SECURITY, 2)]),
        ([verdict(), verdict("approve", review=2)], []),
        ([verdict(), verdict("request_changes", review=2)], [(3, SECURITY, 1)]),
        ([verdict(), verdict("approve", review=2), verdict(review=3)], [(3, SECURITY, 3)]),
        ([verdict(), verdict("block", TESTING), verdict("approve", review=2)], [(3, TESTING, 1)]),
        ([verdict(), verdict("approve", component=4)], [(3, SECURITY, 1)]),
        ([verdict() | {"task": "3.1"}], []),
        ([verdict(), waiver()], []),
        ([verdict(), waiver("component-4/x/1")], [(3, SECURITY, 1)]),
        ([verdict(), waiver(), verdict(review=2)], [(3, SECURITY, 2)]),
        ([verdict(), verdict(review=2), waiver()], [(3, SECURITY, 2)]),
        ([verdict(), verdict("approve", review=2), verdict(review=3), waiver()], [(3, SECURITY, 3)]),
        ([waiver(), verdict()], [(3, SECURITY, 1)]),
    ],
    ids=[
        "none", "one", "no power used", "said again", "lifted", "not lifted", "put again", "another's stands",
        "of another component", "of a task", "waived", "waiver of another", "put again after a waiver",
        "said again before the waiver", "put again before the waiver", "waiver before",
    ],
)  # fmt: skip
def test_a_hold_stands_until_its_own_reviewer_or_the_user_lifts_it(
    events: list[JsonObject], stand: list[tuple[int, str, int]]
) -> None:
    """Nobody else's word counts, and a waiver lifts the hold that it is about and none that was put later."""
    assert [(found.component, found.by, found.round) for found in holds.standing(events)] == stand


def test_a_release_is_told_every_hold() -> None:
    """One line names each component, whose power holds it, why, and what lifts it."""
    assert holds.held([]) is None
    first = f"component 3 is vetoed by {SECURITY}: No.; lifted by {holds.lifting(3, SECURITY)}"
    second = f"component 4 is blocked by {TESTING}: No.; lifted by {holds.lifting(4, TESTING)}"
    assert holds.held([verdict(), verdict("block", TESTING, 4)]) == f"release is held: {first}; and {second}"


def test_a_waiver_that_is_taken_in_late_lifts_nothing_new(home: Home) -> None:
    """The user waives a hold while a review is under way: what the same reviewer says in that review is not waived."""
    events = Events(home, "the first")
    judge(events, "veto", "then", 1)
    (seen,) = holds.standing(events.everything())
    give(home, Word(says="waive", about=seen.id, reason="known", component=3, power="veto"))
    judge(events, "veto", "now", 2)
    heed(home, events)
    (stands,) = holds.standing(events.everything())
    give(home, Word(says="waive", about=stands.id, reason="known too", component=3, power="veto"))
    heed(home, events)

    assert (seen.round, stands.round) == (1, 2)
    assert holds.standing(events.everything()) == []
    assert len(list(events.all("waiver"))) == 2
    events.close()


@pytest.mark.parametrize(
    ("said", "stand"),
    [
        (["veto", "approve"], [1, 0, 1]),
        (["approve", "veto"], [0, 1, 0]),
        (["veto", "veto"], [1, 1, 1]),
    ],
    ids=["veto, approval, the same veto", "approval, veto, the same approval", "one veto and another"],
)
def test_a_verdict_that_is_known_counts_again_where_another_came_between(
    home: Home, said: Sequence[str], stand: list[int]
) -> None:
    """A component that is again as it was is judged by the verdict of then, which is the newest word once more, once.

    So it is where reviews were killed before their end and bear the same number, and what it cost is counted once.
    """
    events = Events(home, "a run")
    counts: list[int] = []

    for subject, decision in zip(("as it was", "changed"), said, strict=True):
        assert given(events, reviewing(subject, 1)) is None
        judge(events, decision, subject, 1)
        counts.append(len(holds.standing(events.everything())))
    again = [given(events, reviewing("as it was", 1)) for _ in range(2)]
    counts.append(len(holds.standing(events.everything())))

    assert counts == stand
    assert [found.decision for found in again if found] == [said[0]] * 2
    usages = [event["data"]["usage"]["input_tokens"] for event in events.all("verdict")]
    assert usages == [5, 5, 0]
    events.close()


def reviewing(subject: str, review: int) -> SessionRef:
    """Return the session in which security judges component 3 as it is."""
    return SessionRef(task="component-3", key=digest(subject), role="review", agent=SECURITY, round=review)


def judge(events: Events, decision: str, subject: str | SessionRef, review: int) -> None:
    """Record what security says of component 3 as it is."""
    session = subject if isinstance(subject, SessionRef) else reviewing(subject, review)
    data = {
        "session": session,
        "commit": "c" * 40,
        "decision": decision,
        "summary": "Read.",
        "usage": {"input_tokens": 5},
    }
    found = Verdict.model_validate(data)
    events.record("verdict", f"{session.id}/verdict", found.model_dump(mode="json"), session=session)


def test_a_review_is_on_record_only_while_it_is_the_last_word(home: Home) -> None:
    """A component that changed and came back is asked about again, so that what holds it is said again too."""
    subject = Subject(component=3, name="c", commit="c", tree="t", base="b", tasks=(), files=())
    powers = {"implementation_veto": SECURITY}
    asked, changed = (
        Asked(subject=of, people={SECURITY: "p"}, prompts="p", model={}, powers=powers, commands=(), setting="s")
        for of in (subject, subject.model_copy(update={"tree": "u"}))
    )
    events = Events(home, "a run")
    places: list[str | None] = []

    for review, its in enumerate((asked, changed, asked), start=1):
        places.append(its.standing([], events.everything()))
        session = its.session(SECURITY, [], review)
        if given(events, session) is None:
            judge(events, "veto", session, review)
        again = f"/again-{review}" if review == 3 else ""
        events.record("component_review", f"{its.review_id([])}{again}", {}, about={"task": "component-3"})

    assert places == [None, None, None]
    assert asked.standing([], events.everything()) == f"{asked.review_id([])}/again-3"
    assert changed.standing([], events.everything()) is None
    events.close()


def test_a_waived_veto_that_is_said_again_holds_again(home: Home) -> None:
    """The user waived the word of then, not the newer one of a component that came back; a ruling goes by that."""
    events = Events(home, "a run")
    held: list[frozenset[str]] = []

    judge(events, "veto", "as it was", 1)
    (hold,) = holds.standing(events.everything())
    held.append(holds.powers(events.everything(), 3))
    events.record("waiver", "w", waiver(hold.id)["data"], about={"task": "component-3"})
    held.append(holds.powers(events.everything(), 3))
    judge(events, "approve", "changed", 1)
    given(events, reviewing("as it was", 1))
    held.append(holds.powers(events.everything(), 3))

    assert held == [{"veto"}, frozenset(), {"veto"}]
    assert holds.powers(events.everything(), 4) == frozenset()
    events.close()
