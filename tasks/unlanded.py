"""Finished work that has not landed: answers that were approved, and whose merge a kill or a stop prevented."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from orchestrator.events import Events
from orchestrator.models import Answer, BuildTask, Plan, SessionRef, Verdict
from tasks.record import refused_id, ruling_id


class Unlanded(NamedTuple):
    """An answer that may land, with the verdicts on it."""

    answer: Answer
    verdicts: tuple[Verdict, ...]


def find(events: Events, plan: Plan, keys: Mapping[str, str], landed: Collection[str]) -> list[Unlanded]:
    """Return the answers to the plan's tasks that wait for nothing but their merge, in the plan's order.

    `landed` holds the keys on the integration branch. What was refused there goes back to its agent, not to a merge.
    """
    answers = {event["key"]: Answer.model_validate(event["data"]) for event in events.all("answer")}
    found: list[Unlanded] = []
    for task in plan.tasks:
        answer = answers.get(keys[task.id])
        if answer is None or keys[task.id] in landed or any(keys[dep] not in landed for dep in task.deps):
            continue
        if _may_land(events, plan, task, answer.session):
            found.append(Unlanded(answer, _verdicts(events, answer.session)))
    return found


def _may_land(events: Events, plan: Plan, task: BuildTask, session: SessionRef) -> bool:
    ruling = events.recall(ruling_id(session))
    is_approved = ruling is not None and ruling["decision"] == "approve"
    return is_approved and events.recall(refused_id(session)) is None and _is_planned(events, plan, task, session)


def _is_planned(events: Events, plan: Plan, task: BuildTask, session: SessionRef) -> bool:
    """Tell whether a design has the approval of planning, given as one of its reviews or in a word of its own."""
    approver = plan.policy.planning_approver
    if task.kind != "design" or approver in (task.agent, session.agent, *task.reviewers):
        return True
    given = [e["data"] for e in events.all("approval") if _is_about(e["key"], e["data"], session)]
    return bool(given) and given[-1]["decision"] == "approve"


def _verdicts(events: Events, session: SessionRef) -> tuple[Verdict, ...]:
    given = (e["data"] for e in events.all("verdict") if _is_about(e["key"], e["data"]["session"], session))
    return tuple(Verdict.model_validate(data) for data in given)


def _is_about(key: str, place: Mapping[str, int], session: SessionRef) -> bool:
    return (key, place["attempt"], place["round"]) == (session.key, session.attempt, session.round)
