"""Dispatch: start each task the moment its dependencies are merged, its agent is free and a slot is open."""

import asyncio
from collections.abc import Awaitable, Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from flows.failure import raised, returned
from flows.journey import ASKED, DEFERRED, journey
from orchestrator import recovery
from orchestrator.deadlock import Deadlock
from orchestrator.errors import OrchestratorError, StorageError
from orchestrator.models import BuildTask, Outcome, SessionRef
from orchestrator.models.work import Failure
from orchestrator.schedule import Schedule, waits_for_user
from tasks import deadlocks, history
from tasks.heed import spoken
from tasks.notice import tell_coordinator
from tasks.record import outcome_id, record_breaker, record_outcome
from tasks.release import held
from tasks.run import Run


class Dispatched(NamedTuple):
    """How the tasks of a run ended, blocked ones included, and why it paused before all had, if it did."""

    outcomes: dict[str, Outcome]
    paused: str = ""


@dataclass
class _Going:
    """What is under way in a run, and what has come of it so far."""

    run: Run
    schedule: Schedule
    free: list[int]
    """The slots that no task has."""
    awaited: dict[asyncio.Future[Any], tuple[str, int | None]] = field(
        default_factory=dict[asyncio.Future[Any], tuple[str, int | None]]
    )
    """For a task its journey in a slot, or, without one, the word of the user."""
    states: dict[str, Any] = field(default_factory=dict[str, Any])
    """How each journey came back, for those who wait for it in Prefect."""
    outcomes: dict[str, Outcome] = field(default_factory=dict[str, Outcome])


async def dispatch(
    run: Run, selected: Collection[str], *, merged: Collection[str], slots: int, barrier: bool = False
) -> Dispatched:
    """Run the selected tasks that are not in `merged`, and return how each of them ended.

    Raises:
        StorageError: the disk is full; what runs is stopped, what is on disk is whole.
    """
    schedule = Schedule(run.plan, selected, merged, slots, barrier=barrier)
    run.unended.update(set(selected).difference(merged))
    going = _Going(run, schedule, list(range(slots)))
    try:
        while not schedule.is_over:
            ready = schedule.ready()
            for build_task in ready:
                _start(going, build_task)
            if schedule.held and not schedule.running:
                return Dispatched(going.outcomes, schedule.held)
            if not going.awaited:
                assert ready, "what is neither over nor held has something to start"
                continue  # what was ready is held, and its end may have set nothing free
            ended, _ = await asyncio.wait(going.awaited, return_when=asyncio.FIRST_COMPLETED)
            for future in ended:
                _take_in(going, future)
    finally:
        for future in going.awaited:
            future.cancel()
        await asyncio.gather(*going.awaited, return_exceptions=True)
    return Dispatched(going.outcomes)


def _start(going: _Going, build_task: BuildTask) -> None:
    """Begin a task's journey in a free slot; a release that is held ends without one."""
    run, schedule = going.run, going.schedule
    schedule.start(build_task.id)
    reason = held(run, build_task)
    if reason is not None:
        going.outcomes |= _held(run, schedule, build_task.id, reason)
        return
    slot = going.free.pop(0)
    upstream = [going.states[dep] for dep in build_task.deps if dep in going.states]
    begun = cast("Awaitable[Any]", journey(run, build_task, slot, wait_for=upstream, return_state=True))
    going.awaited[asyncio.ensure_future(begun)] = (build_task.id, slot)


def _take_in(going: _Going, future: asyncio.Future[Any]) -> None:
    """Take in what has ended: the user's word, for which the task goes on, or a journey, whose slot is free again."""
    run, schedule = going.run, going.schedule
    task_id, slot = going.awaited.pop(future)
    if slot is None:
        schedule.resume(task_id)
        return
    going.free.append(slot)
    state = going.states[task_id] = future.result()
    if state.name == ASKED:
        schedule.pause(task_id, waits_for_user(task_id))
        going.awaited[asyncio.ensure_future(spoken(run, returned(state)))] = (task_id, None)
        return
    going.outcomes |= _take(run, schedule, task_id, state)
    _hold_if_broken(run, schedule, going.outcomes)


def _take(run: Run, schedule: Schedule, task_id: str, state: Any) -> dict[str, Outcome]:
    """Tell the schedule how a journey came back, and return the outcomes that follow: its own, and what it blocks."""
    error = raised(state)
    if state.name == DEFERRED:
        _defer(run, schedule, task_id, SessionRef.model_validate(returned(state)["session"]), returned(state)["on"])
        return {}
    if recovery.pauses(error):
        reason = f"{recovery.text('environment')}: {error}"
        _tell_failed(run, task_id, reason)
        _hold(run, schedule, "environment", [task_id], reason)
        schedule.leave(task_id)
        return {}
    outcome = _outcome(run, task_id, state)
    is_merged = outcome.status == "merged"
    concerned = schedule.finish(task_id, is_merged)
    because = f"waits for {task_id}, which failed"
    blocked = {} if is_merged else {name: _blocked(run, name, because) for name in concerned}
    run.unended.difference_update([task_id, *blocked])
    return {task_id: outcome, **blocked}


def _defer(run: Run, schedule: Schedule, task_id: str, session: SessionRef, on: str) -> None:
    """Put a task back until another has ended; where each waits for the other, have the coordinator decide."""
    circle = schedule.defer(task_id, on)
    if not circle:
        return
    answers = [answer for name in circle if (answer := run.last_answer(name))]
    given = [verdict for answer in answers for verdict in history.verdicts(run, answer.session)]
    people = (*(run.task(name).agent for name in circle), *(verdict.reviewer for verdict in given if verdict.waits_for))
    found = Deadlock(
        cause="verdicts",
        tasks=circle,
        agents=tuple(dict.fromkeys(people)),
        reason=f"tasks wait for each other: {' → '.join((*circle, circle[0]))}",
    )
    deadlocks.record(run, session, found)
    schedule.go_on(task_id)


def _hold_if_broken(run: Run, schedule: Schedule, outcomes: dict[str, Outcome]) -> None:
    """Hold the run where too many of its tasks failed in the same way, if any are left to start."""
    failed: dict[str, Failure | None] = {task_id: outcome.failure for task_id, outcome in outcomes.items()}
    broken = recovery.breaker(failed, run.plan.policy.breaker)
    if broken and schedule.has_unstarted:
        failure, tasks = broken
        told = f"{len(tasks)} tasks failed in the same way ({recovery.text(failure)}): {', '.join(tasks)}"
        _hold(run, schedule, failure, tasks, told)


def _hold(run: Run, schedule: Schedule, failure: Failure, tasks: list[str], reason: str) -> None:
    record_breaker(run, failure, tasks, reason)
    schedule.hold(reason)


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
    _tell_failed(run, task_id, reason)
    return record_outcome(run.home, run.events, failed, 0.0)


def _tell_failed(run: Run, task_id: str, reason: str) -> None:
    """Tell the coordinator of a failure that is none of an attempt's, once for each run that it befalls."""
    build_task = run.task(task_id)
    tell_coordinator(run, build_task, by=build_task.agent, event="failed", place=run.name, data={"reason": reason})


def _held(run: Run, schedule: Schedule, task_id: str, reason: str) -> dict[str, Outcome]:
    """Return the outcomes of a release that is held and of all that wait for it."""
    waiting = schedule.finish(task_id, False)
    run.unended.difference_update([task_id, *waiting])
    held_back = {task_id: _blocked(run, task_id, reason)}
    return held_back | {name: _blocked(run, name, f"waits for {task_id}, whose release is held") for name in waiting}


def _blocked(run: Run, task_id: str, reason: str) -> Outcome:
    agent = run.task(task_id).agent
    blocked = Outcome(task=task_id, key=run.keys[task_id], status="blocked", reason=reason, agent=agent)
    return record_outcome(run.home, run.events, blocked, 0.0)
