"""Approve: the planning of a component goes on once whoever the policy names, or the user, approves its design."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from agents import brief
from orchestrator.authority import USER, planning_approver
from orchestrator.models import Answer, BuildTask, Check, Finding, JsonObject, Ruling, SessionRef, Verdict
from tasks.heed import approval_id, listen, log_approval
from tasks.record import answer_place
from tasks.retry import POLICY
from tasks.review import Judged, judge
from tasks.run import Run
from tasks.session import read_mail


@dataclass(frozen=True)
class Refused:
    """An answer that is sent back, with the ruling and the verdicts that say why."""

    ruling: Ruling
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class Asked:
    """A task that goes on once the user has spoken about its answer, which stands at `place` in the journal."""

    place: str


async def approval(
    run: Run, build_task: BuildTask, answer: Answer, checks: Sequence[Check], verdicts: Sequence[Verdict], slot: int
) -> Refused | Asked | None:
    """Return what keeps a design from landing that stands after its reviews; None for one that is approved."""
    session = answer.session
    by = USER if run.approve == "ask" else planning_approver(run.plan.policy, build_task, session.agent)
    if build_task.kind != "design" or by is None:
        return None
    await asyncio.to_thread(listen, run)
    place = answer_place(session)
    said = run.events.recall(approval_id(place))
    if said is None:
        _request(run, answer, by)
        if by == USER:
            return Asked(place)
        worktree = await asyncio.to_thread(run.repository.open_slot, slot, answer.commit, run.sandbox.owner(slot))
        asked = session.model_copy(update={"role": "review", "agent": by})
        said = await approve(run, asked, answer, checks, verdicts, worktree, slot)
    if said["decision"] == "approve":
        return None
    return Refused(_sent_back(said), (*verdicts, _as_verdict(said, answer)))


@task(task_run_name="{session.task} approval · {session.agent}", cache_policy=NO_CACHE, **POLICY)
async def approve(
    run: Run,
    session: SessionRef,
    answer: Answer,
    checks: Sequence[Check],
    verdicts: Sequence[Verdict],
    worktree: Path,
    slot: int,
) -> JsonObject:
    """Return whether an agent approves a design that its reviewers approve, as it stands in the journal.

    Raises:
        NoVerdict: its sessions ended without a verdict.
    """

    def words() -> tuple[str, str]:
        task_ = run.task(session.task)
        diff = run.repository.diff(answer.base, answer.commit, brief.DIFF_LIMIT)
        system = brief.system(run.agents[session.agent], session, run.plan, task_)
        return system, brief.approval(run.plan, task_, answer, checks, verdicts, diff, told=read_mail(run, session))

    verdict = await judge(run, session, Judged(answer.base, answer.commit, worktree), words, slot)
    data = {
        "attempt": session.attempt,
        "round": session.round,
        "by": session.agent,
        "decision": "approve" if verdict.decision == "approve" else "reject",
        "reason": verdict.summary,
        "findings": [finding.model_dump(mode="json") for finding in verdict.findings],
    }
    place = answer_place(session)
    said = run.events.record("approval", approval_id(place), data, session=session)
    about = {"task": session.task, "key": session.key, "agent": session.agent}
    log_approval(run.home, run.events, place, said, about)
    return said


def _request(run: Run, answer: Answer, by: str) -> None:
    """Record who is asked; the user is asked once a run, so that each run says so."""
    session = answer.session
    once = f"{by}/{run.name}" if by == USER else by
    about = {"attempt": session.attempt, "round": session.round, "by": by}
    data = {**about, "commit": answer.commit, "files": list(answer.files)}
    run.events.record("approval_requested", f"{answer_place(session)}/approval/{once}", data, session=session)


def _sent_back(said: JsonObject) -> Ruling:
    reason = f"the planning is not approved: {said['by']}: {said['reason']}"
    return Ruling(decision="revise", rule="planning-approval", by=(said["by"],), reason=reason)


def _as_verdict(said: JsonObject, answer: Answer) -> Verdict:
    """Return a rejection as what its agent is told: an objection with findings."""
    findings = said.get("findings") or [{"severity": "high", "text": said["reason"]}]
    return Verdict(
        session=answer.session.model_copy(update={"role": "review", "agent": said["by"]}),
        commit=answer.commit,
        decision="request_changes",
        summary=said["reason"],
        findings=tuple(Finding.model_validate(finding) for finding in findings),
    )
