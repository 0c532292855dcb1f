"""Inspect: one kind of evidence about a component, taken once on a tree."""

import asyncio
from typing import NamedTuple

from prefect import task
from prefect.cache_policies import NO_CACHE

from orchestrator.component_review import Asked, inspection
from orchestrator.gate import Examination
from orchestrator.inspection import kinds
from orchestrator.inspection.place import Place
from orchestrator.models import Inspection, digest
from orchestrator.toolchain import Toolchain
from tasks.retry import POLICY
from tasks.run import Run


class Equipment(NamedTuple):
    """The tools that evidence is taken with, or why there are none."""

    tools: Toolchain | None
    why: str = ""


@task(task_run_name="{asked.subject.component} evidence · {kind}", cache_policy=NO_CACHE, **POLICY)
async def inspect(
    run: Run, asked: Asked, kind: str, equipment: Equipment, slot: int, coverage: Inspection | None = None
) -> Inspection:
    """Return one kind of evidence; what stands on record for this tree is not taken again."""
    stands = run.events.recall(asked.inspection_id(kind))
    if stands is not None:
        return inspection(stands)
    if equipment.tools is None:
        found = Inspection(kind=kind, status="not available", note=equipment.why)
    else:
        found = await kinds.inspect(kind, await _place(run, asked, equipment.tools, slot, coverage))
    return _record(run, asked, found)


def place(run: Run, asked: Asked, found: Inspection) -> str:
    """Return the id of the event of some evidence; what was not available is tried again by the next run."""
    return asked.inspection_id(found.kind) + (f"/{run.name}" if found.status == "not available" else "")


async def _place(run: Run, asked: Asked, tools: Toolchain, slot: int, coverage: Inspection | None) -> Place:
    subject = asked.subject
    worktree = await asyncio.to_thread(run.repository.open_slot, slot, subject.commit, run.sandbox.owner(slot))
    examination = Examination(
        home=run.home,
        task=subject.session_task,
        tree=subject.tree,
        worktree=worktree,
        slot=slot,
        sandbox=run.sandbox,
        toolchain=run.toolchain,
        environment=run.plan.environment,
        gate=digest("inspection"),
        known={},
    )
    return Place(examination, subject.files, asked.commands, tools, coverage)


def _record(run: Run, asked: Asked, found: Inspection) -> Inspection:
    data = {"component": asked.subject.component, "tree": asked.subject.tree, **found.model_dump(mode="json")}
    about = {"task": asked.subject.session_task}
    return inspection(run.events.record("inspection", place(run, asked, found), data, about=about))
