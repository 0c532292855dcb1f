"""Contracts: one more check on an answer and on the merged tree, for the contracts of the plan that count by then."""

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from orchestrator import contracts, kept, process
from orchestrator.contracts import Due, commands, patterns
from orchestrator.contracts.python.code import Code
from orchestrator.contracts.python.sources import Sources, roots
from orchestrator.errors import InputError
from orchestrator.models import BuildTask, Check, CommandInterface, Contract, DocumentInterface, digest
from tasks.run import Run

NAME = "contracts"
SOURCE_LIMIT = 2_000_000
SECONDS = 20
"""How long it may take to hold the documents of one contract against their schemas."""
_DOCUMENTS = Path(contracts.__file__).with_name("schemas.py")
_NAMED = 3


@dataclass(frozen=True)
class Subject:
    """What is held against contracts: a commit, as what a task makes of what stood before."""

    task: BuildTask
    base: str
    commit: str
    tree: str
    slot: int


def agreed(run: Run, task: BuildTask, commit: str) -> dict[str, str | None]:
    """Return the text of each contract that a task names, as it stands in a commit; None where it is not there yet."""
    names = dict.fromkeys((*task.declares, *task.produces, *task.consumes))
    return {name: _text(run, commit, contracts.path(name)) for name in names}


def due(run: Run, task: BuildTask, base: str) -> tuple[Due, ...]:
    """Return the contracts that a change by `task` on top of `base` must keep.

    A task has landed by its present key alone: one that is to be done again is not yet held to the newest contract.
    """
    if not contracts.parties(run.plan.tasks):
        return ()
    landed = run.repository.landed(base)
    return contracts.due(run.plan.tasks, task, {id_ for id_, key in run.keys.items() if key in landed})


def meaning(due: Sequence[Due], subject: Subject) -> str:
    """Return the digest of all that decides what is found in a tree, but for the tree itself."""
    asked = [[item.contract.name, item.declared, item.kept, item.relied_on] for item in due]
    return digest({"contracts": asked, "task": subject.task.id, "base": subject.base})


async def examine(run: Run, subject: Subject, due: Sequence[Due]) -> Check:
    """Return the Check of the contracts that are due: its problem names the first breaks, its output lists all."""
    began = time.monotonic()
    code, changed = await asyncio.to_thread(_tree, run, subject)
    found: list[str] = []
    for item in due:
        faults = await _faults(run, subject, item, code, changed)
        found += [contracts.told(item.contract, subject.task.id, fault) for fault in faults]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return Check(
        name=NAME,
        command=f"(built in) contracts: {', '.join(item.contract.name for item in due)}",
        exit_code=1 if found else 0,
        tree=subject.tree,
        gate=meaning(due, subject),
        seconds=round(time.monotonic() - began, 3),
        output=kept.keep(run.home, "\n".join(found) + "\n") if found else None,
        problem="; ".join(found[:_NAMED]) + more if found else None,
    )


async def _faults(run: Run, subject: Subject, item: Due, code: Code, changed: frozenset[str]) -> list[str]:
    """Return what is wrong with one contract, a clause each."""
    try:
        contract = contracts.read(item.contract.name, code.sources.read(item.contract.path))
    except InputError as error:
        return [str(error)]
    found = list(code.definition_faults(contract)) if item.kept else []
    found += code.call_faults(contract, changed) if item.relied_on else []
    found += await _document_faults(item, contract, code.sources, changed)
    if item.kept and contract.commands:
        found += await _command_faults(run, subject, contract.commands)
    return found


_Document = tuple[str, str, str]
"""Its path, its text, and the name of the schema that it is held against."""


async def _document_faults(item: Due, contract: Contract, sources: Sources, changed: frozenset[str]) -> list[str]:
    """Hold documents against their schemas, in a process of its own, since a schema's patterns may take for ever."""
    schemas = {f"schema {number} of the contract": d.rules for number, d in enumerate(contract.documents, start=1)}
    documents, found = _documents(item, dict(zip(schemas, contract.documents, strict=True)), sources, changed)
    if not documents and not (schemas and item.declared):
        return found
    ended = await process.run(
        [sys.executable, "-I", str(_DOCUMENTS)],
        folder=Path("/"),
        environment={},
        seconds=SECONDS,
        stdin=json.dumps({"schemas": schemas, "documents": documents}).encode(),
    )
    if ended.exit_code != 0:
        return [*found, f"its documents could not be held against their schemas within {SECONDS} s"]
    return [*found, *json.loads(ended.output.splitlines()[-1])]


def _documents(
    item: Due, stated: Mapping[str, DocumentInterface], sources: Sources, changed: frozenset[str]
) -> tuple[list[_Document], list[str]]:
    """Return the documents to judge, all where the contract is kept and else the change's own, and what lacks."""
    documents: list[_Document] = []
    lacking: list[str] = []
    for name, interface in stated.items():
        files = patterns.matching(interface.file, sources.files if item.kept else sources.files & changed)
        if item.kept and not files:
            lacking.append(f"no file matches {interface.file}")
        for file in files if item.kept or item.relied_on else ():
            text = sources.read(file)
            if text is None:
                lacking.append(f"{file} is longer than {SOURCE_LIMIT} bytes")
            else:
                documents.append((file, text, name))
    return documents, lacking


async def _command_faults(run: Run, subject: Subject, stated: Sequence[CommandInterface]) -> list[str]:
    """Run each command in the sandbox, in a clean checkout of its own."""
    owner, found = run.sandbox.owner(subject.slot), list[str]()
    for command in stated:
        worktree = await asyncio.to_thread(run.repository.open_slot, subject.slot, subject.commit, owner)
        ended = await run.sandbox.run(
            [word.replace("{python}", str(run.toolchain.python)) for word in commands.question(command)],
            worktree=worktree,
            writable=True,
            slot=subject.slot,
            seconds=commands.SECONDS,
            read_only=run.toolchain.read_only,
            environment=run.plan.environment,
        )
        fault = commands.fault(command, ended)
        found += [fault] if fault else []
    return found


def _tree(run: Run, subject: Subject) -> tuple[Code, frozenset[str]]:
    files = frozenset(run.repository.files(subject.commit))
    changed = run.repository.changes(subject.base, subject.commit).paths
    import_path = run.plan.environment.get("PYTHONPATH")
    return Code(Sources(files, partial(_text, run, subject.commit), roots(import_path))), frozenset(changed)


def _text(run: Run, commit: str, path: str) -> str | None:
    content = run.repository.read(commit, path)
    return None if content is None or len(content) > SOURCE_LIMIT else content.decode(errors="replace")
