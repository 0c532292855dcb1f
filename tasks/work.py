"""Work: one session of an agent on one task, from its brief to an Answer."""

import asyncio

from prefect import task
from prefect.cache_policies import NO_CACHE

from agents import brief, loop
from agents.context import messages, state
from orchestrator.models import Answer, Frozen, SessionRef
from tasks import history
from tasks.contracts import agreed
from tasks.retry import POLICY
from tasks.run import Run
from tasks.session import converse, mail, record_end, session_data


class Opening(Frozen):
    """Where a session begins: the branch it builds on, what the worktree holds, and what the agent is told of it."""

    base: str
    """The integration branch's commit; the answer's parent."""
    start: str
    """The commit whose tree the worktree holds at first."""
    now: str
    """The part of the brief that says what began this round."""
    previous: tuple[str, ...] = ()
    """What became of the attempts before this one, a line each."""


@task(task_run_name="{session.task} work · {session.agent}", cache_policy=NO_CACHE, **POLICY)
async def work(run: Run, session: SessionRef, opening: Opening, slot: int) -> Answer:
    """Return the agent's answer; the same session, once answered, is never worked again."""
    answered = run.events.recall(f"{session.id}/answer")
    if answered is not None:
        return Answer.model_validate(answered)
    opening = _begin(run, session, opening)
    async with run.sessions[session.agent]:
        state.write(run.home, session.agent, status="working", task=session.task, session=session.name)
        try:
            ended, commit = await _converse(run, session, opening, slot)
        finally:
            state.write(run.home, session.agent, status="idle")
    return await asyncio.to_thread(_answer, run, session, opening, ended, commit)


def _begin(run: Run, session: SessionRef, opening: Opening) -> Opening:
    """Return where the session began, if it has begun before; so what it builds on never moves under it."""
    data = session_data(session, base=opening.base, start=opening.start)
    stands = run.events.record("session_started", f"{session.id}/started", data, session=session)
    return opening.model_copy(update={"base": stands["base"], "start": stands["start"]})


async def _converse(run: Run, session: SessionRef, opening: Opening, slot: int) -> tuple[loop.Ended, str]:
    transcript = run.transcript(session.key)
    recalled = transcript.recall(session)
    owner = run.sandbox.owner(slot)
    worktree = await asyncio.to_thread(run.repository.open_slot, slot, recalled.commit or opening.start, owner)
    if not recalled.messages:
        system, text = await asyncio.to_thread(_brief, run, session, opening)
        transcript.open(session, system, text)

    async def checkpoint() -> str:
        ref = f"refs/mbo/work/{session.id}"
        return await asyncio.to_thread(run.repository.snapshot, slot, ref, opening.base)

    ended = await converse(run, session, worktree, slot, checkpoint)
    return ended, await checkpoint()


def _brief(run: Run, session: SessionRef, opening: Opening) -> tuple[str, str]:
    plan, task_ = run.plan, run.task(session.task)
    inbox, waiting = mail(run, session)
    system = brief.system(run.agents[session.agent], session, plan, task_)
    upstream = [answer for dep in task_.deps if (answer := run.last_answer(dep))]
    text = brief.work(
        run.home,
        plan,
        task_,
        upstream=upstream,
        previous=opening.previous,
        inbox=inbox,
        waiting=waiting,
        now=opening.now,
        agent=session.agent,
        missing=history.missing(run, task_.after),
        contracts=agreed(run, task_, opening.base),
    )
    messages.mark_shown(run.home, session.agent, [message.message_id for message in inbox], session.id)
    return system, text


def _answer(run: Run, session: SessionRef, opening: Opening, ended: loop.Ended, commit: str) -> Answer:
    record_end(run, session, ended)
    changes = run.repository.changes(opening.base, commit)
    answer = Answer(
        session=session,
        ended_by=ended.by,
        base=opening.base,
        commit=commit,
        tree=run.repository.tree(commit),
        summary=ended.closing["summary"] if ended.closing else ended.detail,
        files=changes.paths,
        lines_added=changes.lines_added,
        lines_removed=changes.lines_removed,
        turns=ended.turns,
        usage=ended.usage,
    )
    stands = run.events.record("answer", f"{session.id}/answer", answer.model_dump(mode="json"), session=session)
    return Answer.model_validate(stands)
