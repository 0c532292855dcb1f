"""Text that reads well as it stands and as rendered Markdown, whatever agents wrote into it."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.commands import COMMAND

WIDTH = 96

_GLUE = "\0"  # stands for a space at which no line ends
_LONGEST_WORD = 72
_WORD = re.compile(r"\S+")
_SPECIAL = re.compile(r"[\\`*\[<|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=[#A-Za-z])")
_AT_LINE_START = re.compile(r"^(?=>|(?:#{1,6}|[-+=]+)$)")  # a block, should the word come to begin a line
_NUMBERED = re.compile(r"^(\d+)([.)])$")


def text(value: object, limit: int = 240) -> str:
    """Return foreign words as one line of at most `limit` characters in which nothing is Markdown, HTML or control."""
    return " ".join(_escape(word) for word in plain(value, limit).split()) or "-"


def phrase(value: object, limit: int = 240) -> str:
    """Return words of our own as `text` does, but with the commands in them as code spans, which are never cut."""
    return "".join(
        code(part) if is_command else _WORD.sub(lambda word: _escape(word[0]), part)
        for is_command, part in parts(value, limit)
    )


def parts(value: object, limit: int = 240) -> Iterator[tuple[bool, str]]:
    """Yield the commands in words of our own, and what stands between them as `plain` has it; True for commands."""
    for place, part in enumerate(COMMAND.split(str(value or ""))):
        if place % 2:
            yield True, part
        elif part:
            lead, tail = (" " * edge.isspace() for edge in (part[0], part[-1]))
            yield False, lead + plain(part, limit) + tail


def plain(value: object, limit: int = 240) -> str:
    """Return foreign words as one line of at most `limit` characters without control characters; markup stays."""
    printable = "".join(letter if letter.isprintable() else " " for letter in str(value or ""))
    return _cut(" ".join(_cut(word, _LONGEST_WORD) for word in printable.split()), limit)


def code(value: object) -> str:
    """Return a name as a code span, or as plain text where a code span cannot hold it."""
    name = str(value)
    return f"`{name}`" if name.isprintable() and not set(name) & set("`|") else text(name)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> list[str]:
    """Return a table whose columns line up; the last `numbers` columns are aligned to the right."""
    body = [list(row) for row in rows]
    widths = [max(3, *(len(line[column]) for line in [headers, *body])) for column in range(len(headers))]
    first_number = len(headers) - numbers

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if column >= first_number else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = ["-" * (width - 1) + (":" if column >= first_number else "-") for column, width in enumerate(widths)]
    return [line(headers), line(rule), *(line(row) for row in body)]


def item(sentence: str, *details: str) -> list[str]:
    """Return a list item with its details as items below it, all wrapped between words."""
    return [*_wrap("- ", sentence), *(line for detail in details for line in _wrap("  - ", detail))]


def bar(done: int, whole: int, width: int = 12) -> str:
    """Return how much is done as a bar; it is full only when everything is."""
    filled = width * done // whole if whole else 0
    return f"`{'#' * filled}{'.' * (width - filled)}`"


def count(number: int, noun: str) -> str:
    """Return a number with its noun in the right form, such as `1 task` or `1,200 tasks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float | None) -> str:
    """Return seconds as people say them, such as `4.2 s`, `3 m 20 s` or `2 h 05 m`; `-` where there are none."""
    if seconds is None:
        return "-"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} m"


def dollars(known: float, unpriced_turns: int) -> str:
    """Return a sum of money; `unknown` where a turn of it has no known price."""
    amount = f"${known:,.2f}" if known == 0 or known >= 1 else f"${known:.4f}"
    if not unpriced_turns:
        return amount
    return f"unknown (over {amount})" if known else "unknown"


def _wrap(lead: str, words: str) -> list[str]:
    """Return the words as lines; a command to type stays in one."""
    lines = textwrap.wrap(
        COMMAND.sub(lambda found: found[0].replace(" ", _GLUE), words),
        WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_GLUE, " ") for line in lines]


def _cut(value: str, limit: int) -> str:
    return value if len(value) <= limit else value[: limit - 1].rstrip() + "…"


def _escape(word: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", word)
    return _NUMBERED.sub(r"\1\\\2", _AT_LINE_START.sub(r"\\", escaped))
