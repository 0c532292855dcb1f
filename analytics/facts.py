"""Everything that a report is told from, by name: the answers of the store, and what is derived from them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from analytics.expectation import expected
from analytics.next_steps import next_steps
from analytics.risks import risks
from analytics.rows import Ask, Row
from analytics.totals import progress, totals
from orchestrator.errors import InputError
from orchestrator.home import Home
from orchestrator.journal import read

_DERIVED: dict[str, Callable[[Ask], list[Row]]] = {
    "progress": progress,
    "totals": totals,
    "risks": risks,
    "next_steps": next_steps,
}
WHOLE_PROJECT = ("moment", "pauses", "plan", "runs")
"""Questions that know no phase."""


@contextmanager
def opened(home: Home, phase: int | None = None) -> Iterator[Ask]:
    """Open the facts of everything, or of one phase.

    Raises:
        InputError: there is no project, nothing has run yet, or the plan has no such phase.
        JournalError: the journal is damaged.
    """
    _require_a_run(home)
    from analytics import store  # DuckDB is loaded only when a report is really written

    with store.connect(home) as connection:
        phases = [row["number"] for row in store.ask(connection, "phases", phase=None)]
        if phase is not None and phase not in phases:
            raise InputError(f"phase {phase}: not in this plan; ask for one of {', '.join(map(str, phases))}")

        @cache
        def ask(name: str) -> list[Row]:
            if name in _DERIVED:
                return _DERIVED[name](ask)
            if name == "forecast":
                return [] if phase else expected(ask, read(home.metrics))  # it is the whole plan's
            return store.ask(connection, name, **({} if name in WHOLE_PROJECT else {"phase": phase}))

        yield ask


def _require_a_run(home: Home) -> None:
    if not home.metrics.exists() and not home.project_file.exists():
        raise InputError(f"{home.root}: no project here; run `mbo init` first")
    kinds = {"plan", "run_started"}
    for record in read(home.metrics):
        kinds.discard(record["kind"])
        if not kinds:
            return
    raise InputError(f"{home.root}: nothing has run yet; start a build, then ask for the report again")
