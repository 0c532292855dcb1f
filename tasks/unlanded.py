"""Finished work that has not landed: answers that were accepted, and whose merge a kill or a stop prevented."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from orchestrator.events import Events
from orchestrator.models import Answer, Plan, SessionRef, Verdict
from tasks.record import accepted_id, refused_id


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
        if _may_land(events, answer.session):
            found.append(Unlanded(answer, _verdicts(events, answer.session)))
    return found


def _may_land(events: Events, session: SessionRef) -> bool:
    return events.recall(accepted_id(session)) is not None and events.recall(refused_id(session)) is None


def _verdicts(events: Events, session: SessionRef) -> tuple[Verdict, ...]:
    given = (e["data"] for e in events.all("verdict") if _is_about(e["key"], e["data"]["session"], session))
    return tuple(Verdict.model_validate(data) for data in given)


def _is_about(key: str, place: Mapping[str, int], session: SessionRef) -> bool:
    return (key, place["attempt"], place["round"]) == (session.key, session.attempt, session.round)
