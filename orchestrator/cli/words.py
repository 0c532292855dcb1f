"""How times, names and long sentences are told to people."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from orchestrator.cli.screen import visible
from orchestrator.models import Plan
from orchestrator.models.value import now
from orchestrator.status.lasting import in_words

_NARROW = re.compile(r"[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2190-\u21ff\u2500-\u25fc]*")
"""Letters, dashes, arrows and the parts of bars and rules, each of which is known to take one column."""
_BREAK = re.compile(r" *[\t\n\v\f\r][ \t\n\v\f\r]*")


def cells(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if _NARROW.fullmatch(text):
        return len(text)
    from rich.cells import cell_len  # half of Unicode in tables, which most words do not need

    return cell_len(text)


def padded(text: str, size: int) -> str:
    """Return `text` with spaces after it, up to `size` columns."""
    return text + " " * (size - cells(text))


def flat(text: str) -> str:
    """Return `text` as one line that is safe to print; line breaks and tabs, with the spaces around them, are one."""
    return visible(_BREAK.sub(" ", text.strip("\t\n\v\f\r")))


def wrapped(text: str, size: int) -> list[str]:
    """Return `text` on lines of at most `size` columns; only a word that is wider alone is broken."""
    line = flat(text)
    if cells(line) <= size:
        return [line]
    return list(_filled("", [part for word in line.split() for part in _broken(word, size)], 0, size))


def hanging(head: str, text: str, limit: int) -> str:
    """Return `head` and `text`; what does not fit on their line stands under the beginning of `text`.

    No word is broken, since a path is copied whole or not at all: one that is too wide to stand there moves to the
    left. Under a head of more than half the line, the text goes on two columns in.
    """
    head, line = visible(head), flat(text)
    if cells(head + line) <= limit:
        return head + line
    indent = cells(head) if cells(head) <= limit // 2 else 2
    return "\n".join(_filled(head, line.split(), indent, limit))


def _filled(head: str, parts: Iterable[str], indent: int, limit: int) -> Iterator[str]:
    """Yield lines of at most `limit` columns, the first of which begins with `head`, filled with `parts`."""
    line, size, gap = head, cells(head), ""
    for part in parts:
        width = cells(part)
        if size + len(gap) + width > limit:
            if line.strip():
                yield line.rstrip()
            size, gap = max(0, min(indent, limit - width)), ""
            line = " " * size
        line += gap + part
        size += len(gap) + width
        gap = " "
    yield line


def _broken(word: str, size: int) -> list[str]:
    if cells(word) <= size:
        return [word]
    from rich.cells import chop_cells

    return chop_cells(word, max(2, size))  # a letter may be two columns wide


def shorten(text: str, size: int) -> str:
    """Return `text` on one line of at most `size` columns, with an ellipsis where something is left out."""
    line = visible(text).replace("\n", " ")
    return line if cells(line) <= size else _broken(line, size - 1)[0].rstrip() + "…"


def prefix(plan: Plan) -> str:
    """Return what the ids of all the plan's agents begin with, up to the first dash; tables leave it out."""
    first, *others = (entry.id for entry in plan.agents)
    size = first.find("-") + 1
    return first[:size] if others and all(name.startswith(first[:size]) for name in others) else ""


def short(text: str, plan: Plan) -> str:
    """Return `text` with the agents in it named without their prefix."""
    shared = prefix(plan)
    for entry in plan.agents if shared and shared in text else ():
        text = text.replace(entry.id, entry.id.removeprefix(shared))
    return text


def count(number: int, noun: str) -> str:
    """Return a number of things, such as `1 task` or `2 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clock(moment: str) -> str:
    """Return an ISO moment as the local time of day, with the date where that is another day."""
    then, today = datetime.fromisoformat(moment).astimezone(), now().astimezone()
    return f"{then:%H:%M:%S}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M}"


def time_of_day(moment: str) -> str:
    """Return an ISO moment as the local time of day."""
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M:%S}"


def day(moment: str) -> str:
    """Return the local day of an ISO moment."""
    return f"{datetime.fromisoformat(moment).astimezone():%A, %d %B %Y}"


def age(moment: str) -> str:
    """Return how long ago an ISO moment was."""
    return in_words((now() - datetime.fromisoformat(moment)).total_seconds())
