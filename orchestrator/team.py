"""Who is meant: the agents that a command names, those of a phase, or those of a workflow."""

from collections.abc import Iterable

from orchestrator import plan as plans
from orchestrator.errors import InputError
from orchestrator.models import BuildTask, Frozen, Plan

EVERYONE = "ALL"


class Team(Frozen):
    """The agents that a sync is for, in the plan's order, and how a person calls them."""

    title: str
    agents: tuple[str, ...]
    phase: int | None = None


def named(plan: Plan, words: str, phase: int | None = None) -> Team:
    """Return the agents that `a,b` names, or all for `ALL`: with a phase, those who own or review its tasks.

    Raises:
        InputError: there is no such agent or phase, fewer than two are named, or one has no part in the phase.
    """
    everyone = _ordered(plan, (entry.id for entry in plan.agents))
    part = everyone if phase is None else _of(plan, plans.phase(plan, phase))
    if words.strip().upper() == EVERYONE:
        return Team(title=EVERYONE if phase is None else f"phase {phase}", agents=part, phase=phase)
    agents = _ordered(plan, {plans.agent(plan, word) for word in map(str.strip, words.split(",")) if word})
    if len(agents) < 2:
        raise InputError(f"`{words}` names fewer than two agents, so there is nothing to share; name two, or ALL")
    outside = [agent for agent in agents if agent not in part]
    if outside:
        raise InputError(f"{outside[0]} neither owns nor reviews a task of phase {phase}; leave out one of them")
    return Team(title=", ".join(agents), agents=agents, phase=phase)


def of_workflow(plan: Plan, name: str) -> Team:
    """Return the agents who own or review the tasks of a workflow.

    Raises:
        InputError: there is no such workflow.
    """
    workflow = plans.workflow(plan, name)
    return Team(title=workflow.name, agents=_of(plan, (plans.task(plan, task) for task in workflow.tasks)))


def _of(plan: Plan, tasks: Iterable[BuildTask]) -> tuple[str, ...]:
    return _ordered(plan, {agent for task in tasks for agent in (task.agent, *task.reviewers)})


def _ordered(plan: Plan, agents: Iterable[str]) -> tuple[str, ...]:
    wanted = set(agents)
    return tuple(entry.id for entry in plan.agents if entry.id in wanted)
