"""`why`: why a task is where it is."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from orchestrator import kept
from orchestrator.cli import options, table, words
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import echo
from orchestrator.events import read_events
from orchestrator.home import Home, holder, project_record
from orchestrator.models import Plan
from orchestrator.plan import task as lookup
from orchestrator.status import standing
from orchestrator.status.chronicle import Chronicle, Dep, chronicle

COLUMN = 12
"""Under which the words begin that belong to a moment or a heading."""
_COLOURS = {"merged": "green", "failed": "red", "running": "cyan"}


@click.command(cls=Manual)
@click.argument("task_id", metavar="N.M")
@options.form("text")
@options.home
def why(task_id: str, form: str, home: Path, plan_file: Path | None) -> None:
    """Tell why a task is where it is, from its first attempt on.

    First the answer in a sentence; then, in the order of time, its attempts and rounds with their causes, the checks
    with the output of the red ones, verdicts and findings, rulings and the rules behind them, messages, approvals,
    deadlocks, waivers and the merge. It only reads, so it can be asked while a build runs.

    Examples:
      mbo why 3.4
      mbo why 3.4 --format json | jq '.entries[] | select(.kind == "verdict")'
    """
    place = Home(home)
    project_record(place)
    plan = options.plan_of(home, plan_file)
    task = lookup(plan, task_id)
    events = list(read_events(place))
    board = standing.board(plan, events, holder(place))
    found = chronicle(events, board, task)
    if form == "json":
        echo(json.dumps(found.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    echo("\n".join(_text(found, plan, place)), styled=True)


def _text(found: Chronicle, plan: Plan, home: Home) -> Iterator[str]:
    yield from _answer(found, plan)
    yield ""
    yield from _about(found, plan)
    day = ""
    for item in found.entries:
        if day != (day := words.day(item.time)):
            yield from ("", _line("", day))
        yield _line(words.time_of_day(item.time), words.short(f"{item.kind}: {item.text}", plan))
        yield from (_line("", words.short(f"- {detail}", plan)) for detail in item.details)
        if item.output:
            yield f"{'':<{COLUMN}}- see it all: cat {shlex.quote(str(kept.place(home, item.output)))}"  # to be copied


def _answer(found: Chronicle, plan: Plan) -> Iterator[str]:
    """Yield the answer itself: where the task is, the reason, since when, and what lifts it."""
    age = f", for {words.age(found.since)}" if found.since else ""
    is_said = found.reason.startswith(f"{found.state} ")  # such as `merged as 0123456789ab`
    told = words.short(f"{found.task} is {'' if is_said else f'{found.state}: '}{found.reason}{age}", plan)
    lines = words.hanging("", told, table.width())
    yield lines.replace(found.state, click.style(found.state, fg=_COLOURS.get(found.state)), 1)
    if found.lifted_by and found.lifted_by not in found.reason:
        yield words.hanging("", words.short(f"lifted by {found.lifted_by}", plan), table.width())


def _about(found: Chronicle, plan: Plan) -> Iterator[str]:
    yield _line("task", found.title)
    yield _line("agent", words.short(found.agent, plan))
    if found.reviewers:
        yield _line("reviewers", words.short(", ".join(found.reviewers), plan))
    yield _line("waits for", words.short("; ".join(_dep(dep) for dep in found.deps), plan) or "no other task")
    needed_by = [task.id for task in plan.tasks if found.task in (*task.deps, *task.after)]
    if needed_by:
        yield _line("needed by", ", ".join(needed_by))


def _dep(dep: Dep) -> str:
    soft = "~" if dep.is_soft else ""
    reason = "" if dep.state == "merged" else f" ({dep.reason})"
    return f"{soft}{dep.task} {dep.state}{reason}"


def _line(head: str, told: str) -> str:
    return words.hanging(f"{head:<{COLUMN}}", told, table.width())
