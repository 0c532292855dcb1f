"""Promises of who reviews a component."""

import pytest

from orchestrator import plan as plans
from orchestrator import reviewers, settings
from orchestrator.errors import InputError
from orchestrator.models import Plan

ALL = (
    "mcp-architecture-agent",
    "mcp-security-validation",
    "mcp-testing-quality",
    "mcp-performance-optimizer",
    "mcp-documentation",
)


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The bundled plan."""
    return plans.load(settings.BUNDLED_PLAN)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ALL),
        (["architecture", "security", "testing", "performance", "documentation"], ALL),
        (["Security", "mcp-security", "mcp-security-validation"], ("mcp-security-validation",)),
        (["Database Agent"], ("mcp-database-storage",)),
    ],
    ids=["by default", "by concern", "one by three names", "any agent"],
)
def test_reviewers_are_found_by_name_or_concern(plan: Plan, words: list[str], expected: tuple[str, ...]) -> None:
    """An agent's names and the plain names of concerns all lead to ids, each once and in the order given."""
    assert reviewers.chosen(plan, words) == expected


def test_nobody_by_that_name_is_refused(plan: Plan) -> None:
    """A name that means nobody says so."""
    with pytest.raises(InputError, match="no agent is called `secuirty`"):
        reviewers.chosen(plan, ["secuirty"])


def test_without_default_reviewers_those_with_powers_review(plan: Plan) -> None:
    """A plan that lists nobody still has its components judged by those who hold a power, and for their words."""
    bare = plan.model_copy(update={"policy": plan.policy.model_copy(update={"default_reviewers": {}})})

    assert reviewers.chosen(bare, []) == (*ALL[:3], ALL[4])


@pytest.mark.parametrize(
    ("agent", "topics"),
    [(ALL[0], {"design"}), (ALL[1], {"security"}), (ALL[2], {"coverage"}), (ALL[3], {"optimisation"}), (ALL[4], set())],
    ids=["architecture", "security", "testing", "performance", "documentation"],
)
def test_topics_follow_from_the_policy(plan: Plan, agent: str, topics: set[str]) -> None:
    """Whose findings an agent is shown in full follows from what the plan makes it answer for."""
    assert reviewers.topics(plan, agent) == topics
