"""The journey of one task: work, gate, review, ruling, integration; rounds, attempts, and how it ends."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from agents import brief
from orchestrator.authority import lift
from orchestrator.errors import GitError, ModelError, SandboxError
from orchestrator.models import Answer, BuildTask, Cause, Check, Outcome, SessionRef, Verdict
from tasks.approve import Asked, approval
from tasks.gate import gate
from tasks.integrate import candidate, integrate, rebased
from tasks.record import record_outcome, tell_coordinator
from tasks.review import review
from tasks.run import Run
from tasks.waive import ruled, take_up
from tasks.work import Opening, work

ASKED = "Waiting"
"""The name of the end state of a journey that goes on once the user has spoken; its data is the place asked about."""
CONFLICT_ROUNDS = 3
"""How often a merge conflict may send one attempt back before it ends."""


@dataclass(frozen=True)
class Round:
    """One round of an attempt: what began it and where the work begins."""

    agent: str
    attempt: int
    number: int
    cause: Cause
    opening: Opening
    spent: Counter[Cause]
    because: str = ""
    """What was wrong with the answer before, in one line."""

    def next(self, cause: Cause, because: str, *, base: str, start: str, now: str) -> "Round":
        """Return the round that follows this one."""
        opening = self.opening.model_copy(update={"base": base, "start": start, "now": now})
        spent = self.spent + Counter([cause])
        number = self.number + 1
        return replace(self, number=number, cause=cause, opening=opening, spent=spent, because=because)


@dataclass(frozen=True)
class Landed:
    """An attempt that ended in a merge."""

    commit: str
    rounds: int


@dataclass(frozen=True)
class GivenUp:
    """An attempt that ended without one, and why."""

    reason: str
    rounds: int


@task(name="build task", task_run_name="{build_task.id} {build_task.title}", cache_policy=NO_CACHE)
async def journey(run: Run, build_task: BuildTask, slot: int) -> Any:
    """Take one task from its brief to its Outcome, and return that as JSON; a failed state where it did not merge.

    One that waits for the user ends early, and finds all its steps done when it is begun again.
    """
    began = time.monotonic()
    outcome = await _waived(run, build_task, slot) or await _attempts(run, build_task, slot)
    if isinstance(outcome, Asked):
        return Completed(name=ASKED, message="waits for the user's approval", data=outcome.place)
    record_outcome(run.home, run.events, outcome, time.monotonic() - began)
    if outcome.status == "merged":
        return outcome.model_dump(mode="json")
    return Failed(message=outcome.reason)


async def _waived(run: Run, build_task: BuildTask, slot: int) -> Outcome | Asked | None:
    """Take up an answer whose veto or block the user waived, without any new work; None where it does not land."""
    key = run.keys[build_task.id]
    taken = take_up(run, key)
    if taken is None:
        return None
    answer, session = taken.answer, taken.answer.session
    opening = Opening(base=answer.base, start=answer.commit, now=brief.start())
    current = Round(session.agent, session.attempt, session.round, session.cause, opening, Counter(taken.causes))
    ended = await _rounds(run, build_task, current, list(taken.earlier), slot)
    if not isinstance(ended, Landed):
        return ended if isinstance(ended, Asked) else None
    reason, rounds = f"merged as {ended.commit[:12]}", ended.rounds - session.round
    return _outcome(build_task, key, session.agent, "merged", reason, 1, rounds, ended.commit)


async def _attempts(run: Run, build_task: BuildTask, slot: int) -> Outcome | Asked:
    """Let the task's agent try, then its backup; each knows what became of the one before."""
    key = run.keys[build_task.id]
    spent = run.attempts_spent(key)
    previous: list[str] = []
    rounds = 0
    agents = candidates(run, build_task)
    for number, agent in enumerate(agents, start=spent + 1):
        about = {"task": build_task.id, "key": key, "agent": agent}
        run.events.record("task_started", f"{key[:16]}/attempt-{number}/started", {"attempt": number}, about=about)
        try:
            ended = await _attempt(run, build_task, agent, number, slot, previous)
        except (ModelError, SandboxError, GitError) as error:
            ended = GivenUp(str(error), 0)
        if isinstance(ended, Asked):
            return ended
        rounds += ended.rounds
        if isinstance(ended, Landed):
            reason = f"merged as {ended.commit[:12]}"
            return _outcome(build_task, key, agent, "merged", reason, len(previous) + 1, rounds, ended.commit)
        previous.append(f"{agent}: {ended.reason}")
        tell_coordinator(run, build_task, agent, number, ended.reason)
        if agent != agents[-1]:
            following = agents[agents.index(agent) + 1]
            data = {"from": agent, "to": following, "reason": ended.reason, "attempt": number + 1}
            run.events.record("reassigned", f"{key[:16]}/attempt-{number + 1}/reassigned", data, about=about)
    return _outcome(build_task, key, agents[-1], "failed", previous[-1], len(previous), rounds, None)


def candidates(run: Run, build_task: BuildTask) -> list[str]:
    """Return who may work on a task, in order: its agent, then the first backup that does not review it."""
    first = run.chosen.get(build_task.id, build_task.agent)
    unfit = {first, *build_task.reviewers}
    fit = (name for name in run.agents[first].backups if name in run.agents and name not in unfit)
    return [first, *list(fit)[:1]]


async def _attempt(
    run: Run, build_task: BuildTask, agent: str, number: int, slot: int, previous: Sequence[str]
) -> Landed | GivenUp | Asked:
    """Begin an attempt where the branch stands, or where it began before."""
    key = run.keys[build_task.id]
    first = SessionRef(task=build_task.id, key=key, role="work", agent=agent, attempt=number)
    begun = run.events.recall(f"{first.id}/started")
    base = begun["base"] if begun else await asyncio.to_thread(run.repository.head)
    opening = Opening(base=base, start=base, now=brief.start(), previous=tuple(previous))
    return await _rounds(run, build_task, Round(agent, number, 1, "start", opening, Counter()), [], slot)


async def _rounds(
    run: Run, build_task: BuildTask, current: Round, earlier: list[Verdict], slot: int
) -> Landed | GivenUp | Asked:
    """Go round after round until the answer has landed or the rounds are used up."""
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
            return GivenUp("; ".join(filter(None, (current.because, answer.summary))), current.number)
        ended = await _judge(run, build_task, current, answer, earlier, slot)
        if not isinstance(ended, Round):
            return ended
        current = ended


async def _judge(
    run: Run, build_task: BuildTask, current: Round, answer: Answer, earlier: list[Verdict], slot: int
) -> Round | Landed | GivenUp | Asked:
    """Take an answer through gate, reviews, ruling and integration, as far as it gets."""
    base, start = await asyncio.to_thread(candidate, run, answer)
    checks = await gate(run, answer, base, start, slot)
    if not all(check.passed for check in checks):
        return _after_red_gate(run, current, checks, base=base, start=start)
    verdicts = await _reviews(run, build_task, answer, checks, earlier, slot)
    earlier.extend(verdicts)
    left = _rounds_left(run, current)
    ruling = ruled(run, build_task, answer, verdicts, left)
    judged = await approval(run, build_task, answer, checks, (ruling, verdicts), slot)
    if isinstance(judged, Asked):
        return judged
    ruling, verdicts = judged
    if ruling.decision != "approve":
        if not left:
            return GivenUp(f"{ruling.reason}; no round is left{lift(ruling, build_task.id)}", current.number)
        base, start = await asyncio.to_thread(rebased, run, answer)
        now = brief.requested_changes(ruling, verdicts)
        return current.next("review", ruling.reason, base=base, start=start, now=now)
    integration = await integrate(run, answer, verdicts, slot)
    if integration.commit:
        return Landed(integration.commit, current.number)
    merged = integration.merged or answer.commit
    if not integration.conflicts:
        return _after_red_gate(run, current, integration.checks, base=integration.onto, start=merged)
    if current.spent["conflict"] >= CONFLICT_ROUNDS:
        return GivenUp(f"conflicts with what others landed, {CONFLICT_ROUNDS} times over", current.number)
    now = brief.conflict(integration.conflicts)
    because = f"conflict in {', '.join(integration.conflicts)}"
    return current.next("conflict", because, base=integration.onto, start=merged, now=now)


def _after_red_gate(run: Run, current: Round, checks: Sequence[Check], *, base: str, start: str) -> Round | GivenUp:
    red = next(check for check in checks if not check.passed)
    because = f"the gate is red: {red.name}: {red.problem}"
    if not _rounds_left(run, current):
        return GivenUp(f"{because}; no round is left", current.number)
    return current.next("gate", because, base=base, start=start, now=brief.red_gate(run.home, checks))


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
    return await _all(review(run, session, answer, checks, known, worktree, slot) for session in sessions)


async def _all(waiting: Iterable[Awaitable[Verdict]]) -> list[Verdict]:
    """Await all, then raise the first error if there is one: no reviewer is cut off by another's failure."""
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    for result in ended:
        if isinstance(result, BaseException):
            raise result
    return [result for result in ended if isinstance(result, Verdict)]


def _outcome(
    build_task: BuildTask,
    key: str,
    agent: str,
    status: Any,
    reason: str,
    attempts: int,
    rounds: int,
    commit: str | None,
) -> Outcome:
    return Outcome(
        task=build_task.id,
        key=key,
        status=status,
        reason=reason,
        agent=agent,
        commit=commit,
        attempts=attempts,
        rounds=rounds,
    )
