"""One attempt at a task: round after round of work, gate, review, ruling and integration, until it lands or ends."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from agents import brief
from flows import deadlock
from flows.rounds import Deferred, GivenUp, Landed, Round
from flows.together import together
from orchestrator import recovery
from orchestrator.authority import lift
from orchestrator.models import Answer, BuildTask, Check, Ruling, SessionRef, Verdict
from orchestrator.recovery import Spent
from tasks import history
from tasks.approve import Asked, approval
from tasks.gate import gate
from tasks.integrate import candidate, carried, integrate, rebased
from tasks.record import record_accepted, record_deferred, record_no_progress
from tasks.review import review
from tasks.run import Run
from tasks.waive import TakenUp, ruled
from tasks.work import Opening, work

CONFLICT_ROUNDS = 3
"""How often a merge conflict may send one attempt back before it ends."""

Ended = Landed | GivenUp | Deferred | Asked


async def attempt(run: Run, build_task: BuildTask, agent: str, number: int, slot: int, spent: Sequence[Spent]) -> Ended:
    """Return how an attempt ended, which begins with what the last of the attempts before it, `spent`, left."""
    first = SessionRef(task=build_task.id, key=run.keys[build_task.id], role="work", agent=agent, attempt=number)
    opening = await asyncio.to_thread(_opening, run, first, spent)
    return await _rounds(run, build_task, Round(agent, number, 1, "start", opening, Counter()), [], slot)


async def taken_up(run: Run, build_task: BuildTask, taken: TakenUp, slot: int) -> Ended:
    """Return how the attempt of an answer ends that is judged once more."""
    session = taken.answer.session
    begun = run.events.recall(f"{session.id}/started") or {}
    opening = Opening(base=begun["base"], start=begun["start"], now=brief.start())
    current = Round(session.agent, session.attempt, session.round, session.cause, opening, Counter(taken.causes))
    return await _rounds(run, build_task, current, list(taken.earlier), slot)


async def _rounds(run: Run, build_task: BuildTask, current: Round, earlier: list[Verdict], slot: int) -> Ended:
    """Go round after round until the answer has landed, waits for somebody, or the rounds are used up."""
    while True:
        session = SessionRef(
            task=build_task.id,
            key=run.keys[build_task.id],
            role="work",
            agent=current.agent,
            attempt=current.attempt,
            round=current.number,
            cause=current.cause,
            occurrence=max(current.spent[current.cause], 1),
        )
        answer = await work(run, session, current.opening, slot)
        if answer.ended_by != "finish":
            reason = "; ".join(filter(None, (current.because, answer.summary)))
            return GivenUp(reason, current.number, recovery.of_end(answer.ended_by))
        ended = await deadlock.of_requests(run, build_task, current, answer, slot)
        ended = ended or await _judge(run, build_task, current, answer, earlier, slot)
        if not isinstance(ended, Round):
            return ended
        current = ended


def _opening(run: Run, first: SessionRef, spent: Sequence[Spent]) -> Opening:
    """Return where an attempt begins, which is where it began if it has, and what its agent is told of those before."""
    begun = run.events.recall(f"{first.id}/started")
    base, start = (begun["base"], begun["start"]) if begun else _inherited(run, first, spent)
    if not spent:
        return Opening(base=base, start=start, now=brief.start())
    before = history.last_answer(run, first.key, spent[-1].attempt)
    now = brief.again(
        run.home,
        spent[-1].reason,
        run.repository.changes(base, start).paths,
        history.checks(run, before.session) if before else [],
        history.verdicts(run, before.session) if before else [],
    )
    previous = tuple(f"{attempt.agent}: {attempt.reason}" for attempt in spent)
    return Opening(base=base, start=start, now=now, previous=previous)


def _inherited(run: Run, first: SessionRef, spent: Sequence[Spent]) -> tuple[str, str]:
    """Return base and start of a new attempt: what the last one left, if anything, on the branch's head."""
    if spent and spent[-1].left:
        return carried(run, first, spent[-1].base, spent[-1].left)
    head = run.repository.head()
    return head, head


async def _judge(
    run: Run, build_task: BuildTask, current: Round, answer: Answer, earlier: list[Verdict], slot: int
) -> Round | Ended:
    """Take an answer through gate, reviews, ruling and integration, as far as it gets."""
    base, start = await asyncio.to_thread(candidate, run, answer)
    checks = await gate(run, answer, base, start, slot)
    if not all(check.passed for check in checks):
        return await _after_red_gate(run, current, answer, checks, base=base, start=start)
    verdicts = await _reviews(run, build_task, answer, checks, earlier, slot)
    earlier.extend(verdicts)
    ruling = ruled(run, build_task, answer, verdicts, _rounds_left(run, current))
    if ruling.decision != "approve":
        ended = await _after_objection(run, build_task, current, answer, ruling, verdicts, slot)
        if ended:
            return ended
    kept_back = await approval(run, build_task, answer, checks, verdicts, slot)
    if isinstance(kept_back, Asked):
        return kept_back
    if kept_back:
        return await _sent_back(run, build_task, current, answer, kept_back.ruling, kept_back.verdicts)
    record_accepted(run, answer.session)
    integration = await integrate(run, answer, verdicts, slot)
    if integration.commit:
        return Landed(integration.commit, current.number)
    merged = integration.merged or answer.commit
    if not integration.conflicts:
        red = integration.checks
        return await _after_red_gate(run, current, answer, red, base=integration.onto, start=merged)
    if current.spent["conflict"] >= CONFLICT_ROUNDS:
        reason = f"conflicts with what others landed, {CONFLICT_ROUNDS} times over"
        return GivenUp(reason, current.number, "conflict")
    now = brief.conflict(integration.conflicts)
    because = f"conflict in {', '.join(integration.conflicts)}"
    return current.next("conflict", because, base=integration.onto, start=merged, now=now)


async def _after_objection(
    run: Run,
    build_task: BuildTask,
    current: Round,
    answer: Answer,
    ruling: Ruling,
    verdicts: Sequence[Verdict],
    slot: int,
) -> Round | Ended | None:
    """Return what an objection leads to; None where the coordinator resolves a deadlock by accepting the answer."""
    awaited = deadlock.awaited(run, answer.session, ruling, verdicts)
    if awaited:
        record_deferred(run, answer.session, awaited, ruling.reason)
        return Deferred(answer.session, awaited)
    if ruling.decision == "escalate" and deadlock.has_waited(run, answer.session):
        return await _mending(run, current, answer, ruling, verdicts)  # who only waited has not been asked to change
    resolution = await deadlock.of_verdicts(run, build_task, current, answer, ruling, verdicts, slot)
    if resolution:
        return await deadlock.after(run, current, answer, resolution, "review")
    return await _sent_back(run, build_task, current, answer, ruling, verdicts)


async def _sent_back(
    run: Run, build_task: BuildTask, current: Round, answer: Answer, ruling: Ruling, verdicts: Sequence[Verdict]
) -> Round | GivenUp:
    """Return the round in which an answer is mended, if one is left and the last one was of use."""
    if not _rounds_left(run, current):
        told = f"{ruling.reason}; no round is left{lift(ruling, build_task.id)}"
        return GivenUp(told, current.number, "review")
    if await _is_idle(run, current, answer):
        return _no_progress(run, current, answer, ruling.reason)
    return await _mending(run, current, answer, ruling, verdicts)


async def _mending(run: Run, current: Round, answer: Answer, ruling: Ruling, verdicts: Sequence[Verdict]) -> Round:
    base, start = await asyncio.to_thread(rebased, run, answer)
    now = brief.requested_changes(ruling, verdicts)
    return current.next("review", ruling.reason, base=base, start=start, now=now)


async def _after_red_gate(
    run: Run, current: Round, answer: Answer, checks: Sequence[Check], *, base: str, start: str
) -> Round | GivenUp:
    red = next(check for check in checks if not check.passed)
    because = f"the gate is red: {red.name}: {red.problem}"
    failing = sum(check.tests_ran - check.tests_passed for check in checks)
    if not _rounds_left(run, current):
        return GivenUp(f"{because}; no round is left", current.number, "gate")
    if failing >= current.failing and await _is_idle(run, current, answer):
        return _no_progress(run, current, answer, because)
    now = brief.red_gate(run.home, checks)
    return current.next("gate", because, base=base, start=start, now=now, failing=failing)


async def _is_idle(run: Run, current: Round, answer: Answer) -> bool:
    """Tell whether a further round gave back what it began with."""
    return current.number > 1 and answer.tree == await asyncio.to_thread(run.repository.tree, current.opening.start)


def _no_progress(run: Run, current: Round, answer: Answer, because: str) -> GivenUp:
    reason = f"round {current.number} changed nothing; {because}"
    record_no_progress(run, answer.session, reason)
    return GivenUp(reason, current.number, "stuck")


def _rounds_left(run: Run, current: Round) -> int:
    return max(0, run.plan.policy.revise_rounds - current.spent["gate"] - current.spent["review"])


async def _reviews(
    run: Run, build_task: BuildTask, answer: Answer, checks: Sequence[Check], earlier: Sequence[Verdict], slot: int
) -> list[Verdict]:
    """Return the verdicts of all reviewers, who read side by side in one read-only checkout of the answer."""
    worktree = await asyncio.to_thread(run.repository.open_slot, slot, answer.commit, run.sandbox.owner(slot))
    sessions = [
        answer.session.model_copy(update={"role": "review", "agent": reviewer}) for reviewer in build_task.reviewers
    ]
    known = tuple(earlier)
    return await together(review(run, session, answer, checks, known, worktree, slot) for session in sessions)
