"""What a section of a report is given: a way to ask, and rows as answers."""

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Ask = Callable[[str], list[Row]]
"""Ask a question by its name and get its rows."""


def last_build(runs: list[Row]) -> Row:
    """Return the newest of these runs that was to have tasks merged, which a review is not; there must be a run."""
    return next((run for run in reversed(runs) if run["tasks"]), runs[-1])
