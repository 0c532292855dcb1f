"""The plan: read from its file and checked whole, and every question that others ask about it."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from orchestrator import names, planrules
from orchestrator.errors import InputError, PlanError
from orchestrator.models import BuildTask, GateCommand, Plan, Policy, Workflow
from orchestrator.models import digest as digest_of

_FILES = ("toolchain", "specification")


def load(path: Path, definitions: Collection[str] = (), *, text: str | None = None) -> Plan:
    """Return the plan in the YAML file at `path`, every agent in it named by its id.

    Where `definitions` names any, each agent of the plan must be among them. `text` is what the file is to hold,
    where it is not written yet.

    Raises:
        InputError: there is no such file, or it holds no mapping.
        PlanError: the plan is wrong; the error lists everything that is.
    """
    from orchestrator import planfile  # YAML and all rules, which a plan that is remembered need not load
    from orchestrator.contracts import rules

    raw, doubled = planfile.read(path, text)
    draft, misshapen = planfile.shape(raw)
    directory = names.directory(draft.agents.items, draft.head.ambiguous_aliases)
    directory = {names.fold(agent): (agent,) for agent in draft.agents.ids} | directory
    broken = planrules.problems(draft, directory, definitions)
    unkept = rules.problems(draft.tasks.items)
    problems = [*doubled, *misshapen, *broken, *unkept, *missing_files(draft.head, path.parent)]
    if problems:
        raise PlanError(str(path), problems)
    return draft.head.model_copy(
        update={
            "phases": draft.phases.items,
            "components": draft.components.items,
            "agents": draft.agents.items,
            "policy": _policy_by_id(draft.head.policy, directory),
            "workflows": draft.workflows.items,
            "tasks": tuple(_task_by_id(task, directory) for task in draft.tasks.items),
            "source": path.absolute(),
        }
    )


def task(plan: Plan, task_id: str) -> BuildTask:
    """Return the task of that id.

    Raises:
        InputError: the plan has none.
    """
    found = next((item for item in plan.tasks if item.id == task_id), None)
    if found is None:
        hint = names.hint(task_id, (item.id for item in plan.tasks))
        raise InputError(f"there is no task `{task_id}` in {plan.name}{hint} (`mbo plan` lists all)")
    return found


def agent(plan: Plan, name: str) -> str:
    """Return the id of the agent that `name` means: an id, label or alias, in any case.

    Raises:
        InputError: no agent bears the name, or several do.
    """
    try:
        return names.resolve(names.directory(plan.agents, plan.ambiguous_aliases), name)
    except InputError as error:
        raise InputError(f"{error} (`mbo agents` lists all)") from error


def workflow(plan: Plan, name: str) -> Workflow:
    """Return the workflow of that name, in any case.

    Raises:
        InputError: the plan has none.
    """
    found = next((item for item in plan.workflows if names.fold(item.name) == names.fold(name)), None)
    if found is None:
        known = [item.name for item in plan.workflows]
        there = f"it has {', '.join(known)}" if known else "it has none"
        raise InputError(f"there is no workflow `{name}` in {plan.name}{names.hint(name, known)} ({there})")
    return found


def phase(plan: Plan, number: int) -> tuple[BuildTask, ...]:
    """Return the tasks of one phase, in the plan's order.

    Raises:
        InputError: the plan has no such phase.
    """
    known = [item.number for item in plan.phases]
    if number not in known:
        raise InputError(f"there is no phase {number} in {plan.name} (it has {', '.join(map(str, known))})")
    return tuple(item for item in plan.tasks if item.phase == number)


def prerequisites(plan: Plan, ids: Iterable[str]) -> frozenset[str]:
    """Return all tasks that these wait for, directly or not, without these themselves.

    Raises:
        InputError: an id is not in the plan.
    """
    return _reached(plan, ids, {item.id: item.deps for item in plan.tasks})


def dependents(plan: Plan, ids: Iterable[str]) -> frozenset[str]:
    """Return all tasks that wait for these, directly or not, without these themselves.

    Raises:
        InputError: an id is not in the plan.
    """
    waiting: dict[str, list[str]] = {item.id: [] for item in plan.tasks}
    for item in plan.tasks:
        for dep in item.deps:
            waiting[dep].append(item.id)
    return _reached(plan, ids, waiting)


def gate(plan: Plan, task: BuildTask) -> tuple[GateCommand, ...]:
    """Return the commands that a task's work must pass: those of its own gate, else of its kind's."""
    return plan.gates[task.gate or task.kind]


def gate_digest(plan: Plan, task: BuildTask) -> str:
    """Return the digest of all that decides how a task's work is judged: commands, bounds and who holds the powers."""
    return digest_of(
        {
            "commands": [command.model_dump(mode="json") for command in gate(plan, task)],
            "environment": plan.environment,
            "protected": sorted(plan.policy.protected),
            "revise_rounds": plan.policy.revise_rounds,
            "powers": {power: getattr(plan.policy, power) for power in planrules.POWERS},
        }
    )


def specification(text: str, component: int) -> str:
    """Return what a specification says to one component: all of it but the numbered entries of the others.

    Entries are the lines `N. …` under the heading `## Components`; a text without that heading is for everyone.
    """
    before, heading, rest = text.partition("\n## Components\n")
    entries, mark, after = rest.partition("\n## ")
    own = [line for line in entries.split("\n") if not re.match(rf"(?!{component}\.)\d+\. ", line)]
    return before + heading + "\n".join(own) + mark + after


def digest(plan: Plan) -> str:
    """Return the digest of a plan's content; where its file lies and how it is laid out do not count."""
    return digest_of(plan.model_dump(mode="json"))


def _reached(plan: Plan, ids: Iterable[str], edges: Mapping[str, Collection[str]]) -> frozenset[str]:
    start = list(ids)
    for task_id in start:
        if task_id not in edges:
            _ = task(plan, task_id)  # says so
    return frozenset(planrules.closure(start, edges).difference(start))


def missing_files(head: Plan, folder: Path) -> list[str]:
    """Return a line for each file that a plan names and that is not in its folder."""
    named = {field: getattr(head, field) for field in _FILES}
    return [f"{field}: there is no file {folder / name}" for field, name in named.items() if _lacks(folder, name)]


def _lacks(folder: Path, name: str | None) -> bool:
    return name is not None and not (folder / name).is_file()


def _task_by_id(task: BuildTask, directory: names.Directory) -> BuildTask:
    agent_id = names.resolve(directory, task.agent)
    reviewers = tuple(names.resolve(directory, name) for name in task.reviewers)
    if (agent_id, reviewers) == (task.agent, task.reviewers):
        return task
    return task.model_copy(update={"agent": agent_id, "reviewers": reviewers})


def _policy_by_id(policy: Policy, directory: names.Directory) -> Policy:
    holders = {power: names.resolve(directory, getattr(policy, power)) for power in planrules.POWERS}
    reviewers = {
        topic: tuple(names.resolve(directory, name) for name in listed)
        for topic, listed in policy.default_reviewers.items()
    }
    return policy.model_copy(update={**holders, "default_reviewers": reviewers})
