"""`status --timeline`: who did what when and what lies ahead, one line an agent, drawn with letters."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analytics.forecast import Forecast
from orchestrator.cli import table, words
from orchestrator.models import Plan
from orchestrator.status.lasting import in_words
from orchestrator.status.timeline import Timeline

WIDTH = 80
"""How wide the picture is where nothing bounds it."""
_NAME = 22
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS = (
    *(1, 2, 5, 10, 20, 30),
    *(_MINUTE * number for number in (1, 2, 5, 10, 20, 30)),
    *(_HOUR * number for number in (1, 2, 4, 8, 12)),
    *(_DAY * number for number in (1, 2, 5, 10, 30)),
)
"""How many seconds the marked moments can be apart."""
_MOST = 5
"""Fewer moments than this are marked."""
_SIGNS = {"work": "█", "review": "▒", "ahead": "░"}
_LEGEND = "█ works, ▒ reviews or decides, ░ forecast, │ now; a session begins with its task where there is room"


class Bar(NamedTuple):
    """A stretch of time of one agent: what for, drawn how, from when to when."""

    agent: str
    task: str
    sign: str
    began: float
    ended: float


def gantt(plan: Plan, past: Timeline, ahead: Forecast) -> str:
    """Return the picture of what was and what is expected, the time between runs left out."""
    bars = [*_past(past), *_ahead(plan, past, ahead)]
    if not bars:
        return "nothing has happened yet, and nothing is left to do"
    whole = max(bar.ended for bar in bars) or 1.0
    limit = min(table.width(), WIDTH) if table.width() < table.UNLIMITED else WIDTH
    size = limit - _NAME - len(table.GAP) - 1  # a column is for now
    now = int(past.seconds / whole * size)
    lines = [_scale(past.seconds, whole, size, now), _ticks(whole, size, now)]
    for entry in plan.agents:
        own = [bar for bar in bars if bar.agent == entry.id]
        if own:
            name = words.shorten(entry.id.removeprefix(words.prefix(plan)), _NAME)
            lines.append(f"{name:<{_NAME}}{table.GAP}{_row(own, whole, size, now)}".rstrip())
    return "\n".join([*lines, "", words.hanging("", _LEGEND, limit)])


def _past(past: Timeline) -> Iterable[Bar]:
    for span in past.spans:
        sign = _SIGNS["work"] if span.role == "work" else _SIGNS["review"]
        yield Bar(span.agent, span.task, sign, span.began, span.ended)


def _ahead(plan: Plan, past: Timeline, ahead: Forecast) -> Iterable[Bar]:
    for task in plan.tasks:
        expected = ahead.by_task.get(task.id)
        if expected:
            began, ended = past.seconds + expected.begins, past.seconds + max(expected.begins, expected.p50)
            yield Bar(task.agent, task.id, _SIGNS["ahead"], began, ended)


def _row(bars: Sequence[Bar], whole: float, size: int, now: int) -> str:
    """Return the line of one agent; where two bars share a place, the work of the past is what is seen."""
    cells = [" "] * size
    for bar in sorted(bars, key=lambda bar: (bar.sign != _SIGNS["ahead"], bar.sign == _SIGNS["work"], bar.began)):
        first = min(size - 1, int(bar.began / whole * size))
        last = min(size - 1, max(first, int(bar.ended / whole * size) - 1))
        name = bar.task if len(bar.task) <= last - first else ""
        cells[first : last + 1] = list(f"{name:{bar.sign}<{last - first + 1}}")
    return f"{''.join(cells[:now])}│{''.join(cells[now:])}"


def _ticks(whole: float, size: int, now: int) -> str:
    """Return the line of a few moments, counted from the beginning of the first run."""
    step = next((step for step in _STEPS if whole / step < _MOST), whole)
    cells = [" "] * size
    for number in range(1, int(whole / step) + 1):
        place, name = (
            int(number * step / whole * size),
            f"╷{in_words(number * step).removesuffix(' 0 s').removesuffix(' 0 min')}",
        )
        if place + len(name) <= size:
            cells[place : place + len(name)] = list(name)
    return f"{'':<{_NAME}}{table.GAP}{''.join(cells[:now])}│{''.join(cells[now:])}".rstrip()


def _scale(now: float, whole: float, size: int, place: int) -> str:
    """Return the line above the picture: how long it has been, and how long it is to go on."""
    past, ahead = in_words(now), f"+{in_words(whole - now)}"
    before = past.rjust(place) if len(past) <= place else " " * place
    after = ahead.rjust(size - place) if len(ahead) <= size - place else ""
    return f"{'agent':<{_NAME}}{table.GAP}{before}│{after}".rstrip()
