"""`decisions`: what was decided, by whom and why, and what of it stands."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from orchestrator import names
from orchestrator import plan as plans
from orchestrator.cli import options, table, words
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import echo
from orchestrator.home import Home, project_record
from orchestrator.models import Decision, Plan
from orchestrator.precedence import USER
from orchestrator.supersession import successors

HEADER = ("no", "task", "agent", "subject", "decision")


class Entry(NamedTuple):
    """A decision, its place in the log, and the place of what superseded it, if anything did."""

    number: int
    decision: Decision
    superseded_by: int | None


@click.command(cls=Manual)
@click.option("--agent", metavar="NAME", help="Only by this agent, by id, label or alias; `user` for your own.")
@click.option("--task", metavar="N.M", help="Only for this task.")
@click.option("--phase", metavar="N", type=int, help="Only for the tasks of this phase.")
@click.option("--subject", metavar="TEXT", help="Only those whose subject holds this text, in any case.")
@click.option("--standing", is_flag=True, help="Only what stands: nothing that another decision took the place of.")
@options.form("table")
@options.home
def decisions(home: Path, plan_file: Path | None, form: str, **wanted: Any) -> None:
    """Show what was decided, by whom and why, and what stands.

    The whole log in the order taken: what agents decided, what a power ruled, how contradictions were settled. One
    that was superseded stays, and names the number of what took its place.

    Examples:
      mbo decisions --standing
      mbo decisions --agent mcp-architecture-agent --phase 1
      mbo decisions --format json | jq '.[] | select(.superseded_by)'
    """
    from agents.context import decisions as log

    project_record(Home(home))
    plan = options.plan_of(home, plan_file)
    entries = _chosen(_numbered(log.read(Home(home))), plan, **wanted)
    echo(_as_json(entries) if form == "json" else _as_table(entries, plan))


def _numbered(taken: Sequence[Decision]) -> list[Entry]:
    numbers = {item.id: number for number, item in enumerate(taken, start=1)}
    successor = successors(taken)
    return [Entry(number, item, numbers.get(successor.get(item.id, ""))) for number, item in enumerate(taken, start=1)]


def _chosen(
    entries: Sequence[Entry],
    plan: Plan,
    agent: str | None,
    task: str | None,
    phase: int | None,
    subject: str | None,
    standing: bool,
) -> list[Entry]:
    by = USER if agent == USER else plans.agent(plan, agent) if agent else None
    tasks = {plans.task(plan, task).id} if task else None
    in_phase = {item.id for item in plans.phase(plan, phase)} if phase is not None else None
    return [
        entry
        for entry in entries
        if by in (None, entry.decision.agent)
        and (tasks is None or entry.decision.task_id in tasks)
        and (in_phase is None or entry.decision.task_id in in_phase)
        and names.fold(subject or "") in names.fold(entry.decision.subject)
        and not (standing and entry.superseded_by)
    ]


def _as_json(entries: Sequence[Entry]) -> str:
    told = [
        {"number": number, **item.model_dump(mode="json"), "superseded_by": superseded_by}
        for number, item, superseded_by in entries
    ]
    return json.dumps(told, indent=2, ensure_ascii=False)


def _as_table(entries: Sequence[Entry], plan: Plan) -> str:
    if not entries:
        return "no decisions"
    shared = words.prefix(plan)
    rows = [
        (str(entry.number), entry.decision.task_id, entry.decision.agent.removeprefix(shared),
         words.short(entry.decision.subject, plan), words.short(_told(entry), plan))
        for entry in entries
    ]  # fmt: skip
    columns = table.sizes([HEADER, *rows], table.width(), most={2: 18, 3: 20})
    gone = sum(entry.superseded_by is not None for entry in entries)
    foot = f"{words.count(len(entries), 'decision')}, {gone} superseded"
    return f"{table.headed(HEADER, rows, columns=columns)}\n\n{foot}"


def _told(entry: Entry) -> str:
    item = entry.decision
    why = item.reason if item.authority == "agent" else f"{item.authority}: {item.reason}"
    mark = f"[superseded by {entry.superseded_by}] " if entry.superseded_by else ""
    return f"{mark}{item.decision} ({why})"
