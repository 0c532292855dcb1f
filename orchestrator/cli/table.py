"""Plain tables for the terminal, narrow enough for it; light, because `plan` and `status` must answer at once."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from orchestrator.cli import words

GAP = "  "
LAST = 20
"""Narrower than this the last column is only where its words are."""
UNLIMITED = 10_000

Row = Sequence[str]
Colours = Mapping[str, str]


def width() -> int:
    """Return how many columns there are for what we print; no bound where a program or a file reads it."""
    return shutil.get_terminal_size((0, 0)).columns or UNLIMITED


def headed(
    header: Row, rows: Sequence[Row], colours: Colours | None = None, columns: Sequence[int] | None = None
) -> str:
    """Return rows under a header, or where that is too wide without breaking words, as blocks.

    A cell that is one of the words in `colours` gets its colour. `columns` are widths to use instead of the rows' own.
    """
    columns = sizes([header, *rows], width()) if columns is None else columns
    return lines([header, rule(columns), *rows], columns, colours) if columns else blocks(header, rows, colours)


def sizes(rows: Iterable[Row], limit: int, most: Mapping[int, int] | None = None) -> list[int]:
    """Return the width of each column of a table at most `limit` wide; the widest gives first, then by turns.

    No column but the last is narrower than its longest word; where that is too wide there are no columns. Where the
    limit is reached, the columns in `most` are as narrow as it says, if their words are.
    """
    cells = [[words.flat(cell) for cell in column] for column in zip(*rows, strict=True)]
    columns = [max(map(words.cells, column)) for column in cells]
    least = [max(map(_longest, column)) for column in cells]
    least[-1] = min(least[-1], LAST)
    over = sum(columns) + len(GAP) * (len(columns) - 1) - limit
    if over > sum(columns) - sum(least):
        return []
    for column, size in (most or {}).items() if over > 0 else ():
        less = max(0, columns[column] - max(size, least[column]))
        columns[column] -= less
        over -= less
    while over > 0:
        _, widest = max((size, place) for place, size in enumerate(columns) if size > least[place])
        columns[widest] -= 1
        over -= 1
    return columns


def lines(rows: Iterable[Row], columns: Sequence[int], colours: Colours | None = None) -> str:
    """Return rows as lines, a long cell on several; without columns, each row as one sentence.

    Where a word of the last cell is wider than its column, that cell stands below the others.
    """
    if not columns:
        return "\n".join(words.hanging("", GAP.join(row), width()) for row in rows)
    return "\n".join(line for row in rows for line in _lines(row, columns, colours or {}))


def _lines(row: Row, columns: Sequence[int], colours: Colours) -> Iterator[str]:
    *others, last = row
    is_below = bool(others) and _longest(last) > columns[-1]
    shown = [*others, ""] if is_below else row
    cells = [words.wrapped(cell, size) for cell, size in zip(shown, columns, strict=True)]
    for number in range(max(map(len, cells))):
        parts = (cell[number] if number < len(cell) else "" for cell in cells)
        yield GAP.join(_cell(part, size, colours) for part, size in zip(parts, columns, strict=True)).rstrip()
    if is_below:
        yield words.hanging(" " * columns[0] + GAP, _whole(last), sum(columns) + len(GAP) * len(others))


def blocks(header: Row, rows: Iterable[Row], colours: Colours | None = None) -> str:
    """Return each row as lines of its own, one a cell, each behind its header; an empty cell has none."""
    size = max(map(words.cells, header))
    return "\n\n".join(
        "\n".join(
            _labelled(words.padded(name, size), cell, colours or {})
            for name, cell in zip(header, row, strict=True)
            if cell not in ("", "-")
        )
        for row in rows
    )


def rule(columns: Sequence[int]) -> Row:
    """Return the row that separates a header from what is under it."""
    return ["─" * size for size in columns]


def bar(done: int, total: int, size: int = 20) -> str:
    """Return a bar of `size` characters for `done` of `total`; full only when all is done."""
    filled = size * done // total if total else 0
    return "█" * filled + "░" * (size - filled)


def _labelled(name: str, cell: str, colours: Colours) -> str:
    if cell in colours:
        return f"{name}{GAP}{_cell(cell, 0, colours)}"
    return words.hanging(f"{name}{GAP}", _whole(cell), width())


def _longest(cell: str) -> int:
    """Return the width of the widest word in a cell."""
    return max(map(words.cells, words.flat(cell).split()), default=0)


def _whole(cell: str) -> str:
    """Return the text of a cell, in which only a word that is wider than the terminal is broken."""
    return " ".join(words.wrapped(cell, width()))


def _cell(part: str, size: int, colours: Colours) -> str:
    told = click.style(part, fg=colours[part]) if part in colours else part
    return told + " " * (size - words.cells(part))
