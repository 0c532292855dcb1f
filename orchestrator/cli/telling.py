"""`status` and `report`: where things stand now, and what happened."""

from pathlib import Path

import click

from orchestrator import standing
from orchestrator.cli import options, table, words
from orchestrator.cli.manual import Manual
from orchestrator.home import Home
from orchestrator.models import Plan
from orchestrator.standing import Board, LastRun

COLOURS = {"merged": "green", "running": "cyan", "failed": "red"}


@click.command(cls=Manual)
@click.option("--detailed", is_flag=True, help="Every task of the plan, and why each unfinished one waits.")
@options.home
def status(detailed: bool, home: Path, plan_file: Path | None) -> None:
    """Show where the build stands, also while it runs.

    Says what runs and since when, what each phase has reached, and what failed and why. It only reads, so it can be
    asked at any time.

    Examples:
      mbo status
      mbo status --detailed | grep waits
      watch -c -n 2 mbo status
    """
    place = Home(home)
    record = standing.project(place)
    plan = options.plan_of(home, plan_file)
    board = standing.read(place, plan)
    limit = table.width()
    facts = [("project", record["project"]), *_facts(plan, board, options.again(home, plan_file))]
    click.echo("\n".join(words.hanging(f"{name:<9}", told, limit) for name, told in facts))
    click.echo("\n" + _phases(plan, board))
    click.echo("\n" + _tasks(plan, board, everything=detailed))


def _facts(plan: Plan, board: Board, again: str) -> list[tuple[str, str]]:
    last = board.last_run
    facts = [("plan", f"{plan.name}: {board.count('merged')} of {words.count(len(plan.tasks), 'task')} merged")]
    facts.append(("run", _run(board, again)))
    if last and last.ending == "running" and last.model == "playbook":
        facts.append(("agents", "scripted (playbook): no model is called"))
    if last and last.sandbox == "none":
        verb = "run" if last.ending == "running" else "ran"
        facts.append(("sandbox", f"none: what agents and gates {verb} is not isolated from this machine"))
    if board.is_other_plan:
        facts.append(("note", "the plan is not the one of that run; what the difference touches will be done again"))
    return facts


def _run(board: Board, again: str) -> str:
    last, held_by = board.last_run, board.held_by
    if last and last.ending == "running":
        pid = (held_by or {}).get("pid", "?")
        return f"`{last.command}` since {words.clock(last.began)} ({words.age(last.began)}), process {pid}"
    if held_by:
        return f"`{held_by.get('command', '?')}` holds the home, process {held_by.get('pid', '?')}"
    if last is None:
        return f"none yet; begin with `mbo build{again}`, or with a workflow of `mbo plan{again}`"
    return f"none; the last one, {_ending(last)}"


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
    columns = table.sizes([header, *rows], table.width())
    return f"{table.lines([header, table.rule(columns), *rows], columns, COLOURS)}\n\n{foot}"


def _why(item: standing.Standing) -> str:
    return f"{item.reason}, for {words.age(item.since)}" if item.since else item.reason


@click.command(cls=Manual)
@click.option(
    "--format",
    type=click.Choice(["markdown"]),
    default="markdown",
    show_default=True,
    expose_value=False,
    help="Markdown, which reads well as plain text too.",
)
@click.option("--phase", metavar="N", type=int, help="Only this phase.")
@options.home_alone
def report(phase: int | None, home: Path) -> None:
    """Tell from the journal what happened and what it cost.

    Progress, agents, lines of code, checks, reviews, merges and conflicts, tokens and dollars, times, decisions and
    failures, of every run in this home and of the plans that they ran. It can be asked while a build runs.

    Examples:
      mbo report > report.md
      mbo report --phase 1
    """
    from analytics.report import markdown  # DuckDB, which `--help` need not load

    standing.project(Home(home))
    click.echo(markdown(Home(home), phase), nl=False)
