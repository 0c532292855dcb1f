"""The report: what was built, how, by whom and at what cost, and what comes next, told from the journal alone.

The same journal gives the same text, byte for byte.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from analytics import authority, facts, outlook, overview, quality, spending, story
from analytics.markdown import text
from analytics.rows import Ask
from orchestrator.home import Home
from orchestrator.models import JsonObject

VERSION = 1
"""Of the JSON form: it grows by names that are new, and counts up when one changes its meaning or goes."""


class Section(NamedTuple):
    """A section: its title, the facts it is told from, and how it is told in Markdown, if it is."""

    title: str
    facts: tuple[str, ...]
    tell: Callable[[Ask], list[str]] | None = None

    @property
    def name(self) -> str:
        """Return the section's name in JSON."""
        return self.title.lower().replace(" ", "_")


SECTIONS = (
    Section("Executive summary", ("totals",), overview.summary),
    Section("Task completion", ("progress", "components", "tasks", "burn_up", "forecast"), overview.progress),
    Section("Agent metrics", ("agents",), overview.agents),
    Section("Risk assessment", ("risks",), outlook.risks),
    Section("Next steps", ("next_steps",), outlook.next_steps),
    Section("Timeline", ("spans",)),
    Section("Lines of code", ("lines",), overview.lines),
    Section("Checks", ("checks", "red_checks"), quality.checks),
    Section("Reviews", ("reviews", "objections"), quality.reviews),
    Section("Integration points", ("integration_points",), quality.integration_points),
    Section("Conflicts", ("conflicts", "contradictions"), quality.conflicts),
    Section("Tokens and dollars", ("costs",), spending.costs),
    Section("Time", ("runs", "times"), spending.times),
    Section(
        "Decisions and authority",
        ("decisions", "approvals", "waivers", "holds", "component_reviews", "deadlocks", "pauses"),
        authority.decisions,
    ),
    Section("Reassignments", ("reassignments",), story.reassignments),
    Section("Failures", ("failures", "blocked"), story.failures),
)


def markdown(home: Home, phase: int | None = None, again: str = "") -> str:
    """Return the report on everything, or on one phase, as Markdown that reads well as plain text too.

    `again` is as in `facts.opened`.

    Raises:
        InputError: there is no project, nothing has run yet, or the plan has no such phase.
        JournalError: the journal is damaged.
    """
    with facts.opened(home, phase, again) as ask:
        told = [(section.title, section.tell(ask)) for section in SECTIONS if section.tell]
        blocks = [[_title(ask, phase)], *([f"## {title}", "", *lines] for title, lines in told)]
    return "\n\n".join("\n".join(block).rstrip() for block in blocks) + "\n"


def as_json(home: Home, phase: int | None = None, again: str = "") -> str:
    """Return the rows of every section as JSON with stable names; raises what `markdown` raises."""
    with facts.opened(home, phase, again) as ask:
        value: JsonObject = {
            "version": VERSION,
            "plan": ask("plan")[0],
            "phase": phase,
            **ask("moment")[0],
            **{section.name: {name: ask(name) for name in section.facts} for section in SECTIONS},
        }
    return json.dumps(value, indent=2, ensure_ascii=False, default=_moment) + "\n"


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"  # the store's times are UTC
    raise TypeError(f"{value!r} has no form in JSON")


def _title(ask: Ask, phase: int | None) -> str:
    name = text(ask("plan")[0]["name"], 60)
    if phase is None:
        return f"# Build report: {name}"
    return f"# Build report: {name}, phase {phase} ({text(ask('progress')[0]['name'], 60)})"
