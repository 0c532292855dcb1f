"""`status`: where things stand now."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from orchestrator.cli import options, table, views, words
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import echo
from orchestrator.cli.watching import watch as watch_it
from orchestrator.events import read_events
from orchestrator.home import Home, holder, project_record
from orchestrator.models import JsonObject, Plan
from orchestrator.models.value import now
from orchestrator.status import critical, gating, sessions, standing
from orchestrator.status.blockers import blockers
from orchestrator.status.lastrun import LastRun
from orchestrator.status.risks import risks
from orchestrator.status.standing import Board

COLOURS = {"merged": "green", "running": "cyan", "failed": "red"}


class View(NamedTuple):
    """What to show beside what is always shown."""

    detailed: bool
    blockers: bool
    timeline: bool
    forecast: bool
    as_json: bool


@click.command(cls=Manual)
@click.option("--detailed", is_flag=True, help="Every component and task, and why each unfinished one waits.")
@click.option("--blockers", is_flag=True, help="What holds up how many tasks, and what lifts it.")
@click.option("--timeline", is_flag=True, help="Who did what when, and what is expected of whom.")
@click.option("--forecast", is_flag=True, help="When it ends, with 50, 75 and 90 % probability.")
@click.option("--json", "as_json", is_flag=True, help="All of this for programs.")
@click.option("--watch", is_flag=True, help="Draw it anew every 2 seconds until Ctrl-C.")
@options.home
def status(*, watch: bool, home: Path, plan_file: Path | None, **chosen: bool) -> None:
    """Show where the build stands, also while it runs.

    Says who does what and since when, what each phase has reached, what failed and why, which tasks the end hangs on,
    and what endangers it. It only reads, so it can be asked at any time; `mbo why N.M` tells all about one task.

    Examples:
      mbo status --watch
      mbo status --detailed | grep waits
      mbo status --blockers --forecast
      mbo status --json | jq '.tasks[] | select(.state == "failed") | .reason'
    """
    view = View(**chosen)
    if watch and view.as_json:
        raise click.UsageError("--watch draws for people and --json is for programs; leave one of them out")
    if watch:
        watch_it(lambda height: _told(view, home, plan_file, height))
    else:
        echo(_told(view, home, plan_file), styled=True)


def _told(view: View, home: Path, plan_file: Path | None, height: int | None = None) -> str:
    """Return what the status says now; where that is more than a screen's `height`, what runs and failed is first."""
    place = Home(home)
    record = project_record(place)
    plan = options.plan_of(home, plan_file)
    events = list(read_events(place))
    board = standing.board(plan, events, holder(place))
    if view.as_json:
        return _json(record["project"], plan, events, board)
    facts = [("project", record["project"]), *_facts(plan, board, options.again(home, plan_file))]
    head = "\n".join(words.hanging(f"{name:<9}", told, table.width()) for name, told in facts)
    urgent = [_tasks(plan, board, everything=False), _sessions(plan, events, board)]
    parts = [_phases(plan, board), *_parts(plan, events, board, view, *urgent)]
    told = _joined(head, *parts)
    if height is None or told.count("\n") < height - 1:
        return told
    return _joined(head, *urgent, *(part for part in parts if part not in urgent))


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _json(project: str, plan: Plan, events: Sequence[JsonObject], board: Board) -> str:
    from orchestrator.cli.snapshot import snapshot  # with the forecast, which a plain status need not load

    return json.dumps(snapshot(project, plan, events, board, now()), indent=2, ensure_ascii=False)


def _parts(
    plan: Plan, events: Sequence[JsonObject], board: Board, view: View, unmerged: str, active: str
) -> Iterator[str]:
    """Yield what is asked for below the phases; with nothing asked for, what runs, failed and endangers the end."""
    wanted = view.blockers or view.timeline or view.forecast
    if view.detailed:
        yield views.components(plan, board)
    if view.detailed or not wanted:
        yield _tasks(plan, board, everything=True) if view.detailed else unmerged
        yield active
        yield from _ahead(plan, events, board)
    if view.blockers:
        yield views.blockers(plan, blockers(plan, board))
    if view.timeline or view.forecast:
        yield from _expected(plan, events, board, view)


def _sessions(plan: Plan, events: Sequence[JsonObject], board: Board) -> str:
    if not board.is_running:
        return ""
    return views.sessions(plan, sessions.active(events, board), gating.under_way(plan, events, board))


def _ahead(plan: Plan, events: Sequence[JsonObject], board: Board) -> Iterator[str]:
    yield views.critical_path(critical.path(plan, board.left))
    found = risks(plan, events, board, now())
    if found:
        yield views.risks(plan, found)


def _expected(plan: Plan, events: Sequence[JsonObject], board: Board, view: View) -> Iterator[str]:
    from analytics.forecast import forecast  # half a second of computing, which a plain status need not spend
    from orchestrator.cli import gantt, outlook
    from orchestrator.status.timeline import timeline

    at = now()
    found = forecast(plan, events, board, at=at)
    if view.timeline:
        yield gantt.gantt(plan, timeline(events, at if board.is_running else None), found)
    if view.forecast:
        yield outlook.forecast(plan, found, under_way=board.is_building)


def _facts(plan: Plan, board: Board, again: str) -> list[tuple[str, str]]:
    last = board.last_run
    facts = [("plan", f"{plan.name}: {board.count('merged')} of {words.count(len(plan.tasks), 'task')} merged")]
    facts.append(("run", _run(board, again)))
    if board.last_build and not _is_told(board, board.last_build):
        facts.append(("build", f"the last one, {_ending(board.last_build)}"))
    if last and board.is_running and last.model == "playbook":
        facts.append(("agents", "scripted (playbook): no model is called"))
    if last and last.sandbox == "none":
        verb = "run" if board.is_running else "ran"
        facts.append(("sandbox", f"none: what agents and gates {verb} is not isolated from this machine"))
    if board.is_other_plan:
        facts.append(("note", "the plan is not the one of that run; what the difference touches will be done again"))
    return facts


def _run(board: Board, again: str) -> str:
    last, held_by = board.last_run, board.held_by or {}
    process = f"process {held_by.get('pid', '?')}"
    if last and board.is_running:
        return f"`{last.command}` {_since(last.began)}, {process}"
    if board.held_by is not None:
        since = f" {_since(held_by['started'])}" if "started" in held_by else ""
        return f"`{held_by.get('command', '?')}` holds the home{since}, {process}"
    if last is None:
        return f"none yet; begin with `mbo build{again}`, or with a workflow of `mbo plan{again}`"
    return f"none; the last one, {_ending(last)}"


def _is_told(board: Board, build: LastRun) -> bool:
    """Tell whether the line about what runs now or ran last is about the newest build."""
    return build == board.last_run and (board.is_building or board.held_by is None)


def _since(moment: str) -> str:
    return f"since {words.clock(moment)} ({words.age(moment)})"


def _ending(last: LastRun) -> str:
    told = f"`{last.command}` of {words.clock(last.began)}"
    match last.ending:
        case "succeeded":
            return f"{told}, succeeded"
        case "cut off":
            return f"{told}, was killed; the same command goes on from there"
        case "stopped":
            return f"{told}, was stopped; the same command goes on from there"
        case "paused":
            return f"{told}, paused: {last.reason}; mend the cause, then run the same command to go on"
        case _:
            return f"{told}, failed: {last.reason}"


def _phases(plan: Plan, board: Board) -> str:
    states = {item.task: item.state for item in board.tasks}
    rows: list[table.Row] = []
    for phase in plan.phases:
        own = [states[task.id] for task in plan.tasks if task.phase == phase.number]
        done = own.count("merged")
        rest = "".join(f", {own.count(state)} {state}" for state in ("running", "failed") if state in own)
        rows.append((str(phase.number), phase.name, table.bar(done, len(own)), f"{done:>2} of {len(own)}{rest}"))
    return table.lines(rows, table.sizes(rows, table.width()))


def _tasks(plan: Plan, board: Board, *, everything: bool) -> str:
    titles = {task.id: task.title for task in plan.tasks}
    shown = [item for item in board.tasks if everything or item.state in ("running", "failed")]
    rows = [(item.task, item.state, titles[item.task], words.short(_why(item), plan)) for item in shown]
    states: tuple[standing.State, ...] = ("merged", "running", "failed", "waiting")
    foot = ", ".join(f"{board.count(state)} {state}" for state in states if board.count(state))
    if board.count("waiting") and not everything:
        foot += "; --detailed says why each one waits"
    if not rows:
        return foot
    header = ("id", "state", "task", "why")
    return f"{table.headed(header, rows, COLOURS)}\n\n{foot}"


def _why(item: standing.Standing) -> str:
    return f"{item.reason}, for {words.age(item.since)}" if item.since else item.reason
