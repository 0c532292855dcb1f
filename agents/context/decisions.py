"""Decisions: what was decided for which task, by whom and why, one JSON line each in `decisions.log`."""

from collections.abc import Collection

from agents.context import ledger
from orchestrator.contradictions import gist, topic
from orchestrator.home import Home
from orchestrator.journal import read as read_journal
from orchestrator.models import Decision
from orchestrator.supersession import standing, successors


def log(home: Home, decision: Decision) -> None:
    """Add a decision to the log, synced; one whose id is already there changes nothing."""
    ledger.add(home.decisions, [decision.model_dump(mode="json")])


def read(home: Home, task: str | None = None) -> list[Decision]:
    """Return the decisions of one task, or all of them, in the order taken.

    Raises:
        JournalError: a line in the middle of the log is damaged.
    """
    decisions = (Decision.model_validate(record) for record in read_journal(home.decisions))
    return [decision for decision in decisions if task in (None, decision.task_id)]


def binding(home: Home, tasks: Collection[str], shared: Collection[str] = ()) -> list[Decision]:
    """Return what stands of the decisions of these tasks and of the `shared` ones, each once, in the order taken.

    In the place of a superseded one is what superseded it, whichever task that was decided for.
    """
    taken = read(home)
    successor = successors(taken)
    also = frozenset(shared)
    wanted = {standing(successor, item.id) for item in taken if item.task_id in tasks or item.id in also}
    once: dict[tuple[str, str], Decision] = {}
    for item in taken:
        if item.id in wanted:
            once.setdefault((topic(item.subject), gist("decision", item.decision)), item)
    return list(once.values())
