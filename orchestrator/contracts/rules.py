"""What must hold between the contracts of a plan, and of the paths its tasks may write; all problems, as sentences."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from orchestrator import names
from orchestrator.contracts import NAME, Parties, parties
from orchestrator.models import BuildTask
from orchestrator.planrules import Deps, closure


def problems(tasks: Sequence[BuildTask]) -> Iterator[str]:
    """Yield everything that is wrong with the contracts that tasks name and with the paths that they may write."""
    known = parties(tasks)
    deps = {task.id: task.deps for task in tasks}
    for task in tasks:
        yield from (f"task {task.id}: {fault}" for fault in _task(task, known, deps))
    for contract in known.values():
        if len(contract.declared_by) > 1:
            yield f"contract {contract.name}: is declared by {' and '.join(contract.declared_by)}; one task declares it"
        if contract.consumed_by and contract.declared_by and not contract.produced_by:
            yield f"contract {contract.name}: {contract.consumed_by[0]} consumes it, but no task produces it"


def _task(task: BuildTask, known: Mapping[str, Parties], deps: Deps) -> Iterator[str]:
    if task.declares and task.kind != "design":
        yield f"declares: only a design task declares contracts; this one is {task.kind}"
    for name in task.declares:
        if not NAME.fullmatch(name):
            yield f"declares: `{name}` is no name of a contract; use small letters, digits and single dashes"
    for relation, listed in (("produces", task.produces), ("consumes", task.consumes)):
        yield from (f"{relation}: {fault}" for fault in _relied_on(task, listed, known, deps))
    yield from (f"paths: {fault}" for fault in _paths(task.paths))


def _relied_on(task: BuildTask, listed: Collection[str], known: Mapping[str, Parties], deps: Deps) -> Iterator[str]:
    before = {task.id, *closure([task.id], deps)} if listed else set[str]()
    declared = [name for name, contract in known.items() if contract.declared_by]
    for name in listed:
        owners = known[name].declared_by
        if not owners:
            yield f"no task declares a contract `{name}`{names.hint(name, declared)}"
        elif not before.intersection(owners):
            yield f"{name} is declared by {owners[0]}, which this task does not wait for; add it to deps"


def _paths(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        if path.startswith("/") or "\\" in path or {".", ".."} & set(path.split("/")):
            yield f"`{path}` is no path inside the project; write it from the root, such as src/parts/"
