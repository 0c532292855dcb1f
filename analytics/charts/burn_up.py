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
_TOP, _BOTTOM = 18, 24  # room for labels


class Band(NamedTuple):
    """A moment ahead: how many tasks are merged by then at the least, most likely, and at best."""

    seconds: float
    low: float
    middle: float
    high: float


def draw(merges: Sequence[Row], tasks: int, clock: Clock, band: Sequence[Band] = ()) -> Markup:
    """Return the steps of what was merged and, behind them, the band of what is expected."""
    whole = clock.seconds + (band[-1].seconds if band else 0)
    most = max(tasks, len(merges), 1)
    plane = svg.tag(
        "svg",
        *_ahead(band, clock.seconds, whole, most),
        *_steps(merges, clock, whole, most),
        y=_TOP,
        height=_HEIGHT - _TOP - _BOTTOM,
        width="100%",
        viewBox=f"0 0 {_SIZE:g} {_SIZE:g}",
        preserveAspectRatio="none",
        overflow="visible",
    )
    said = f"{len(merges)} of {tasks} tasks merged"
    parts = (_levels(most), _times(clock, whole), _now(clock, whole) if band else "", plane)
    return svg.image(*parts, label=said, class_="burn-up", height=_HEIGHT)


def _steps(merges: Sequence[Row], clock: Clock, whole: float, most: int) -> list[Markup]:
    points = [f"M0 {_SIZE:g}"]
    for number, row in enumerate(merges, start=1):
        points.append(f"H{_SIZE * clock.at(row['merged']) / whole:.1f}V{_SIZE * (1 - number / most):.1f}")
    line = "".join([*points, f"H{_SIZE * clock.seconds / whole:.1f}"])
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


def _times(clock: Clock, whole: float) -> Markup:
    ticks = clock.ticks(5, whole)
    marks = [svg.tag("text", words, x=svg.percent(at / whole), y=_HEIGHT - 6, class_="tick") for at, words in ticks]
    return svg.join(*(mark for (at, _), mark in zip(ticks, marks, strict=True) if at <= 0.88 * whole))


def _now(clock: Clock, whole: float) -> Markup:
    x = svg.percent(clock.seconds / whole)
    ahead = duration(whole - clock.seconds)
    return svg.join(
        svg.tag("line", x1=x, x2=x, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="now"),
        svg.tag("text", f"+{ahead}", x="100%", y=_HEIGHT - 6, text_anchor="end", class_="tick"),
    )


def _height(level: float, most: int) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - level / most)
