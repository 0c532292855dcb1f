"""Review: one reviewer reads one answer and its checks, and gives a Verdict."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from agents import brief, loop
from agents.context import state
from orchestrator.errors import NoVerdict
from orchestrator.models import Answer, Check, SessionRef, Verdict
from tasks.notice import tell_of_verdict
from tasks.retry import POLICY
from tasks.run import Run
from tasks.session import converse, read_mail, record_end, session_data

SITTINGS = 2
"""So many sessions a reviewer has for one verdict."""


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
        NoVerdict: the reviewer's sessions ended without a verdict; nothing stands in for one.
    """

    def words() -> tuple[str, str]:
        task_ = run.task(session.task)
        diff = run.repository.diff(answer.base, answer.commit, brief.DIFF_LIMIT)
        system = brief.system(run.agents[session.agent], session, run.plan, task_)
        return system, brief.review(task_, answer, checks, earlier, diff, told=read_mail(run, session))

    verdict = await judge(run, session, Judged(answer.base, answer.commit, worktree), words, slot)
    tell_of_verdict(run, run.task(session.task), verdict)
    return verdict


@dataclass(frozen=True)
class Judged:
    """What a reviewer judges: a commit, what it is compared with, and the read-only worktree that holds it."""

    base: str
    commit: str
    worktree: Path


async def judge(
    run: Run, session: SessionRef, judged: Judged, words: Callable[[], tuple[str, str]], slot: int
) -> Verdict:
    """Return a reviewer's verdict; `words` gives its system prompt and its brief, where it has none yet.

    A session that ends without one is held once more, from the beginning.

    Raises:
        NoVerdict: that one ended without a verdict too; nothing stands in for one.
    """
    ended = ""
    for sitting in range(1, SITTINGS + 1):
        given = await _sit(run, session.model_copy(update={"sitting": sitting}), judged, words, slot)
        if isinstance(given, Verdict):
            return given
        ended = given
    raise NoVerdict(f"{session.agent} reviewed {session.task} {SITTINGS} times without giving a verdict: {ended}")


async def _sit(
    run: Run, session: SessionRef, judged: Judged, words: Callable[[], tuple[str, str]], slot: int
) -> Verdict | str:
    """Return the verdict of one review session, or how it ended without one."""
    before = run.events.recall(f"{session.id}/verdict")
    if before is not None:
        return Verdict.model_validate(before)
    async with run.sessions[session.agent]:
        state.write(run.home, session.agent, status="reviewing", task=session.task, session=session.name)
        try:
            ended = await _converse(run, session, judged, words, slot)
        finally:
            state.write(run.home, session.agent, status="idle")
    record_end(run, session, ended)
    if ended.closing is None:
        return ended.detail
    verdict = Verdict(session=session, commit=judged.commit, usage=ended.usage, **ended.closing)
    stands = run.events.record("verdict", f"{session.id}/verdict", verdict.model_dump(mode="json"), session=session)
    return Verdict.model_validate(stands)


async def _converse(
    run: Run, session: SessionRef, judged: Judged, words: Callable[[], tuple[str, str]], slot: int
) -> loop.Ended:
    transcript = run.transcript(session.key)
    if not transcript.recall(session).messages:
        transcript.open(session, *await asyncio.to_thread(words))
    started = session_data(session, base=judged.base)
    run.events.record("session_started", f"{session.id}/started", started, session=session)
    return await converse(run, session, judged.worktree, slot)
