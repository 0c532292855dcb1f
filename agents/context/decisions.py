"""Decisions: what was decided for which task, by whom and why, one JSON line each in `decisions.log`."""

from agents.context import ledger
from orchestrator.home import Home
from orchestrator.journal import read as read_journal
from orchestrator.models import Decision


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
