"""Review: one reviewer reads one answer and its checks, and gives a Verdict."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from agents import brief, loop
from agents.context import state
from orchestrator.errors import ModelError
from orchestrator.models import Answer, Check, SessionRef, Verdict
from tasks.retry import POLICY
from tasks.run import Run
from tasks.session import converse, record_end, session_data


@task(task_run_name="{session.task} review · {session.agent}", cache_policy=NO_CACHE, **POLICY)
async def review(
    run: Run,
    session: SessionRef,
    answer: Answer,
    checks: Sequence[Check],
    earlier: Sequence[Verdict],
    worktree: Path,
    slot: int,
) -> Verdict:
    """Return the reviewer's verdict on the answer in `worktree`; the same session, once judged, is never held again.

    Raises:
        ModelError: the reviewer's session ended without a verdict; nothing stands in for one.
    """

    def told(diff: str) -> str:
        return brief.review(run.task(session.task), answer, checks, earlier, diff)

    return await judge(run, session, answer, told, worktree, slot)


async def judge(
    run: Run, session: SessionRef, answer: Answer, told: Callable[[str], str], worktree: Path, slot: int
) -> Verdict:
    """Return what an agent makes of the answer in `worktree`, which it is `told` of with the answer's diff.

    Raises:
        ModelError: the session ended without a verdict.
    """
    judged = run.events.recall(f"{session.id}/verdict")
    if judged is not None:
        return Verdict.model_validate(judged)
    async with run.sessions[session.agent]:
        state.write(run.home, session.agent, status="reviewing", task=session.task, session=session.name)
        try:
            ended = await _converse(run, session, answer, told, worktree, slot)
        finally:
            state.write(run.home, session.agent, status="idle")
    record_end(run, session, ended)
    if ended.closing is None:
        raise ModelError(f"{session.agent} reviewed {session.task} without giving a verdict: {ended.detail}")
    verdict = Verdict(session=session, commit=answer.commit, usage=ended.usage, **ended.closing)
    stands = run.events.record("verdict", f"{session.id}/verdict", verdict.model_dump(mode="json"), session=session)
    return Verdict.model_validate(stands)


async def _converse(
    run: Run, session: SessionRef, answer: Answer, told: Callable[[str], str], worktree: Path, slot: int
) -> loop.Ended:
    transcript = run.transcript(session.key)
    if not transcript.recall(session).messages:
        diff = await asyncio.to_thread(run.repository.diff, answer.base, answer.commit, brief.DIFF_LIMIT)
        system = brief.system(run.agents[session.agent], session, run.plan, run.task(session.task))
        transcript.open(session, system, told(diff))
    started = session_data(session, base=answer.base)
    run.events.record("session_started", f"{session.id}/started", started, session=session)
    return await converse(run, session, worktree, slot)
