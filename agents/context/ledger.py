"""Small journals that several threads or commands may add to, each for a moment."""

from collections.abc import Iterable
from pathlib import Path

from agents.context.alone import alone
from orchestrator.journal import Journal
from orchestrator.models import JsonObject


def add(path: Path, records: Iterable[JsonObject]) -> None:
    """Add the records whose ids the journal at `path` does not hold yet."""
    with alone(path.parent):
        journal = Journal(path)
        try:
            for record in records:
                journal.append(record)
        finally:
            journal.close()
