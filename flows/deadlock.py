"""Deadlocks of a task: found where its journey cannot go on by itself, and what their resolution leads to."""

import asyncio
from collections.abc import Sequence

from agents import brief
from flows.rounds import GivenUp, Round
from orchestrator import authority
from orchestrator.deadlock import Deadlock
from orchestrator.models import Answer, BuildTask, Resolution, Ruling, SessionRef, Verdict
from orchestrator.models.work import Failure, ResolutionDecision
from tasks import deadlocks
from tasks.integrate import is_judged, rebased
from tasks.resolve import resolve
from tasks.run import Run
from tasks.waive import waived

GRANTED_ROUNDS = 1
"""How many rounds more than the policy's the coordinator may grant to one attempt."""


async def of_requests(
    run: Run, build_task: BuildTask, current: Round, answer: Answer, slot: int
) -> Round | GivenUp | None:
    """Have the circle of requests resolved that the answer's agent is part of; None where the answer is to be judged.

    It is looked for when a session ends, and not again once its answer has been judged.
    """
    found = deadlocks.recall(run, answer.session, "requests")
    if found is None and not is_judged(run, answer.session):
        found = deadlocks.crossed_requests(run, answer.session)
    if found is None:
        return None
    resolution = await _resolved(run, build_task, current, answer, found, (), slot)
    await asyncio.to_thread(deadlocks.answer_requests, run, found, resolution)
    return await after(run, current, answer, resolution, "agent")


async def of_verdicts(
    run: Run,
    build_task: BuildTask,
    current: Round,
    answer: Answer,
    ruling: Ruling,
    verdicts: Sequence[Verdict],
    slot: int,
) -> Resolution | None:
    """Have resolved what no further round can: rounds that are used up, or tasks whose verdicts wait for each other."""
    found = deadlocks.recall(run, answer.session, "verdicts")
    if found is None and ruling.decision == "escalate":
        agents = (answer.session.agent, *ruling.by)
        found = Deadlock(cause="rounds", tasks=(build_task.id,), agents=agents, reason=ruling.reason)
    if found is None:
        return None
    return await _resolved(run, build_task, current, answer, found, verdicts, slot)


def awaited(run: Run, session: SessionRef, ruling: Ruling, verdicts: Sequence[Verdict]) -> str | None:
    """Return the unended task that the verdicts wait for, if they object to nothing else and no round has followed."""
    following = session.model_copy(update={"round": session.round + 1})
    has_followed = run.events.recall(f"{following.id}/started") or deadlocks.recall(run, session, "verdicts")
    if ruling.decision not in ("revise", "escalate") or has_followed:
        return None
    waits = [verdict.waits_for for verdict in verdicts if verdict.reviewer in ruling.by]
    if None in waits:
        return None
    return next((task for task in waits if task in run.unended and task != session.task), None)


def has_waited(run: Run, session: SessionRef) -> bool:
    """Tell whether the verdicts on the answer of a session waited for another task, and no deadlock came of it."""
    place = (session.key, session.attempt, session.round)
    waited = (e for e in run.events.all("deferred") if (e["key"], e["data"]["attempt"], e["data"]["round"]) == place)
    return any(waited) and deadlocks.recall(run, session, "verdicts") is None


async def after(
    run: Run, current: Round, answer: Answer, resolution: Resolution, failure: Failure
) -> Round | GivenUp | None:
    """Return what a resolution leads to; None where the answer goes on as it is."""
    told = f"{resolution.session.agent} decided {resolution.decision}: {resolution.reason}"
    match resolution.decision:
        case "accept":
            return None
        case "another-round":
            base, start = await asyncio.to_thread(rebased, run, answer)
            now = brief.another_round(resolution)
            return current.next("deadlock", told, base=base, start=start, now=now)
        case "reassign" | "give-up":
            return GivenUp(told, current.number, failure, is_final=resolution.decision == "give-up")


async def _resolved(
    run: Run,
    build_task: BuildTask,
    current: Round,
    answer: Answer,
    found: Deadlock,
    verdicts: Sequence[Verdict],
    slot: int,
) -> Resolution:
    deadlocks.record(run, answer.session, found)
    allowed: list[ResolutionDecision] = ["reassign", "give-up"]
    if current.spent["deadlock"] < GRANTED_ROUNDS:
        allowed.insert(0, "another-round")
    session = answer.session
    free = waived(run, session.key, session.attempt, session.round)
    if authority.may_be_accepted(verdicts, run.plan.policy, build_task.kind, free):
        allowed.insert(0, "accept")
    return await resolve(run, answer, found, tuple(allowed), slot)
