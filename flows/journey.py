"""The journey of one task: attempt after attempt, each by its own agent, and how it ends."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import task_run
from prefect.states import Completed, Failed

from flows.attempt import Ended, attempt, taken_up
from flows.rounds import Deferred, GivenUp, Landed
from orchestrator import recovery, stages
from orchestrator.errors import NoVerdict, OrchestratorError
from orchestrator.models import BuildTask, Outcome
from orchestrator.models.work import Failure
from orchestrator.recovery import Spent
from tasks import history
from tasks.approve import Asked
from tasks.notice import tell_coordinator
from tasks.record import record_outcome
from tasks.run import Run
from tasks.waive import take_up

DEFERRED = "Deferred"
"""The name of the end state of a journey that goes on once another task has ended."""
ASKED = "Waiting"
"""The name of the end state of a journey that goes on once the user has spoken; its data is the place asked about."""


def _run_name() -> str:
    """Return what a person reads in Prefect's UI; the stage is no tag, since Prefect asks for a slot for each tag."""
    build_task: BuildTask = task_run.parameters["build_task"]
    return f"{build_task.id} {build_task.title} · {stages.of_task(build_task)}"


@task(name="build task", task_run_name=_run_name, cache_policy=NO_CACHE)
async def journey(run: Run, build_task: BuildTask, slot: int) -> Any:
    """Take one task from its brief to its Outcome, and return that as JSON; a failed state where it did not merge.

    Where its verdicts wait for another task, it returns whose verdicts wait for which, under the name `DEFERRED`, and
    what the user is asked about under the name `ASKED`. Begun again, it finds all its steps done.

    Raises:
        WorkError: the environment is broken; no attempt is spent.
    """
    began = time.monotonic()
    outcome = await _waived(run, build_task, slot) or await _attempts(run, build_task, slot)
    if isinstance(outcome, Asked):
        return Completed(name=ASKED, message="waits for the user's approval", data=outcome.place)
    if isinstance(outcome, Deferred):
        data = {"session": outcome.session.model_dump(mode="json"), "on": outcome.on}
        return Completed(name=DEFERRED, message=f"its verdicts wait for {outcome.on}", data=data)
    record_outcome(run.home, run.events, outcome, time.monotonic() - began)
    if outcome.status == "merged":
        return outcome.model_dump(mode="json")
    return Failed(message=outcome.reason)


async def _waived(run: Run, build_task: BuildTask, slot: int) -> Outcome | Deferred | Asked | None:
    """Take up an answer whose veto or block the user waived, without any new work; None where it does not land."""
    taken = take_up(run, run.keys[build_task.id])
    if taken is None:
        return None
    session = taken.answer.session
    ended = await _foreseen(taken_up(run, build_task, taken, slot))
    if isinstance(ended, Landed):
        landed = replace(ended, rounds=ended.rounds - session.round)
        return _merged(build_task, session.key, session.agent, [], landed)
    if not isinstance(ended, GivenUp):
        return ended
    _tell_failed(run, build_task, session.agent, session.attempt, ended.reason, f"attempt-{session.attempt}/taken-up")
    return None


async def _attempts(run: Run, build_task: BuildTask, slot: int) -> Outcome | Deferred | Asked:
    """Let the task's agent try, then whoever the table of failures names; each knows what became of those before."""
    key = run.keys[build_task.id]
    first = run.chosen.get(build_task.id, build_task.agent)
    line = recovery.candidates(run.plan, run.agents, build_task, first)
    begin = run.attempts_spent(key)
    past = [end for end in history.spent(run, key) if end.attempt <= begin]
    own: list[Spent] = []
    while agent := recovery.successor(line, own):
        number = begin + len(own) + 1
        about = {"task": build_task.id, "key": key, "agent": agent}
        run.events.record("task_started", f"{key[:16]}/attempt-{number}/started", {"attempt": number}, about=about)
        end = history.recall_end(run, key, number)
        if end is None:
            ended = await _foreseen(attempt(run, build_task, agent, number, slot, [*past, *own]))
            if isinstance(ended, Deferred | Asked):
                return ended
            if isinstance(ended, Landed):
                return _merged(build_task, key, agent, own, ended)
            if ended.failure == "transient":  # no attempt is spent, so each run that it ends says so
                _tell_failed(run, build_task, agent, number, ended.reason, f"attempt-{number}/{run.name}")
                return _failed(build_task, key, agent, "transient", ended.reason, [])
            end = await asyncio.to_thread(_spent, run, key, agent, number, ended)
        own.append(end)
        _pass_on(run, build_task, key, end, recovery.successor(line, own))
    last = own[-1]
    return _failed(build_task, key, last.agent, last.failure, f"{last.agent}: {last.reason}", own)


async def _foreseen(going: Awaitable[Ended]) -> Ended:
    """Make one attempt; an error that a rule foresees ends it, but for a broken environment, which is no one's."""
    try:
        return await going
    except OrchestratorError as error:
        failure = recovery.of_error(error)
        if failure is None or recovery.pauses(error):
            raise
        return GivenUp(str(error), 0, failure, is_final=isinstance(error, NoVerdict))


def _spent(run: Run, key: str, agent: str, number: int, ended: GivenUp) -> Spent:
    base, left = history.left(run, key, number) or ("", "")
    return Spent(
        attempt=number,
        agent=agent,
        failure=ended.failure,
        reason=ended.reason,
        rounds=ended.rounds,
        base=base,
        left=left,
        is_final=ended.is_final,
    )


def _pass_on(run: Run, build_task: BuildTask, key: str, end: Spent, following: str | None) -> None:
    """Record how an attempt ended, tell the coordinator, and record who takes over if another agent does."""
    history.record_end(run, build_task.id, key, end, following)
    _tell_failed(run, build_task, end.agent, end.attempt, end.reason, f"attempt-{end.attempt}")
    if following not in (None, end.agent):
        about = {"task": build_task.id, "key": key, "agent": end.agent}
        data = {"from": end.agent, "to": following, "reason": end.reason, "attempt": end.attempt + 1}
        place = f"attempt-{end.attempt + 1}"
        run.events.record("reassigned", f"{key[:16]}/{place}/reassigned", {**data, "failure": end.failure}, about=about)
        tell_coordinator(run, build_task, by=end.agent, event="reassigned", place=place, data=data)


def _tell_failed(run: Run, build_task: BuildTask, agent: str, attempt: int, reason: str, place: str) -> None:
    told = {"attempt": attempt, "reason": reason}
    tell_coordinator(run, build_task, by=agent, event="failed", place=place, data=told)


def _merged(build_task: BuildTask, key: str, agent: str, spent: Sequence[Spent], landed: Landed) -> Outcome:
    return Outcome(
        task=build_task.id,
        key=key,
        status="merged",
        reason=f"merged as {landed.commit[:12]}",
        agent=agent,
        commit=landed.commit,
        attempts=len(spent) + 1,
        rounds=sum(end.rounds for end in spent) + landed.rounds,
    )


def _failed(
    build_task: BuildTask, key: str, agent: str, failure: Failure, reason: str, spent: Sequence[Spent]
) -> Outcome:
    """Return the outcome of a failed task; the attempts that it spent are not made again."""
    return Outcome(
        task=build_task.id,
        key=key,
        status="failed",
        reason=reason,
        agent=agent,
        attempts=len(spent),
        rounds=sum(end.rounds for end in spent),
        failure=failure,
    )
