"""The flow of a component's review: evidence, verdicts side by side, one ruling, and what it holds or lifts."""

import asyncio
import shlex
import time
from collections.abc import Sequence
from typing import Any, get_args

from prefect import flow
from prefect.states import Completed, Failed

from flows.asked import ask
from flows.opening import Order, Prepared, opened
from flows.selected import project, record_start, say, watcher
from flows.together import together
from orchestrator import authority, holds
from orchestrator.authority import Waivable
from orchestrator.component_review import Asked
from orchestrator.components import as_task
from orchestrator.errors import OrchestratorError, UnsupportedError
from orchestrator.inspection import tools
from orchestrator.inspection.kinds import KINDS
from orchestrator.models import Inspection, JsonObject, Ruling, Verdict
from orchestrator.selection import Selection
from tasks.inspect import Equipment, inspect
from tasks.release import record_review
from tasks.review import Judged
from tasks.review_component import previous, review_component
from tasks.run import Run

TESTS_SLOT, TOOLS_SLOT, READING_SLOT = 0, 1, 0
"""The tests run beside the other tools; the reviewers read when both are done."""
WHY_AT_MOST = 160
"""Characters of an error that every kind of evidence repeats; the whole of it is said once."""
PATIENCE = 1
"""A review asks nobody to work again, so nothing in it is a deadlock."""


@flow(name="review", flow_run_name="review {component}")
async def review(order: Order, component: str, reviewers: Sequence[str] = ()) -> Any:
    """Have a component reviewed and return the flow's end state, with the id of the review's event."""
    async with opened(order, f"review --component {component}", say.get()) as (prepared, run):
        listener = watcher.get()
        if listener:
            run.events.listen(listener)
        asked = await asyncio.to_thread(ask, prepared, component, reviewers)
        place, came = await _recorded(prepared, run, asked)
    message = f"component {asked.subject.component} {asked.subject.name}, review {came['round']}: {came['decision']}"
    return (Completed if came["decision"] == "approve" else Failed)(message=message, data={"review": place})


async def _recorded(prepared: Prepared, run: Run, asked: Asked) -> tuple[str, JsonObject]:
    began = time.monotonic()
    title = f"review of component {asked.subject.component}"
    command = f"review --component {shlex.quote(asked.subject.name)}"
    record_start(prepared, run, command, Selection(title=title, tasks=frozenset()))
    status, reason = "stopped", "ended from outside"
    try:
        place, came = await _reviewed(run, asked)
        approved = came["decision"] == "approve"
        status, reason = ("succeeded", "") if approved else ("failed", came["reason"])
        return place, came
    except OrchestratorError as error:
        reason = str(error)
        raise
    finally:
        data = {"status": status, "reason": reason, "seconds": round(time.monotonic() - began, 3)}
        run.events.record("run_ended", f"run/{run.name}/ended", data)
        await asyncio.to_thread(project, prepared, run, say.get())


async def _reviewed(run: Run, asked: Asked) -> tuple[str, JsonObject]:
    evidence = await _evidence(run, asked)
    place = asked.standing(evidence, run.events.everything())
    if place is None:
        before = previous(run, asked)
        verdicts = await _verdicts(run, asked, evidence)
        place = record_review(run, asked, before.round + 1, evidence, verdicts, _ruling(run, asked, verdicts))
    return place, run.events.recall(place) or {}


async def _evidence(run: Run, asked: Asked) -> list[Inspection]:
    """Return every kind of evidence, in their order; the tests run beside the tools that only read."""
    equipment = await _equipment(run, asked)
    found: dict[str, Inspection] = {}

    async def tests() -> None:
        for kind in ("coverage", "timing"):
            found[kind] = await inspect(run, asked, kind, equipment, TESTS_SLOT, found.get("coverage"))

    async def others() -> None:
        for kind in (kind.name for kind in KINDS if kind.name not in {"coverage", "timing"}):
            found[kind] = await inspect(run, asked, kind, equipment, TOOLS_SLOT)

    await together((tests(), others()))
    return [found[kind.name] for kind in KINDS]


async def _equipment(run: Run, asked: Asked) -> Equipment:
    """Return the tools, installed if need be; where they cannot be, that is said once and every kind says so."""
    if all(run.events.recall(asked.inspection_id(kind.name)) is not None for kind in KINDS):
        return Equipment(None, "not needed")
    try:
        return Equipment(await tools.prepare(say.get()))
    except UnsupportedError as error:
        say.get()(f"evidence: {error}")
        return Equipment(None, f"no tools, {str(error)[:WHY_AT_MOST]}")


async def _verdicts(run: Run, asked: Asked, evidence: Sequence[Inspection]) -> list[Verdict]:
    """Return the verdicts of all reviewers, who read side by side."""
    before = previous(run, asked)
    subject, owner = asked.subject, run.sandbox.owner(READING_SLOT)
    worktree = await asyncio.to_thread(run.repository.open_slot, READING_SLOT, subject.commit, owner)
    judged = Judged(before.commit or subject.base, subject.commit, worktree)
    sessions = [asked.session(reviewer, evidence, before.round + 1) for reviewer in asked.people]
    return await together(
        review_component(run, asked, session, evidence, before, judged, READING_SLOT) for session in sessions
    )


def _ruling(run: Run, asked: Asked, verdicts: Sequence[Verdict]) -> Ruling:
    """Return what the verdicts, which are on record, come to; one whose hold the user waived binds nobody."""
    waived = frozenset(get_args(Waivable)) - holds.powers(run.events.everything(), asked.subject.component)
    return authority.decide(verdicts, run.plan.policy, as_task(run.plan, asked.subject).kind, PATIENCE, waived)
