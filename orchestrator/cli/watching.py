"""`--watch`: what a command prints, drawn anew on the terminal every two seconds until Ctrl-C."""

import shutil
import sys
import time
from collections.abc import Callable

import click

from orchestrator.cli.screen import echo, visible
from orchestrator.errors import InputError

SECONDS = 2.0


def watch(draw: Callable[[int], str]) -> None:
    """Show what `draw` returns for the screen's height again and again; Ctrl-C ends it as it is meant to end.

    The screen is cleared when there is something to show: what `draw` refuses at once is told below the command.

    Raises:
        InputError: stdout is no terminal, on which alone something can be drawn anew.
    """
    if not sys.stdout.isatty():
        raise InputError("--watch draws on a terminal, and this is none; leave it out and ask again when needed")
    try:
        frame = _frame(draw)
        click.clear()
        while True:
            click.echo(frame, nl=False)  # noqa: TID251 it moves the cursor, around text that is visible already
            time.sleep(SECONDS)
            frame = _frame(draw)
    except KeyboardInterrupt:
        echo()


def _frame(draw: Callable[[int], str]) -> str:
    """Return the escape sequences that put what is drawn over what was there, cut at the terminal's size."""
    height = shutil.get_terminal_size().lines
    lines = visible(draw(height), styled=True).splitlines()
    if len(lines) >= height:
        lines = [*lines[: height - 2], "…"]
    shown = "".join(f"{line}\x1b[K\n" for line in lines)
    return f"\x1b[H\x1b[?7l{shown}\x1b[?7h\x1b[J"
