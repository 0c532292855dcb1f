"""`--watch`: what a command prints, drawn anew on the terminal every two seconds until Ctrl-C."""

import shutil
import sys
import time
from collections.abc import Callable

import click

from orchestrator.cli.screen import echo, visible
from orchestrator.errors import InputError

SECONDS = 2.0


def watch(draw: Callable[[], str]) -> None:
    """Show what `draw` returns again and again; Ctrl-C ends it as it is meant to end.

    Raises:
        InputError: stdout is no terminal, on which alone something can be drawn anew.
    """
    if not sys.stdout.isatty():
        raise InputError("--watch draws on a terminal, and this is none; leave it out and ask again when needed")
    click.clear()
    try:
        while True:
            frame = _frame(draw(), shutil.get_terminal_size().lines)
            click.echo(frame, nl=False)  # noqa: TID251 it moves the cursor, around text that is visible already
            time.sleep(SECONDS)
    except KeyboardInterrupt:
        echo()


def _frame(text: str, height: int) -> str:
    """Return the escape sequences that put `text` over what was there, cut at the terminal's height."""
    lines = visible(text, styled=True).splitlines()
    if len(lines) >= height:
        lines = [*lines[: height - 2], "…"]
    return "\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J"
