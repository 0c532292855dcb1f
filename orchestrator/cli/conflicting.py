"""`conflicts`: contradictions that wait to be settled, and merge conflicts under way; with `resolve`, settle one."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from orchestrator import contradictions
from orchestrator.cli import options, table, words
from orchestrator.cli.manual import Manual, ManualGroup
from orchestrator.cli.screen import echo
from orchestrator.contradictions import Contradiction
from orchestrator.events import Events, read_events
from orchestrator.home import Home, exclusive, project_record
from orchestrator.merging import Conflict, under_way
from orchestrator.models import Plan
from orchestrator.models.value import now


@click.group(cls=ManualGroup, invoke_without_command=True, subcommand_metavar="[resolve …]")
@click.option("--all", "everything", is_flag=True, help="Those that were settled as well, with by whom and why.")
@options.form("text")
@options.home
@click.pass_context
def conflicts(context: click.Context, everything: bool, form: str, home: Path, plan_file: Path | None) -> None:
    """Show what contradicts and waits to be settled, and settle it.

    Two decisions on one subject, or two interfaces of one name, that say different things. `mbo sync`, and the end of
    every workflow, settle them by the rank of their authors; those of equal rank are open until the coordinator
    records a decision that supersedes them, or until you keep one side. Merge conflicts that an agent is resolving
    are shown too.

    Examples:
      mbo conflicts
      mbo conflicts resolve 3f2a9c1b07 --keep 1 --reason "fewer parts"
    """
    if context.invoked_subcommand is not None:
        return
    project_record(Home(home))
    plan = options.plan_of(home, plan_file)
    events = list(read_events(Home(home)))
    told = contradictions.read(events)
    shown = told if everything else contradictions.unsettled(told)
    merges = under_way(events)
    if form == "json":
        value = {
            "contradictions": [{"id": item.id, **item.model_dump(mode="json")} for item in shown],
            "merges": [item.model_dump(mode="json") for item in merges],
        }
        echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    again = options.again(home, plan_file)
    blocks = [*(_block(item, plan, again) for item in shown), *(_merge(item, plan) for item in merges)]
    echo("\n\n".join(blocks) or "no conflicts")


@conflicts.command(cls=Manual)
@click.argument("conflict", metavar="ID")
@click.option("--keep", metavar="SIDE", required=True, help="The side that stands, by its number, task, agent or id.")
@click.option(
    "--reason", type=options.Said(), metavar="TEXT", required=True, help="Why; it is logged with the decision."
)
@options.home
def resolve(conflict: str, keep: str, reason: str, home: Path, plan_file: Path | None) -> None:
    """Keep one side of an open contradiction.

    Recorded as your decision, which supersedes the other sides. They stay in the log.

    Example:
      mbo conflicts resolve 3f2a9c1b07 --keep 2 --reason "it is tested"
    """
    from tasks import reconciling

    place = Home(home)
    project_record(place)
    with exclusive(place, "conflicts resolve"):
        events = Events(place, f"{now():%Y%m%d-%H%M%S}-user")
        try:
            settled = reconciling.resolve(place, events, conflict, keep, reason)
        finally:
            events.close()
    echo(_block(settled, options.plan_of(home, plan_file)))


def _block(item: Contradiction, plan: Plan, again: str = "") -> str:
    what = "decisions on" if item.about == "decision" else "interfaces called"
    lines = [_hanging(f"{item.id}  ", f"{item.state}: {what} `{item.subject}`", plan), *_sides(item, plan)]
    if item.state == "open":
        lines.append(_hanging("  why open  ", item.reason, plan))
        lines.append(f"  settle    mbo conflicts resolve {item.id} --keep NUMBER --reason TEXT{again}")
    else:
        lines.append(_hanging("  settled   ", f"by {item.by}: {item.reason}", plan))
    return "\n".join(lines)


def _sides(item: Contradiction, plan: Plan) -> Iterator[str]:
    for number, side in enumerate(item.sides, start=1):
        kept = " (kept)" if item.state == "resolved" and side.id == item.kept else ""
        yield _hanging(f"  {number}  ", f"{side.agent}, {side.task}{kept}: {side.text}", plan)


def _merge(item: Conflict, plan: Plan) -> str:
    others: Sequence[str] = item.others
    told = f"{', '.join(item.files)}, with what landed since it began: {', '.join(others) or 'nothing of this plan'}"
    return f"merge of {item.task} by {words.short(item.agent, plan)}\n{_hanging('  in  ', told, plan)}"


def _hanging(head: str, text: str, plan: Plan) -> str:
    return words.hanging(head, words.short(text, plan), table.width())
