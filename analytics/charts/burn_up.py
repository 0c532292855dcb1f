"""How many tasks were merged when, and where the forecast sees them end."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from analytics.charts import svg
from analytics.charts.clock import Clock
from analytics.markdown import duration
from analytics.rows import Row

_SIZE = 1000.0  # of the plane that is stretched over the chart
_HEIGHT = 280
_TOP, _BOTTOM = 22, 24  # room for labels
_LINE = 15
_TICKS = 4
_ROOM = 0.3  # of the width: what a label takes on a phone


class Band(NamedTuple):
    """A moment ahead: how many tasks are merged by then at the least, most likely, and at best."""

    seconds: float
    low: float
    middle: float
    high: float


class Mark(NamedTuple):
    """A moment ahead that all is merged by with some probability, which is its name."""

    name: str
    seconds: float


def draw(
    merges: Sequence[Row], tasks: int, clock: Clock, band: Sequence[Band] = (), marks: Sequence[Mark] = ()
) -> Markup:
    """Return the steps of what was merged and, behind them, the band of what is expected, up to the last mark."""
    band = _until(band, marks)
    past = clock.seconds if clock.stretches else 0.0
    whole = (past + band[-1].seconds if band else past) or 1.0
    most = max(tasks, len(merges), 1)
    plane = svg.tag(
        "svg",
        *_ahead(band, past, whole, most),
        *_steps(merges, clock, past, whole, most),
        y=_TOP,
        height=_HEIGHT - _TOP - _BOTTOM,
        width="100%",
        viewBox=f"0 0 {_SIZE:g} {_SIZE:g}",
        preserveAspectRatio="none",
        overflow="visible",
    )
    said = f"{len(merges)} of {tasks} tasks merged"
    ahead = svg.join(_now(past, whole), *(_marked(mark, n, past, whole) for n, mark in enumerate(marks)))
    parts = (_levels(most), _times(clock, past, whole), ahead if band else "", plane)
    return svg.image(*parts, label=said, class_="burn-up", height=_HEIGHT)


def _until(band: Sequence[Band], marks: Sequence[Mark]) -> Sequence[Band]:
    """Return the band without what lies behind the last mark, where little more happens."""
    end = max((mark.seconds for mark in marks), default=float("inf"))
    beyond = next((place for place, point in enumerate(band) if point.seconds >= end), len(band))
    return band[: beyond + 1]


def _steps(merges: Sequence[Row], clock: Clock, past: float, whole: float, most: int) -> list[Markup]:
    points = [f"M0 {_SIZE:g}"]
    for number, row in enumerate(merges, start=1):
        points.append(f"H{_SIZE * clock.at(row['merged']) / whole:.1f}V{_SIZE * (1 - number / most):.1f}")
    line = "".join([*points, f"H{_SIZE * past / whole:.1f}"])
    return [svg.tag("path", d=f"{line}V{_SIZE:g}z", class_="under"), svg.tag("path", d=line, class_="merged-line")]


def _ahead(band: Sequence[Band], now: float, whole: float, most: int) -> list[Markup]:
    if not band:
        return []

    def line(values: Sequence[float], moments: Sequence[float]) -> str:
        return "L".join(
            f"{_SIZE * (now + seconds) / whole:.1f} {_SIZE * (1 - value / most):.1f}"
            for seconds, value in zip(moments, values, strict=True)
        )

    moments = [point.seconds for point in band]
    low, middle, high = ([getattr(point, name) for point in band] for name in ("low", "middle", "high"))
    area = f"M{line(high, moments)}L{line(low[::-1], moments[::-1])}z"
    return [svg.tag("path", d=area, class_="band"), svg.tag("path", d=f"M{line(middle, moments)}", class_="expected")]


def _levels(most: int) -> Markup:
    """Return the lines that tell how many, each with its number above it."""
    step = next(step for step in (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, most) if most / step <= 5)
    levels = sorted({*range(0, most - step // 2, step), most})
    return svg.join(
        *(
            svg.join(
                svg.tag("line", x1=0, x2="100%", y1=(y := _height(level, most)), y2=y, class_="grid"),
                svg.tag("text", f"{level} tasks" if level == most else level, x=0, y=y - 4, class_="tick")
                if level
                else "",
            )
            for level in levels
        )
    )


def _times(clock: Clock, past: float, whole: float) -> Markup:
    """Return when it was, and how far away the end of the axis is; what would touch that or `now` is left out."""
    ticks = [(at / whole, words) for at, words in clock.ticks(_TICKS, whole)]
    end = svg.tag("text", f"+{duration(whole - past)}", x="100%", y=_HEIGHT - 6, text_anchor="end", class_="tick")
    free = 1 - _ROOM if whole > past else 1
    return svg.join(*(svg.tick(at, words, _HEIGHT - 6) for at, words in ticks if at < free), end if free < 1 else "")


def _now(past: float, whole: float) -> Markup:
    x = svg.percent(past / whole)
    name = svg.tag("text", "now", x=x, y=_TOP - 5, text_anchor="middle", class_="tick")
    line = svg.tag("line", x1=x, x2=x, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="now")
    return svg.join(line, name if past > _ROOM / 2 * whole else "")  # at the left edge stands how many tasks there are


def _marked(mark: Mark, number: int, past: float, whole: float) -> Markup:
    """Return the moment by which all is merged with some probability; each label has a line of its own."""
    at = (past + mark.seconds) / whole
    x, y = svg.percent(at), _HEIGHT - _BOTTOM - 8 - _LINE * number
    anchor, dx = ("end", -4) if at > 1 - _ROOM else (None, 4)
    words = f"{mark.name}: +{duration(mark.seconds)}"
    return svg.join(
        svg.tag("line", x1=x, x2=x, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="mark-line"),
        svg.tag("text", words, x=x, dx=dx, y=y, text_anchor=anchor, class_="tick"),
    )


def _height(level: float, most: int) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - level / most)
