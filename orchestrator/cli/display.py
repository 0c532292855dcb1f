"""Progress while tasks run: live on a terminal; elsewhere one line for each task that ends, and no more."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click

from orchestrator.cli import screen
from orchestrator.cli.board import Board
from orchestrator.cli.milestones import Milestone, milestone
from orchestrator.cli.words import flat, hanging, short
from orchestrator.models import JsonObject, Plan
from orchestrator.selection import Selection

Show = Callable[[JsonObject], None]
Say = Callable[[str], None]


@contextmanager
def display(plan: Plan, chosen: Selection, merged: frozenset[str]) -> Generator[tuple[Show, Say]]:
    """Give a function that shows each event of the run, and one that says what goes on in between."""
    told = _milestones(plan)
    if not sys.stderr.isatty():
        yield lambda event: _log(told(event)), screen.say
        return
    board = Board(plan, len(chosen.tasks), len(chosen.tasks & merged))
    with _live(board) as tell:

        def show(event: JsonObject) -> None:
            board.take(event)
            line = told(event)
            if line:
                tell(line)

        def say(text: str) -> None:
            board.note = text

        yield show, say


@contextmanager
def _live(board: Board) -> Generator[Callable[[Milestone], None]]:
    """Show the board at the bottom of the terminal until the end, and give a function that prints a line above it."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    context = click.get_current_context(silent=True)
    console = Console(stderr=True, highlight=False, no_color=True if context and context.color is False else None)

    def board_now() -> Text:
        return Text("\n".join(board.lines(console.width - 1, console.height - 1)), no_wrap=True)

    def tell(line: Milestone) -> None:
        text = Text(hanging(f"{line.sign} ", line.text, console.width - 1))
        text.stylize(line.colour, 0, len(line.sign))
        live.console.print(text)

    with Live(get_renderable=board_now, console=console, refresh_per_second=5, transient=True) as live:
        yield tell


def _milestones(plan: Plan) -> Callable[[JsonObject], Milestone | None]:
    """Return a function from an event to its line; the same line about the checkout is told once."""
    titles = {task.id: task.title for task in plan.tasks}
    checkouts: set[str] = set()

    def told(event: JsonObject) -> Milestone | None:
        line = milestone(event, titles.get(event.get("task", ""), ""))
        if line is None or line.text in checkouts:
            return None
        if event["kind"] == "checkout":
            checkouts.add(line.text)
        return line._replace(text=short(flat(line.text), plan))

    return told


def _log(line: Milestone | None) -> None:
    if line and line.lasting:
        screen.say(f"{line.sign} {line.text}")
