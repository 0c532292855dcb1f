"""`status` and `report`: where things stand now, and what happened."""

from pathlib import Path

import click

from orchestrator import standing
from orchestrator.cli import options, table
from orchestrator.errors import InputError
from orchestrator.home import Home, read_json
from orchestrator.models import Plan
from orchestrator.standing import Board


@click.command()
@click.option("--detailed", is_flag=True, help="Every task, with the one reason why it waits.")
@options.home
def status(detailed: bool, home: Path, plan_file: Path | None) -> None:
    """Show where the build stands, also while it runs."""
    place = Home(home)
    record = read_json(place.project_file)
    if record is None:
        raise InputError(
            f"{place.root}: no project here yet; run `mbo init --project-path DIR --home {place.root}` first"
        )
    plan = options.plan_of(home, plan_file)
    board = standing.read(place, plan)
    click.echo(f"project  {record['project']}")
    click.echo(f"plan     {plan.name}, {board.count('merged')} of {len(plan.tasks)} tasks merged")
    click.echo(f"run      {_run_line(board)}\n")
    click.echo(_phases(plan, board))
    click.echo(_tasks(plan, board, everything=detailed))


def _run_line(board: Board) -> str:
    if board.run:
        return f"`{board.run.get('command', '?')}` since {board.run.get('started', '?')}, process {board.run.get('pid', '?')}"
    if board.last_run:
        data = board.last_run["data"]
        return f"none; the last one {data['status']}" + (f" ({data['reason']})" if data["reason"] else "")
    return "none yet; start one with `mbo coordinate --workflow NAME --with-prerequisites`"


def _phases(plan: Plan, board: Board) -> str:
    merged = {item.task for item in board.tasks if item.state == "merged"}
    lines: list[str] = []
    for phase in plan.phases:
        own = [task.id for task in plan.tasks if task.phase == phase.number]
        done = sum(task in merged for task in own)
        lines.append(f"{phase.number}  {phase.name:<24.24} {table.bar(done, len(own))} {done:>3} of {len(own)}")
    return "\n".join(lines) + "\n"


def _tasks(plan: Plan, board: Board, *, everything: bool) -> str:
    titles = {task.id: task for task in plan.tasks}
    shown = [item for item in board.tasks if everything or item.state in ("running", "failed")]
    rows = [(item.task, item.state, titles[item.task].title, item.reason) for item in shown]
    if not rows:
        return "Nothing runs and nothing failed; `--detailed` shows every task."
    give = 2 if everything else 3
    return table.render(("id", "state", "task", "why"), rows, give=give)


@click.command()
@click.option("--format", "form", type=click.Choice(["markdown"]), default="markdown", show_default=True)
@click.option("--phase", type=int, help="Only this phase.")
@options.home
def report(form: str, phase: int | None, home: Path, plan_file: Path | None) -> None:
    """Show what happened, from the journal: progress, checks, reviews, merges, cost, time, decisions, failures."""
    from analytics.report import markdown  # DuckDB, which `--help` need not load

    click.echo(markdown(Home(home), phase))
