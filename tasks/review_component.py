"""Review a component: one reviewer reads the evidence about it, and gives a Verdict."""

from collections.abc import Sequence
from typing import NamedTuple

from prefect import task
from prefect.cache_policies import NO_CACHE

from agents import brief
from orchestrator import components, reviewers
from orchestrator.component_review import Asked, given
from orchestrator.inspection.kinds import BY_NAME
from orchestrator.inspection.words import told
from orchestrator.models import Inspection, JsonObject, SessionRef, Verdict
from tasks.notice import tell_of_verdict
from tasks.retry import POLICY
from tasks.review import Judged, judge
from tasks.run import Run
from tasks.session import read_mail


class Before(NamedTuple):
    """The review of the component before this one; none where there was none."""

    round: int = 0
    commit: str = ""
    evidence: dict[str, dict[str, float]] = {}
    verdicts: tuple[Verdict, ...] = ()


@task(task_run_name="{asked.subject.component} review · {session.agent}", cache_policy=NO_CACHE, **POLICY)
async def review_component(
    run: Run,
    asked: Asked,
    session: SessionRef,
    evidence: Sequence[Inspection],
    before: Before,
    judged: Judged,
    slot: int,
) -> Verdict:
    """Return the reviewer's verdict on the component; whoever has judged the same by the same evidence, has.

    Raises:
        NoVerdict: its sessions ended without a verdict; nothing stands in for one.
    """
    verdict = given(run.events, session)
    if verdict is None:
        verdict = await judge(run, session, judged, lambda: _words(run, asked, session, evidence, before), slot)
    tell_of_verdict(run, components.as_task(run.plan, asked.subject), verdict)
    return verdict


def previous(run: Run, asked: Asked) -> Before:
    """Return the newest review of the component on record."""
    own = [event["data"] for event in run.events.all("component_review") if _is_of(event["data"], asked)]
    if not own:
        return Before()
    last = own[-1]
    verdicts = (run.events.recall(place) for place in last["verdicts"])
    return Before(
        round=last["round"],
        commit=last["commit"],
        evidence=last["evidence"],
        verdicts=tuple(Verdict.model_validate(data) for data in verdicts if data is not None),
    )


def _is_of(data: JsonObject, asked: Asked) -> bool:
    return data["component"] == asked.subject.component


def _words(
    run: Run, asked: Asked, session: SessionRef, evidence: Sequence[Inspection], before: Before
) -> tuple[str, str]:
    """Return what the reviewer is told: every kind of evidence in a line, and all findings of its own kinds."""
    subject = asked.subject
    own = reviewers.topics(run.plan, session.agent)
    shown = [
        {
            "kind": found.kind,
            "told": told(found, before.evidence.get(found.kind, {}), before.round),
            "findings": found.findings if not own or own.intersection(BY_NAME[found.kind].topics) else (),
        }
        for found in evidence
    ]
    task_ = components.as_task(run.plan, subject)
    base = before.commit or subject.base
    text = brief.component_review(
        subject,
        [run.task(task_id) for task_id in subject.tasks],
        review=session.round,
        evidence=shown,
        earlier=before.verdicts,
        diff=run.repository.diff(base, subject.commit, brief.DIFF_LIMIT, subject.files),
        told=read_mail(run, session),
    )
    return brief.system(run.agents[session.agent], session, run.plan, task_), text
