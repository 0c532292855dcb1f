"""Contracts of a plan: who declares, produces and consumes which, what a task must keep, and what a text states.

A contract counts as kept by all once each task that produces it has landed or is the one that is judged. Until then
those who consume it rely on its text alone, so that both sides can work at the same time.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import yaml
from pydantic import ValidationError

from orchestrator.contracts.python.signatures import parse as parse_signature
from orchestrator.errors import InputError
from orchestrator.models import BuildTask, Contract

FOLDER = "contracts/"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TEXT_LIMIT = 100_000
_DEPTH = 50
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Parties:
    """A contract's name and the tasks that have to do with it; a right plan has one that declares it."""

    name: str
    declared_by: tuple[str, ...] = ()
    produced_by: tuple[str, ...] = ()
    consumed_by: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Return where the contract stands in the product's tree."""
        return path(self.name)


@dataclass(frozen=True)
class Due:
    """A contract that counts for a change, and how."""

    contract: Parties
    declared: bool
    """The change must write it."""
    kept: bool
    """The tree must fulfil it."""
    relied_on: bool
    """What the change itself calls and writes must fit it."""


def path(name: str) -> str:
    """Return where the contract of a name stands in the product's tree."""
    return f"{FOLDER}{name}.yaml"


def parties(tasks: Sequence[BuildTask]) -> dict[str, Parties]:
    """Return every contract that tasks name, by its name."""
    names = dict.fromkeys(name for task in tasks for name in (*task.declares, *task.produces, *task.consumes))
    return {
        name: Parties(
            name,
            tuple(task.id for task in tasks if name in task.declares),
            tuple(task.id for task in tasks if name in task.produces),
            tuple(task.id for task in tasks if name in task.consumes),
        )
        for name in names
    }


def due(tasks: Sequence[BuildTask], task: BuildTask, landed: Collection[str]) -> tuple[Due, ...]:
    """Return the contracts that a change by `task` is held against, given the tasks that have landed before."""
    there = {task.id, *landed}
    found = (
        Due(
            contract,
            declared=task.id in contract.declared_by,
            kept=bool(contract.produced_by) and there.issuperset(contract.produced_by),
            relied_on=task.id in (*contract.produced_by, *contract.consumed_by),
        )
        for contract in parties(tasks).values()
    )
    return tuple(item for item in found if item.declared or item.kept or item.relied_on)


def told(contract: Parties, task: str, fault: str) -> str:
    """Return the sentence about a fault in what `task` changed, which names the tasks on both sides."""
    declared = f"declared by {' and '.join(contract.declared_by)}"
    if task in contract.produced_by:
        return f"contract {contract.name} ({declared}) is not fulfilled by {task}: {fault}"
    if task in contract.declared_by:
        return f"contract {contract.name} is not declared as it must be by {task}: {fault}"
    produced = f", produced by {' and '.join(contract.produced_by)}" if contract.produced_by else ""
    return f"contract {contract.name} ({declared}{produced}) is broken by {task}: {fault}"


def read(name: str, text: str | None) -> Contract:
    """Return the contract of a name from its file's text.

    Raises:
        InputError: there is no such file, or it is wrong; the message names file, place and fault.
    """
    where = path(name)
    if text is None:
        raise InputError(f"there is no file {where}")
    try:
        contract = Contract.model_validate(_data(where, text))
    except ValidationError as error:
        first, *others = error.errors(include_url=False)
        place = ": ".join(f"item {step + 1}" if isinstance(step, int) else str(step) for step in first["loc"])
        more = f" (and {len(others)} more)" if others else ""
        raise InputError(f"{where}: {place}: {first['msg']}{more}") from error
    for fault in _faults(name, contract):
        raise InputError(f"{where}: {fault}")
    return contract


def _data(where: str, text: str) -> object:
    if len(text) > _TEXT_LIMIT:
        raise InputError(f"{where}: is longer than {_TEXT_LIMIT} characters; make two contracts of it")
    try:
        fault = _layout_fault(text)
        if fault:
            raise InputError(f"{where}: {fault}")
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InputError(f"{where}: {place}{getattr(error, 'problem', None) or 'is no YAML'}") from error
    except (ValueError, KeyError, AttributeError, RecursionError) as error:  # for `!!int x` or a very deep text
        raise InputError(f"{where}: cannot be read as plain YAML: {error}") from error
    if not isinstance(data, dict):
        raise InputError(f"{where}: is no mapping; a contract has a name and any of python, schema and command")
    return data


def _layout_fault(text: str) -> str | None:
    """Say what of a YAML text would make it larger than it looks, or overflow the C parser's stack; None if nothing."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            return "refers to an anchor; write out what it stands for"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            return f"is nested more than {_DEPTH} deep; make it flatter"
    return None


def _faults(name: str, contract: Contract) -> Iterator[str]:
    if contract.name != name:
        yield f"name: is `{contract.name}`, where the file and the plan say {name}"
    if not (contract.python or contract.documents or contract.commands):
        yield "states nothing; give it any of python, schema and command"
    for number, interface in enumerate(contract.python, start=1):
        try:
            parse_signature(interface.signature or "()")
        except InputError as error:
            yield f"python: item {number}: signature: {error}"
    for number, document in enumerate(contract.documents, start=1):
        if document.file.startswith("/") or ".." in document.file.split("/"):
            yield f"schema: item {number}: file: `{document.file}` leads out of the tree; give a path from its root"
