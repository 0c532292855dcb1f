"""What every flow does once it knows its tasks: open the run, dispatch, record how it ended."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from prefect.states import Completed, Failed

from analytics import store
from flows.dispatch import Dispatched, dispatch
from flows.opening import Order, Prepared, opened, require_turns
from orchestrator.errors import OrchestratorError, StorageError
from orchestrator.models import JsonObject, Plan
from orchestrator.plan import digest as plan_digest
from orchestrator.selection import Selection, require_phase_order
from tasks.gate import baseline
from tasks.run import Run
from tasks.settle import publish

Watcher = Callable[[JsonObject], object]
Then = Callable[[Run], Awaitable[object]]

watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
"""Who is told of every event of a run in this process; the terminal's display, for one."""

say: ContextVar[Callable[[str], None]] = ContextVar("say", default=lambda _: None)
"""Who is told in words of what goes on before there are events."""


async def run_selected(
    order: Order,
    command: str,
    choose: Callable[[Prepared], Selection],
    then: Then | None = None,
) -> Any:
    """Run what `choose` selects and return the flow's end state: failed where a task did not merge.

    `then` ends a run that came to its end, with everything merged or not.
    """
    async with opened(order, command, say.get()) as (prepared, run):
        selection = choose(prepared)
        if order.barrier:
            require_phase_order(prepared.plan, selection.tasks - prepared.merged)
        require_turns(prepared, selection.tasks - prepared.merged)
        listener = watcher.get()
        if listener:
            run.events.listen(listener)
        outcomes, paused = await _recorded(prepared, run, command, selection, then)
    merged = sum(outcome.status == "merged" for outcome in outcomes.values())
    earlier = len(selection.tasks & prepared.merged)
    message = f"{selection.title}: {merged} merged, {earlier} merged before, {len(outcomes) - merged} not merged"
    data = {task_id: outcome.model_dump(mode="json") for task_id, outcome in outcomes.items()}
    ended = Completed if merged == len(outcomes) and not paused else Failed
    return ended(message=f"paused: {paused}; {message}" if paused else message, data=data)


async def _recorded(prepared: Prepared, run: Run, command: str, selection: Selection, then: Then | None) -> Dispatched:
    began = time.monotonic()
    order = prepared.order
    record_start(prepared, run, command, selection)
    status, reason = "stopped", "ended from outside"
    try:
        await baseline(run, await asyncio.to_thread(run.repository.head))
        dispatched = await dispatch(
            run, selection.tasks, merged=prepared.merged, slots=order.slots, barrier=order.barrier
        )
        status, reason = _end(dispatched)
        if then is not None and status in ("succeeded", "failed"):
            await then(run)
        return dispatched
    except OrchestratorError as error:
        reason = str(error)
        raise
    finally:
        data = {"status": status, "reason": reason, "seconds": round(time.monotonic() - began, 3)}
        run.events.record("run_ended", f"run/{run.name}/ended", data)
        await asyncio.to_thread(project, prepared, run, say.get())


def _end(dispatched: Dispatched) -> tuple[str, str]:
    """Return the status and the reason that a run ends with."""
    if dispatched.paused:
        return "paused", dispatched.paused
    unmerged = [task_id for task_id, outcome in dispatched.outcomes.items() if outcome.status != "merged"]
    return ("failed", f"not merged: {', '.join(unmerged)}") if unmerged else ("succeeded", "")


def record_start(prepared: Prepared, run: Run, command: str, selection: Selection) -> None:
    """Record that a run begins, with what and for which tasks."""
    plan = prepared.plan
    run.events.record("plan", f"plan/{plan_digest(plan)}", {"digest": plan_digest(plan), **_outline(plan)})
    data = {
        "command": command,
        "model": run.model.name,
        "sandbox": run.sandbox.level,
        "slots": prepared.order.slots,
        "barrier": prepared.order.barrier,
        "plan": plan_digest(plan),
        "plan_file": str(prepared.order.plan or ""),
        "tasks": [task.id for task in plan.tasks if task.id in selection.tasks],
        "merged": sorted(selection.tasks & prepared.merged),
    }
    run.events.record("run_started", f"run/{run.name}/started", data)


def _outline(plan: Plan) -> JsonObject:
    fields = {
        "id",
        "phase",
        "component",
        "component_name",
        "title",
        "agent",
        "kind",
        "effort",
        "deps",
        "after",
        "reviewers",
    }
    return {
        "name": plan.name,
        "phases": [phase.model_dump() for phase in plan.phases],
        "components": [component.model_dump() for component in plan.components],
        "tasks": [task.model_dump(mode="json", include=fields) for task in plan.tasks],
    }


def project(prepared: Prepared, run: Run, say: Callable[[str], None]) -> None:
    """Write what people and other programs read: each agent's state, the plan's graph, and the database."""
    publish(run.home, prepared.plan, run.agents, run.merged(), run.events)
    try:
        store.ingest(run.home)
    except StorageError as error:  # the journal holds it all; the next report ingests it
        say(f"{error}")
