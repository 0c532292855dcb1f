"""Everything that a report is told from, by name: the answers of the store, and what is derived from them."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial

from analytics.conduct import unpriced
from analytics.expectation import expected
from analytics.next_steps import next_steps
from analytics.rows import Ask, Row
from analytics.totals import progress, totals
from orchestrator.commands import completed
from orchestrator.errors import InputError
from orchestrator.home import Home, read_json
from orchestrator.journal import read
from orchestrator.models import JsonObject
from orchestrator.status import critical, recorded
from orchestrator.status.recorded import Recorded
from orchestrator.status.risks import gravest_first, risks

WHOLE_PROJECT = ("moment", "pauses", "plan", "runs")
"""Questions that know no phase."""


@contextmanager
def opened(home: Home, phase: int | None = None, again: str = "") -> Iterator[Ask]:
    """Open the facts of everything, or of one phase; `again` are the options with which a command means this home.

    Raises:
        InputError: there is no project, nothing has run yet, or the plan has no such phase.
        JournalError: the journal is damaged.
    """
    events = _events(home)
    from analytics import store  # DuckDB is loaded only when a report is really written

    with store.connect(home) as connection:
        phases = [row["number"] for row in store.ask(connection, "phases", phase=None)]
        if phase is not None and phase not in phases:
            raise InputError(f"phase {phase}: not in this plan; ask for one of {', '.join(map(str, phases))}")

        @cache
        def ask(name: str) -> list[Row]:
            rows = derived[name]() if name in derived else stored(name)
            return [{**row, **_completed(row, options())} for row in rows]

        def stored(name: str) -> list[Row]:
            return store.ask(connection, name, **({} if name in WHOLE_PROJECT else {"phase": phase}))

        options = cache(lambda: again + _plan_option(home, events))
        derived = _derived(ask, events, phase, options)
        yield ask


def _plan_option(home: Home, events: Sequence[JsonObject]) -> str:
    """Return the option that names the plan of the newest run, where that is not the home's own."""
    started = next(event["data"] for event in reversed(events) if event["kind"] == "run_started")
    plan, record = started.get("plan_file"), read_json(home.project_file) or {}
    return f" --plan {shlex.quote(plan)}" if plan and plan != record.get("plan") else ""


def _completed(row: Row, options: str) -> Row:
    """Return what of a row tells people to type a command, with the options that the command needs."""
    return {name: completed(row[name], options) for name in ("lifted_by", "lifts") if row.get(name)}


def _derived(
    ask: Ask, events: Sequence[JsonObject], phase: int | None, options: Callable[[], str]
) -> dict[str, Callable[[], list[Row]]]:
    """Return what is no question of the store, by name; each is found when it is asked for."""
    stands = cache(partial(recorded.read, events))
    return {
        "again": lambda: [{"options": options()}],
        "forecast": lambda: expected(stands(), events, _until(ask), phase),
        "critical_path": lambda: [{"task": task} for task in critical.path(stands().plan, stands().board.left).tasks],
        "last_build": lambda: [build.model_dump(mode="json")] if (build := stands().board.last_build) else [],
        "next_steps": lambda: next_steps(ask, options()),
        "progress": lambda: progress(ask),
        "risks": lambda: _risks(ask, stands(), events, phase),
        "totals": lambda: totals(ask),
    }


def _risks(ask: Ask, stands: Recorded, events: Sequence[JsonObject], phase: int | None) -> list[Row]:
    found = [*risks(stands.plan, events, stands.board, _until(ask), phase), *unpriced(ask)]
    return [risk.model_dump(mode="json") for risk in gravest_first(found)]


def _until(ask: Ask) -> datetime:
    """Return the moment of the journal's last event."""
    return ask("moment")[0]["until"].replace(tzinfo=UTC)


def _events(home: Home) -> list[JsonObject]:
    """Return the events of the project journal, which must tell of a run."""
    if not home.metrics.exists() and not home.project_file.exists():
        raise InputError(f"{home.root}: no project here; run `mbo init` first")
    events = list(read(home.metrics))
    if not {"plan", "run_started"} <= {event["kind"] for event in events}:
        raise InputError(f"{home.root}: nothing has run yet; start a build, then ask for the report again")
    return events
