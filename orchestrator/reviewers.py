"""Who reviews a component, and which topics are whose."""

from collections.abc import Iterable, Sequence

from orchestrator import names
from orchestrator import plan as plans
from orchestrator.errors import InputError
from orchestrator.models import Plan


def chosen(plan: Plan, words: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the agents that `words` name; where there are none, the plan's reviewers of components.

    A word is an agent's id, label or alias, or one of the concerns that a plan gives to somebody, such as `security`.

    Raises:
        InputError: a word means nobody, or nobody is left.
    """
    named = [_agent(plan, word) for word in words]
    found = tuple(dict.fromkeys(named or _by_default(plan)))
    if not found:
        raise InputError(f"{plan.source}: the plan names no reviewers of components; name some with --reviewers")
    return found


def topics(plan: Plan, agent: str) -> frozenset[str]:
    """Return the topics of `default_reviewers` that an agent answers for, by name or by its power."""
    policy = plan.policy
    powers = {
        "design": policy.design_final_say,
        "security": policy.implementation_veto,
        "coverage": policy.release_block,
    }
    own = {topic for topic, holders in policy.default_reviewers.items() if agent in holders}
    return frozenset(own | {topic for topic, holder in powers.items() if holder == agent})


def _agent(plan: Plan, word: str) -> str:
    try:
        return plans.agent(plan, word)
    except InputError:
        concern = _concerns(plan).get(names.fold(word))
        if concern is None:
            raise
        return concern


def _concerns(plan: Plan) -> dict[str, str]:
    """Return whom each concern belongs to, as people call it."""
    policy = plan.policy
    performance = policy.default_reviewers.get("optimisation", ())
    found = {
        "architecture": (policy.design_final_say,),
        "security": (policy.implementation_veto,),
        "testing": (policy.release_block,),
        "performance": performance,
        "documentation": tuple(_documentation(plan)),
    }
    return {concern: holders[0] for concern, holders in found.items() if holders}


def _by_default(plan: Plan) -> list[str]:
    policy = plan.policy
    listed = [agent for holders in policy.default_reviewers.values() for agent in holders]
    powers = [policy.design_final_say, policy.implementation_veto, policy.release_block]
    return [*(listed or powers), *_documentation(plan)]


def _documentation(plan: Plan) -> Iterable[str]:
    return (entry.id for entry in plan.agents if "documentation" in names.fold(f"{entry.id} {entry.label}"))
