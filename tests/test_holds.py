"""Promises of holds: who keeps a component from release, and what lifts it."""

from typing import Any

import pytest

from orchestrator import holds
from orchestrator.models import JsonObject

SECURITY, TESTING = "mcp-security-validation", "mcp-testing-quality"


def hold(component: int = 3, by: str = SECURITY, power: str = "veto", review: int = 1) -> JsonObject:
    """Return the event of a hold."""
    lifts = holds.lifting(component, by)
    data = {"component": component, "by": by, "power": power, "reason": "No.", "lifts": lifts, "round": review}
    return {"kind": "hold", "data": data}


def lifted(component: int = 3, by: str = SECURITY) -> JsonObject:
    """Return the event of a hold that is lifted."""
    return {"kind": "hold_lifted", "data": {"component": component, "by": by, "power": "veto", "reason": "Mended."}}


def waiver(**more: Any) -> JsonObject:
    """Return the event of a waiver by the user."""
    data = {"by": "user", "reason": "Known.", "scope": "component", "component": 3, "power": "veto"}
    return {"kind": "waiver", "data": data | more}


@pytest.mark.parametrize(
    ("events", "stand"),
    [
        ([], []),
        ([hold()], [(3, SECURITY, 1)]),
        ([hold(), hold(review=2)], [(3, SECURITY, 2)]),
        ([hold(), lifted()], []),
        ([hold(), lifted(), hold(review=3)], [(3, SECURITY, 3)]),
        ([hold(), hold(by=TESTING, power="block"), lifted()], [(3, TESTING, 1)]),
        ([hold(), lifted(component=4)], [(3, SECURITY, 1)]),
        ([hold(), waiver()], []),
        ([hold(), waiver(component=4)], [(3, SECURITY, 1)]),
        ([hold(), waiver(power="block")], [(3, SECURITY, 1)]),
        ([hold(), waiver(scope="task")], [(3, SECURITY, 1)]),
        ([waiver(), hold()], [(3, SECURITY, 1)]),
    ],
    ids=[
        "none", "one", "said again", "lifted", "put again", "another's stands", "of another component", "waived",
        "waiver of another", "waiver of another power", "waiver of a task", "waiver before",
    ],
)  # fmt: skip
def test_a_hold_stands_until_its_own_reviewer_or_the_user_lifts_it(
    events: list[JsonObject], stand: list[tuple[int, str, int]]
) -> None:
    """Nobody else's word counts, and a waiver lifts what stood when it was said and nothing later."""
    assert [(found.component, found.by, found.round) for found in holds.standing(events)] == stand


def test_a_release_is_told_every_hold() -> None:
    """One line names each component, whose power holds it, why, and what lifts it."""
    assert holds.held([]) is None
    first = f"component 3 is vetoed by {SECURITY}: No.; lifted by {holds.lifting(3, SECURITY)}"
    second = f"component 4 is blocked by {TESTING}: No.; lifted by {holds.lifting(4, TESTING)}"
    assert holds.held([hold(), hold(4, TESTING, "block")]) == f"release is held: {first}; and {second}"
