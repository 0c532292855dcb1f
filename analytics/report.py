"""The report: what was built, how, by whom and at what cost, told from the journal alone.

The same journal gives the same text, byte for byte.
"""

from functools import cache

from analytics import overview, quality, spending, story
from analytics.markdown import text
from analytics.overview import Ask, Row
from orchestrator.errors import InputError
from orchestrator.home import Home
from orchestrator.journal import read

_SECTIONS = (
    ("Summary", overview.summary),
    ("Progress", overview.progress),
    ("Agents", overview.agents),
    ("Lines of code", overview.lines),
    ("Checks", quality.checks),
    ("Reviews", quality.reviews),
    ("Integration points", quality.integration_points),
    ("Merge conflicts", quality.conflicts),
    ("Tokens and dollars", spending.costs),
    ("Time", spending.times),
    ("Decisions", story.decisions),
    ("Reassignments", story.reassignments),
    ("Failures", story.failures),
)
_WHOLE_PROJECT = ("plan", "runs")  # questions that know no phase


def markdown(home: Home, phase: int | None = None) -> str:
    """Return the report on everything, or on one phase, as Markdown that reads well as plain text too.

    Raises:
        InputError: there is no project, nothing has run yet, or the plan has no such phase.
        JournalError: the journal is damaged.
    """
    _require_a_run(home)
    from analytics import store  # DuckDB is loaded only when a report is really written

    with store.connect(home) as connection:
        phases = [row["number"] for row in store.ask(connection, "progress", phase=None)]
        if phase is not None and phase not in phases:
            raise InputError(f"phase {phase}: not in this plan; ask for one of {', '.join(map(str, phases))}")

        @cache
        def ask(question: str) -> list[Row]:
            parameters = {} if question in _WHOLE_PROJECT else {"phase": phase}
            return store.ask(connection, question, **parameters)

        blocks = [[_title(ask, phase)], *([f"## {title}", "", *section(ask)] for title, section in _SECTIONS)]
    return "\n\n".join("\n".join(block).rstrip() for block in blocks) + "\n"


def _require_a_run(home: Home) -> None:
    if not home.metrics.exists() and not home.project_file.exists():
        raise InputError(f"{home.root}: no project here; run `mbo init` first")
    kinds = {"plan", "run_started"}
    for record in read(home.metrics):
        kinds.discard(record["kind"])
        if not kinds:
            return
    raise InputError(f"{home.root}: nothing has run yet; start a build, then ask for the report again")


def _title(ask: Ask, phase: int | None) -> str:
    name = text(ask("plan")[0]["name"], 60)
    if phase is None:
        return f"# Build report: {name}"
    return f"# Build report: {name}, phase {phase} ({text(ask('progress')[0]['name'], 60)})"
