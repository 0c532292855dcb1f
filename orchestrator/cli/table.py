"""Plain tables for the terminal, narrow enough for it; light, because `plan` and `status` must answer at once."""

import shutil
from collections.abc import Iterable, Mapping, Sequence

import click

from orchestrator.cli.words import wrapped

GAP = "  "
LEAST = 12
"""No column is made narrower than this."""
UNLIMITED = 10_000

Row = Sequence[str]


def width() -> int:
    """Return how many columns there are for what we print; no bound where a program or a file reads it."""
    return shutil.get_terminal_size((0, 0)).columns or UNLIMITED


def sizes(rows: Iterable[Row], limit: int, most: Mapping[int, int] | None = None) -> list[int]:
    """Return the width of each column of a table at most `limit` wide; the widest gives first, then by turns.

    Where the limit is reached, the columns in `most` are no wider than it says.
    """
    columns = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    over = sum(columns) + len(GAP) * (len(columns) - 1) - limit
    for column, size in (most or {}).items() if over > 0 else ():
        over -= max(0, columns[column] - size)
        columns[column] = min(columns[column], size)
    while over > 0 and max(columns) > LEAST:
        columns[columns.index(max(columns))] -= 1
        over -= 1
    return columns


def lines(rows: Iterable[Row], columns: Sequence[int], colours: Mapping[str, str] | None = None) -> str:
    """Return rows as lines, a long cell on several; a cell that is one of the words in `colours` gets its colour."""
    told: list[str] = []
    for row in rows:
        cells = [wrapped(cell, size) for cell, size in zip(row, columns, strict=True)]
        for number in range(max(map(len, cells))):
            parts = (cell[number] if number < len(cell) else "" for cell in cells)
            line = GAP.join(_cell(part, size, colours or {}) for part, size in zip(parts, columns, strict=True))
            told.append(line.rstrip())
    return "\n".join(told)


def rule(columns: Sequence[int]) -> Row:
    """Return the row that separates a header from what is under it."""
    return ["─" * size for size in columns]


def bar(done: int, total: int, size: int = 20) -> str:
    """Return a bar of `size` characters for `done` of `total`; full only when all is done."""
    filled = size * done // total if total else 0
    return "█" * filled + "░" * (size - filled)


def _cell(part: str, size: int, colours: Mapping[str, str]) -> str:
    told = click.style(part, fg=colours[part]) if part in colours else part
    return told + " " * (size - len(part))
