"""Release: what the verdicts on a component put in its way or out of it, and whether a release may start."""

from collections.abc import Sequence

from agents.context import decisions
from orchestrator import holds
from orchestrator.component_review import Asked
from orchestrator.holds import Hold, HoldPower
from orchestrator.models import BuildTask, Decision, Inspection, JsonObject, Ruling, Verdict, now
from tasks.inspect import place
from tasks.record import POWERS
from tasks.run import Run


def record_review(
    run: Run, asked: Asked, review: int, evidence: Sequence[Inspection], verdicts: Sequence[Verdict], ruling: Ruling
) -> JsonObject:
    """Record what came of a review, its holds first: so there is no moment in which it is over and they are not put."""
    for verdict in verdicts:
        _record_holds(run, asked, review, verdict)
    _log(run, asked, review, ruling)
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
    return run.events.record("component_review", asked.review_id(evidence), data, about=about)


def held(run: Run, build_task: BuildTask) -> str | None:
    """Return why a task may not start because it releases and a component is held, or None where it may."""
    if build_task.id not in run.plan.policy.release_gates:
        return None
    return holds.held(run.events.everything())


def _record_holds(run: Run, asked: Asked, review: int, verdict: Verdict) -> None:
    component, by = asked.subject.component, verdict.reviewer
    power = _power(asked, verdict)
    about = {"task": asked.subject.session_task, "key": verdict.session.key, "agent": by}
    if power is not None:
        hold = Hold(
            component=component,
            by=by,
            power=power,
            reason=" ".join(verdict.summary.split()),
            lifts=holds.lifting(component, by),
            round=review,
        )
        run.events.record("hold", hold.id, hold.model_dump(mode="json"), about=about)
    if verdict.decision == "approve":
        for stands in holds.standing(run.events.everything()):
            if (stands.component, stands.by) == (component, by):
                data = stands.model_dump(mode="json") | {"reason": f"{by} approves in review {review}"}
                run.events.record("hold_lifted", f"{stands.id}/lifted", data, about=about)


def _power(asked: Asked, verdict: Verdict) -> HoldPower | None:
    """Return the power by which a verdict holds the component; none where its reviewer does not have it."""
    if verdict.decision == "veto":
        return "veto" if verdict.reviewer == asked.powers["implementation_veto"] else None
    if verdict.decision == "block":
        return "block" if verdict.reviewer == asked.powers["release_block"] else None
    return None


def _log(run: Run, asked: Asked, review: int, ruling: Ruling) -> None:
    """Record the ruling, and log it as a decision where somebody's power made it."""
    name = f"{asked.subject.session_task}/review-{review}"
    about = {"task": asked.subject.session_task}
    data = {**ruling.model_dump(mode="json"), "attempt": 1, "round": review}
    run.events.record("ruling", f"{name}/ruling", data, about=about)
    if ruling.rule not in POWERS:
        return
    decision = Decision(
        id=f"decision/{name}",
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
