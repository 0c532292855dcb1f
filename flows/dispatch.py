"""Dispatch: start each task the moment its dependencies are merged, its agent is free and a slot is open."""

import asyncio
from collections.abc import Awaitable, Collection
from typing import Any, cast

from prefect import tags

from flows.failure import raised
from flows.journey import ASKED, journey
from orchestrator import stages
from orchestrator.errors import OrchestratorError, StorageError
from orchestrator.models import Outcome
from orchestrator.schedule import Schedule, waits_for_user
from tasks.heed import spoken
from tasks.record import outcome_id, record_outcome
from tasks.run import Run


async def dispatch(
    run: Run, selected: Collection[str], *, merged: Collection[str], slots: int, barrier: bool = False
) -> dict[str, Outcome]:
    """Run the selected tasks that are not in `merged`, and return how each of them ended, blocked ones included.

    Raises:
        StorageError: the disk is full; what runs is stopped, what is on disk is whole.
    """
    schedule = Schedule(run.plan, selected, merged, slots, barrier=barrier)
    free = list(range(slots))
    states: dict[str, Any] = {}
    outcomes: dict[str, Outcome] = {}
    active: dict[asyncio.Future[Any], tuple[str, int | None]] = {}
    """What is awaited: for a task its journey in a slot, or, without one, the word of the user."""
    try:
        while not schedule.is_over:
            for build_task in schedule.ready():
                schedule.start(build_task.id)
                slot = free.pop(0)
                upstream = [states[dep] for dep in build_task.deps if dep in states]
                going = cast("Awaitable[Any]", journey(run, build_task, slot, wait_for=upstream, return_state=True))
                with tags(stages.of_task(build_task)):
                    active[asyncio.ensure_future(going)] = (build_task.id, slot)
            ended, _ = await asyncio.wait(active, return_when=asyncio.FIRST_COMPLETED)
            for future in ended:
                task_id, slot = active.pop(future)
                if slot is None:
                    schedule.resume(task_id)
                    continue
                free.append(slot)
                state = future.result()
                if state.name == ASKED:
                    schedule.pause(task_id, waits_for_user(task_id))
                    place = await state.result()
                    active[asyncio.ensure_future(spoken(run, place))] = (task_id, None)
                    continue
                states[task_id] = state
                outcomes[task_id] = _outcome(run, task_id, states[task_id])
                is_merged = outcomes[task_id].status == "merged"
                concerned = schedule.finish(task_id, is_merged)
                if not is_merged:
                    outcomes |= {name: _blocked(run, name, task_id) for name in concerned}
    finally:
        for future in active:
            future.cancel()
        await asyncio.gather(*active, return_exceptions=True)
    return outcomes


def _outcome(run: Run, task_id: str, state: Any) -> Outcome:
    """Return how a task ended; an error that its journey let through fails that task alone, unless the disk is full."""
    key = run.keys[task_id]
    recorded = run.events.recall(outcome_id(run.name, key))
    if recorded is not None:
        return Outcome.model_validate({name: recorded.get(name) for name in Outcome.model_fields})
    error = raised(state)
    if isinstance(error, StorageError):
        raise error
    agent = run.task(task_id).agent
    landed = run.repository.landed().get(key)
    if landed is not None:
        return Outcome(
            task=task_id, key=key, status="merged", reason="merged before", agent=agent, commit=landed.commit
        )
    reason = str(error) if isinstance(error, OrchestratorError) else f"unforeseen: {state.message or state.name}"
    failed = Outcome(task=task_id, key=key, status="failed", reason=reason, agent=agent, attempts=1)
    return record_outcome(run.home, run.events, failed, 0.0)


def _blocked(run: Run, task_id: str, by: str) -> Outcome:
    agent = run.task(task_id).agent
    reason = f"waits for {by}, which failed"
    blocked = Outcome(task=task_id, key=run.keys[task_id], status="blocked", reason=reason, agent=agent)
    return record_outcome(run.home, run.events, blocked, 0.0)
