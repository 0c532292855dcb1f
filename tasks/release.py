"""Release: what came of a component's review, and whether a release may start."""

from collections.abc import Sequence

from agents.context import decisions
from orchestrator import holds
from orchestrator.component_review import Asked
from orchestrator.models import BuildTask, Decision, Inspection, Ruling, Verdict, now
from tasks.inspect import place
from tasks.record import POWERS
from tasks.run import Run


def record_review(
    run: Run, asked: Asked, review: int, evidence: Sequence[Inspection], verdicts: Sequence[Verdict], ruling: Ruling
) -> str:
    """Record what came of a review: the ruling on its verdicts, which hold or free the component by themselves.

    Return the id of the event; one that was given before bears the number of the review in which it is given again.
    """
    record_id = asked.review_id(evidence)
    if run.events.recall(record_id) is not None:
        record_id = f"{record_id}/again-{review}"
    _log(run, asked, review, ruling, record_id)
    data = {
        "component": asked.subject.component,
        "name": asked.subject.name,
        "round": review,
        "decision": ruling.decision,
        "rule": ruling.rule,
        "by": list(ruling.by),
        "reason": ruling.reason,
        "commit": asked.subject.commit,
        "tree": asked.subject.tree,
        "reviewers": list(asked.people),
        "evidence": {found.kind: found.values for found in evidence},
        "inspections": [place(run, asked, found) for found in evidence],
        "verdicts": [f"{verdict.session.id}/verdict" for verdict in verdicts],
    }
    about = {"task": asked.subject.session_task}
    run.events.record("component_review", record_id, data, about=about)
    return record_id


def held(run: Run, build_task: BuildTask) -> str | None:
    """Return why a task may not start because it releases and a component is held, or None where it may."""
    if build_task.id not in run.plan.policy.release_gates:
        return None
    return holds.held(run.events.everything())


def _log(run: Run, asked: Asked, review: int, ruling: Ruling, record_id: str) -> None:
    """Record the ruling, and log it as a decision where somebody's power made it.

    Both bear the id of the review and not its number, which the next one has too where a kill ended this one.
    """
    about = {"task": asked.subject.session_task}
    data = {**ruling.model_dump(mode="json"), "attempt": 1, "round": review}
    run.events.record("ruling", f"{record_id}/ruling", data, about=about)
    if ruling.rule not in POWERS:
        return
    decision = Decision(
        id=f"decision/{record_id}",
        time=now(),
        task_id=asked.subject.session_task,
        agent=ruling.by[0],
        subject=f"review {review} of component {asked.subject.component} ({asked.subject.name})",
        decision=ruling.decision,
        reason=ruling.reason,
        authority=ruling.rule,
    )
    stands = run.events.record(
        "decision", decision.id, decision.model_dump(mode="json"), about={**about, "agent": decision.agent}
    )
    decisions.log(run.home, Decision.model_validate(stands))
