"""`knowledge`: what agents have learned, listed or searched."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import click

from orchestrator import plan as plans
from orchestrator.cli import options, table, words
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import echo, say
from orchestrator.errors import DamagedError, HomeBusyError
from orchestrator.events import read_events
from orchestrator.home import Home, exclusive, project_record
from orchestrator.models import Knowledge, Plan
from orchestrator.models.talk import KnowledgeType

HEADER = ("type", "title", "by, task", "says")
SEARCHED = 200
"""So many of the best are looked through for those of one type."""


@click.command(cls=Manual)
@click.argument("query", required=False)
@click.option("--agent", metavar="NAME", help="Only what this agent has learned.")
@click.option("--type", "kind", type=click.Choice(get_args(KnowledgeType)), help="Only records of this type.")
@options.form("table")
@options.home
def knowledge(
    query: str | None, agent: str | None, kind: str | None, form: str, home: Path, plan_file: Path | None
) -> None:
    """List or search what agents have learned.

    With a QUERY, in plain words, the records that match come best first. Without one, all are listed as they came,
    those that others have taken the place of too, and so marked.

    A damaged knowledge.db is made anew from the journal, unless a run holds the home; its next one does that itself.

    Examples:
      mbo knowledge "timeout of a subprocess"
      mbo knowledge --type interface --format json
    """
    place = Home(home)
    project_record(place)
    loaded = options.plan_of(home, plan_file)
    everyone = sorted(file.parent.name for file in place.agents.glob("*/knowledge.db"))
    asked = [plans.agent(loaded, agent)] if agent else everyone
    try:
        found, newer = _found(place, query, asked, everyone)
    except DamagedError as error:
        _mend(place, error)
        found, newer = _found(place, query, asked, everyone)
    chosen = [record for record in found if kind in (None, record.type)]
    echo(_as_json(chosen, newer) if form == "json" else _as_table(chosen, newer, loaded))


def _found(
    home: Home, query: str | None, asked: Sequence[str], everyone: Sequence[str]
) -> tuple[list[Knowledge], dict[str, str]]:
    """Return the records, and what took the place of which; a search finds none of which something did."""
    from agents.context import knowledge as learned

    if query is not None:
        return learned.search(home, asked, query, limit=SEARCHED), {}
    newer = {old: record.id for record in learned.records(home, everyone) for old in record.supersedes}
    return learned.records(home, asked), newer


def _mend(home: Home, damage: DamagedError) -> None:
    """Make what agents learned anew from the journal; where a run holds the home, the damage is told instead."""
    from agents.context import knowledge as learned

    try:
        with exclusive(home, "knowledge"):
            learned.rebuild(home, learned.recorded(read_events(home)))
    except HomeBusyError:
        raise damage from None
    say(f"{str(damage).partition(';')[0]}; made anew from the journal")


def _as_json(records: Sequence[Knowledge], newer: Mapping[str, str]) -> str:
    told = [{**record.model_dump(mode="json"), "superseded_by": newer.get(record.id)} for record in records]
    return json.dumps(told, indent=2, ensure_ascii=False)


def _as_table(records: Sequence[Knowledge], newer: Mapping[str, str], plan: Plan) -> str:
    foot = words.count(len(records), "record")
    if not records:
        return foot
    rows = [_row(record, newer, plan) for record in records]
    return f"{table.headed(HEADER, rows)}\n\n{foot}"


def _row(record: Knowledge, newer: Mapping[str, str], plan: Plan) -> table.Row:
    said = [" ".join(record.text.split())]
    if record.solution:
        said.append(f"Solved: {' '.join(record.solution.split())}")
    elif record.type == "issue":
        said.append("Open.")
    if record.approver:
        said.append(f"Approved by {record.approver}.")
    if record.references:
        said.append(f"See {', '.join(record.references)}.")
    if record.id in newer:
        said.insert(0, f"[superseded by {newer[record.id]}]")
    by = words.short(f"{record.agent}, {record.task_id}", plan)
    return record.type, " ".join(record.title.split()), by, words.short(" ".join(said), plan)
