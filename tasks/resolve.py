"""Resolve: whoever the policy names, or a backup of it, decides how a deadlock ends, and says why."""

import asyncio
from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from agents import brief, loop
from agents.context import state
from orchestrator.deadlock import Deadlock
from orchestrator.models import Answer, JsonObject, Message, Resolution, SessionRef
from orchestrator.models.work import ResolutionDecision
from tasks import history
from tasks.record import log_decision
from tasks.retry import POLICY
from tasks.run import Run
from tasks.session import converse, read_mail, record_end, session_data


@task(task_run_name="{answer.session.task} resolve · {found.cause}", cache_policy=NO_CACHE, **POLICY)
async def resolve(
    run: Run, answer: Answer, found: Deadlock, allowed: tuple[ResolutionDecision, ...], slot: int
) -> Resolution:
    """Return the decision on a recorded deadlock at an answer; one of `allowed`, and always the same one.

    Where nobody may decide, or the session ends without a decision, the task is reassigned as after any failure.
    """
    about = {"role": "resolve", "cause": found.cause, "occurrence": 1}
    arbiter = _arbiter(run, answer, found)
    session = answer.session.model_copy(update={**about, "agent": arbiter or run.plan.policy.deadlock})
    done = run.events.recall(f"{session.id}/resolution")
    if done is not None:
        return Resolution.model_validate({name: done[name] for name in Resolution.model_fields})
    if arbiter is None:
        return _decide(run, found, Resolution(session=session, decision="reassign", reason="nobody else may decide"))
    async with run.sessions[arbiter]:
        state.write(run.home, arbiter, status="reviewing", task=session.task, session=session.name)
        try:
            ended = await _converse(run, session, answer, found, allowed, slot)
        finally:
            state.write(run.home, arbiter, status="idle")
    record_end(run, session, ended)
    return _decide(run, found, _resolution(session, ended, allowed))


def _arbiter(run: Run, answer: Answer, found: Deadlock) -> str | None:
    """Return who decides: the policy's choice, or the first of its backups, that is no party to the deadlock."""
    holder = run.plan.policy.deadlock
    parties = {answer.session.agent, *found.agents, *(run.task(name).agent for name in found.tasks)}
    able = (name for name in (holder, *run.agents[holder].backups) if name in run.agents)
    return next((name for name in able if name not in parties), None)


def _resolution(session: SessionRef, ended: loop.Ended, allowed: Sequence[str]) -> Resolution:
    if ended.closing is None:
        return Resolution(session=session, decision="reassign", reason=f"no decision was given: {ended.detail}")
    if ended.closing["decision"] not in allowed:
        reason = f"{ended.closing['decision']} is not open here; {ended.closing['reason']}"
        return Resolution(session=session, decision="reassign", reason=reason)
    return Resolution(session=session, **ended.closing)


def _decide(run: Run, found: Deadlock, resolution: Resolution) -> Resolution:
    """Record a resolution and log it as a decision; what is recorded first stands."""
    session = resolution.session
    data = {**resolution.model_dump(mode="json"), "cause": found.cause, "by": session.agent}
    stands = run.events.record("resolution", f"{session.id}/resolution", data, session=session)
    resolution = Resolution.model_validate({name: stands[name] for name in Resolution.model_fields})
    log_decision(
        run,
        session,
        f"decision/{session.id}",
        agent=session.agent,
        decision=resolution.decision,
        reason=resolution.reason,
        authority="deadlock",
    )
    return resolution


async def _converse(
    run: Run,
    session: SessionRef,
    answer: Answer,
    found: Deadlock,
    allowed: Sequence[ResolutionDecision],
    slot: int,
) -> loop.Ended:
    transcript = run.transcript(session.key)
    worktree = await asyncio.to_thread(run.repository.open_slot, slot, answer.commit, run.sandbox.owner(slot))
    if not transcript.recall(session).messages:
        task_ = run.task(session.task)
        system = brief.system(run.agents[session.agent], session, run.plan, task_)
        sides = [_side(run, name) for name in found.tasks]
        requests = [Message.model_validate(run.events.recall(f"message/{name}")) for name in found.messages]
        told = await asyncio.to_thread(read_mail, run, session)
        transcript.open(session, system, brief.resolve(task_, found, sides, requests, allowed, told=told))
    started = session_data(session, base=answer.base)
    run.events.record("session_started", f"{session.id}/started", started, session=session)
    return await converse(run, session, worktree, slot, allowed=allowed)


def _side(run: Run, name: str) -> JsonObject:
    """Return one task of a deadlock as its last answer stands: what its author says, the checks and all verdicts."""
    task_ = run.task(name)
    about: JsonObject = {
        "task": task_,
        "author": task_.agent,
        "summary": "",
        "checks": [],
        "verdicts": [],
        "earlier": [],
    }
    answer = run.last_answer(name)
    if answer is None:
        return about
    session = answer.session
    given = history.all_verdicts(run, session.key)
    return {
        **about,
        "author": session.agent,
        "summary": answer.summary,
        "checks": history.checks(run, session),
        "verdicts": [verdict for verdict in given if _place(verdict.session) == _place(session)],
        "earlier": [verdict for verdict in given if _place(verdict.session) < _place(session)],
    }


def _place(session: SessionRef) -> tuple[int, int]:
    return session.attempt, session.round
