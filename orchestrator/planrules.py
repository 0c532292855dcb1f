"""What must hold between the parts of a plan; every rule yields its problems as sentences and never stops at one."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from orchestrator import names
from orchestrator.errors import InputError
from orchestrator.models import BuildTask, Policy, Workflow

if TYPE_CHECKING:
    from orchestrator.planfile import Draft  # not when it runs: the schedule needs a rule of these, and no YAML

POWERS = (
    "planning_approver",
    "design_final_say",
    "implementation_veto",
    "release_block",
    "deadlock",
    "integration",
)
"""The fields of a policy that name the one agent who holds a power."""

Deps = Mapping[str, Collection[str]]


def problems(draft: "Draft", directory: names.Directory, definitions: Collection[str]) -> Iterator[str]:
    """Yield everything that is wrong between the parts of `draft`."""
    deps = {task.id: task.deps for task in draft.tasks.items}
    yield from _twice(draft)
    yield from _agents(draft, directory, definitions)
    yield from _phases(draft)
    yield from _gates(draft)
    for task in draft.tasks.items:
        yield from (f"task {task.id}: {fault}" for fault in _task(task, draft, directory))
    waits = {task.id: (*task.deps, *task.after) for task in draft.tasks.items}
    yield from (f"tasks wait for each other: {' → '.join(cycle)}" for cycle in _cycles(waits))
    for workflow in draft.workflows.items:
        faults = _workflow(workflow, deps, draft.tasks.ids)
        yield from (f"workflow {workflow.name}: {fault}" for fault in faults)
    if "policy" not in draft.wrong:
        yield from (f"policy: {fault}" for fault in _policy(draft.head.policy, directory, draft.tasks.ids))


def closure(start: Iterable[str], edges: Deps) -> set[str]:
    """Return what can be reached from `start` along `edges`; a start itself only if another leads to it."""
    reached: set[str] = set()
    ahead = [step for origin in start for step in edges.get(origin, ())]
    while ahead:
        step = ahead.pop()
        if step not in reached:
            reached.add(step)
            ahead.extend(edges.get(step, ()))
    return reached


def _twice(draft: "Draft") -> Iterator[str]:
    parts = {
        "phase": draft.phases,
        "component": draft.components,
        "agent": draft.agents,
        "workflow": draft.workflows,
        "task": draft.tasks,
    }
    for noun, part in parts.items():
        for item, count in Counter(part.ids).items():
            if count > 1:
                yield f"{noun} {item}: is there {count} times; each needs a name of its own"


def _agents(draft: "Draft", directory: names.Directory, definitions: Collection[str]) -> Iterator[str]:
    listed = {names.fold(alias) for alias in draft.head.ambiguous_aliases}
    for name, ids in directory.items():
        if names.is_reserved(name):
            told = f"the name `{name}` is reserved, as {', '.join(names.RESERVED)} are; choose another"
            yield f"agent {' and '.join(ids)}: {told}"
        if len(ids) > 1 and name not in listed and "ambiguous_aliases" not in draft.wrong:
            yield f"agents {' and '.join(ids)}: both are called `{name}`; rename one or list it in ambiguous_aliases"
    for alias, candidates in draft.head.ambiguous_aliases.items():
        for candidate in candidates:
            if candidate not in draft.agents.ids:
                hint = names.hint(candidate, draft.agents.ids)
                yield f"ambiguous_aliases: {alias}: no agent has the id `{candidate}`{hint}"
    for agent in draft.agents.ids:
        if definitions and agent not in definitions:
            yield f"agent {agent}: has no definition of that name{names.hint(agent, definitions)}"


def _phases(draft: "Draft") -> Iterator[str]:
    phase_of = {str(component.number): component.phase for component in draft.components.items}
    counts = Counter(phase_of.get(task.partition(".")[0]) for task in draft.tasks.ids)
    for phase in draft.phases.items:
        if counts[phase.number] != phase.tasks:
            yield f"phase {phase.number}: has {counts[phase.number]} tasks where it says {phase.tasks}"
    for component in draft.components.items:
        if str(component.phase) not in draft.phases.ids:
            yield f"component {component.number}: phase {component.phase} is not in this plan"


def _gates(draft: "Draft") -> Iterator[str]:
    for name, commands in draft.head.gates.items():
        testing = [command.name for command in commands if command.tests]
        if len(testing) > 1:
            yield (
                f"gate {name}: {' and '.join(testing)} both run tests, but each would have to run those of the other; "
                "make them one command"
            )


def _task(task: BuildTask, draft: "Draft", directory: names.Directory) -> Iterator[str]:
    yield from _place(task, draft)
    yield from _people(task, directory)
    yield from (f"deps: {fault}" for fault in _unknown(task.deps, draft.tasks.ids))
    yield from (f"after: {fault}" for fault in _unknown(task.after, draft.tasks.ids))
    yield from (f"after: {both} is among its deps as well; name it once" for both in task.after if both in task.deps)
    if "gates" in draft.wrong:
        return
    gates = draft.head.gates
    if task.gate is not None and task.gate not in gates:
        yield f"gate: no gate is called `{task.gate}`{names.hint(task.gate, gates)}"
    if task.gate is None and task.kind not in gates:
        yield f"gate: there is no gate for its kind, {task.kind}; add it under `gates`"


def _place(task: BuildTask, draft: "Draft") -> Iterator[str]:
    if not task.id.startswith(f"{task.component}."):
        yield f"component: is {task.component}, but the id says {task.id.partition('.')[0]}"
    if str(task.component) not in draft.components.ids:
        yield f"component: {task.component} is not in this plan"
    for component in draft.components.items:
        if component.number == task.component:
            if task.phase != component.phase:
                yield f"phase: is {task.phase}, but its component {component.number} is of phase {component.phase}"
            if task.component_name != component.name:
                yield f"component_name: is `{task.component_name}`, but that of {task.component} is {component.name}"


def _people(task: BuildTask, directory: names.Directory) -> Iterator[str]:
    owner, fault = _resolved(directory, task.agent)
    if fault:
        yield f"agent: {fault}"
    seen: set[str] = set()
    for name in task.reviewers:
        reviewer, fault = _resolved(directory, name)
        if fault:
            yield f"reviewers: {fault}"
        elif reviewer == owner:
            yield f"reviewers: {reviewer} would review its own work"
        elif reviewer in seen:
            yield f"reviewers: {reviewer} is named twice"
        seen.add(reviewer)


def _resolved(directory: names.Directory, name: str) -> tuple[str, str]:
    """Return the id that a name means and no fault, or the name itself and the fault."""
    try:
        return names.resolve(directory, name), ""
    except InputError as error:
        return name, str(error)


def _unknown(tasks: Iterable[str], known: Collection[str]) -> Iterator[str]:
    for task in tasks:
        if task not in known:
            yield f"there is no task {task}{names.hint(task, known)}"


def _cycles(deps: Deps) -> Iterator[tuple[str, ...]]:
    """Yield one way around each knot of tasks that wait for each other, each task pointing to what it waits for."""
    left = dict(deps)
    place = {task: number for number, task in enumerate(deps)}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            knot: list[str] = error.args[1][:0:-1]  # graphlib goes from the awaited to the waiting, start repeated
            first = min(range(len(knot)), key=lambda i: place[knot[i]])
            turned = knot[first:] + knot[:first]
            yield (*turned, turned[0])
            left = {task: waits for task, waits in left.items() if task not in knot}
        else:
            return


def _workflow(workflow: Workflow, deps: Deps, known: Collection[str]) -> Iterator[str]:
    yield from _unknown(dict.fromkeys((*workflow.path, *workflow.side_tasks)), known)
    labels = tuple(stage.label for stage in workflow.stages)
    steps = tuple(task for stage in workflow.stages for task in stage.tasks)
    if labels != workflow.chain:
        yield f"its stages are {' → '.join(labels)}, but its chain is {' → '.join(workflow.chain)}"
    if steps != workflow.path:
        yield f"the tasks of its stages are {', '.join(steps)}, but its path is {', '.join(workflow.path)}"
        yield from _unknown((step for step in dict.fromkeys(steps) if step not in workflow.path), known)
    for before, after in zip(workflow.path, workflow.path[1:], strict=False):
        if before in deps and after in deps and before not in closure([after], deps):
            yield f"is no chain: {after} does not wait for {before}"


def _policy(policy: Policy, directory: names.Directory, tasks: Collection[str]) -> Iterator[str]:
    named = [(power, getattr(policy, power)) for power in POWERS]
    for topic, reviewers in policy.default_reviewers.items():
        named += [(f"default_reviewers: {topic}", reviewer) for reviewer in reviewers]
    for place, name in named:
        _, fault = _resolved(directory, name)
        if fault:
            yield f"{place}: {fault}"
    yield from (f"release_gates: {fault}" for fault in _unknown(policy.release_gates, tasks))
