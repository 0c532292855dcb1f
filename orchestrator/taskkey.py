"""The task key: one digest over everything that can change a task's result. Same key, same work: never done again."""

from collections.abc import Callable, Iterable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

from orchestrator.errors import InputError
from orchestrator.models import Agent, BuildTask, JsonObject, Plan, digest
from orchestrator.plan import gate_digest, specification

_PERSON = {"name", "persona", "tools", "model", "authority", "limits"}
"""The fields of a definition that reach a session; what only people read changes no result."""


def keys(
    plan: Plan, agents: Mapping[str, Agent], model: Callable[[BuildTask], JsonObject], prompts: str
) -> dict[str, str]:
    """Return the key of every task, in the order of their dependencies.

    `model` tells which model works on a task and with which parameters; `prompts` is the digest of all prompts.

    Raises:
        InputError: an agent has no definition, or a file that the plan names cannot be read.
    """
    tasks = {task.id: task for task in plan.tasks}
    people = _people(plan, agents)
    toolchain = digest(_text(plan, plan.toolchain))
    product = _text(plan, plan.specification)
    wanted = {part.number: digest(specification(product, part.number)) for part in plan.components}
    found: dict[str, str] = {}
    for task_id in TopologicalSorter({task.id: task.deps for task in plan.tasks}).static_order():
        task = tasks[task_id]
        found[task_id] = digest(
            {
                "task": _content(task),
                "agents": [people[name] for name in (task.agent, *task.reviewers)],
                "prompts": prompts,
                "model": model(task),
                "gate": gate_digest(plan, task),
                "toolchain": toolchain,
                "specification": wanted[task.component],
                "deps": sorted(found[dep] for dep in task.deps),
            }
        )
    return found


def _content(task: BuildTask) -> JsonObject:
    """Return what a task says, but for the order in which it names what it waits for."""
    return task.model_dump(mode="json") | {"deps": sorted(task.deps), "after": sorted(task.after)}


def _people(plan: Plan, agents: Mapping[str, Agent]) -> dict[str, str]:
    """Return the digest of the definition of every agent that works or reviews."""
    names = dict.fromkeys(name for task in plan.tasks for name in (task.agent, *task.reviewers))
    _refuse_missing(names, agents)
    return {name: person(agents[name]) for name in names}


def person(agent: Agent) -> str:
    """Return the digest of what of a definition reaches a session."""
    return digest(agent.model_dump(mode="json", include=_PERSON))


def _refuse_missing(names: Iterable[str], agents: Mapping[str, Agent]) -> None:
    missing = sorted(set(names).difference(agents))
    if missing:
        raise InputError(f"no definition of {', '.join(missing)}; add one under .claude/agents of the project")


def _text(plan: Plan, name: str | None) -> str:
    if name is None:
        return ""
    path: Path = plan.source.parent / name
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); the plan {plan.name} names it") from error
