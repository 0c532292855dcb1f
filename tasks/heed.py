"""Heed: take what the user decided beside the run into the journal, once."""

import asyncio
from collections.abc import Mapping

from orchestrator import userword
from orchestrator.authority import USER
from orchestrator.errors import InputError
from orchestrator.events import Events
from orchestrator.home import Home
from orchestrator.models import Decision, JsonObject, now
from orchestrator.userword import Word
from tasks.record import log
from tasks.run import Run

SECONDS = 1.0
"""How often a run looks whether the user has spoken."""


def heed(home: Home, events: Events) -> None:
    """Record every word of the user, then forget its file; so a kill in between changes nothing.

    Raises:
        InputError: one of the files is no word.
    """
    for word in userword.read(home):
        _waive(home, events, word) if word.says == "waive" else _approve(home, events, word)
        userword.forget(home, word)


def listen(run: Run) -> None:
    """Heed the user while tasks are under way; a file that is no word is told of by the next start."""
    try:
        heed(run.home, run.events)
    except InputError:
        pass  # no task of this run may fail for it


async def spoken(run: Run, place: str) -> None:
    """Wait until the user has spoken about the answer at this place of the journal."""
    while run.events.recall(approval_id(place)) is None:
        await asyncio.sleep(SECONDS)
        await asyncio.to_thread(listen, run)


def approval_id(place: str) -> str:
    """Return the id of the event that says whether the answer at this place of the journal was approved."""
    return f"{place}/approval"


def log_approval(home: Home, events: Events, place: str, approval: JsonObject, about: Mapping[str, str]) -> None:
    """Log that the planning of a task was approved or rejected, as a decision of whoever did it."""
    subject = f"planning of task {about['task']}, answer {approval['attempt']}.{approval['round']}"
    decision = Decision(
        id=f"decision/{approval_id(place)}",
        time=now(),
        task_id=about["task"],
        agent=approval["by"],
        subject=subject,
        decision=approval["decision"],
        reason=approval["reason"],
        authority="planning-approval",
    )
    log(home, events, decision, about)


def _approve(home: Home, events: Events, word: Word) -> None:
    decision = "approve" if word.says == "approve" else "reject"
    data = {"attempt": word.attempt, "round": word.round, "by": USER, "decision": decision, "reason": word.reason}
    stands = events.record("approval", approval_id(word.about), data, about=_about(word))
    if stands["by"] == USER:
        log_approval(home, events, word.about, stands, _about(word))


def _waive(home: Home, events: Events, word: Word) -> None:
    scope = "component" if word.task is None else "task"
    data = word.model_dump(mode="json", include={"component", "power", "attempt", "round", "reason"}, exclude_none=True)
    data |= {"by": USER, "scope": scope, "of": word.about}
    place = f"waiver/{word.about}/{word.power}"
    stands = events.record("waiver", place, data, about=_about(word))
    decision = Decision(
        id=f"decision/{place}",
        time=now(),
        task_id=_about(word)["task"],
        agent=USER,
        subject=f"{word.power} of {scope} {word.task or word.component}",
        decision="waive",
        reason=stands["reason"],
        authority="waiver",
    )
    log(home, events, decision, _about(word))


def _about(word: Word) -> dict[str, str]:
    told = {"task": word.task or f"component-{word.component}", "key": word.key, "agent": USER}
    return {name: value for name, value in told.items() if value}
