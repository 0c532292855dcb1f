"""Who did what when: a row an agent, work, gates, reviews and integrations as bars."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from markupsafe import Markup

from analytics.charts import svg
from analytics.charts.clock import Clock
from analytics.markdown import duration, plain
from analytics.rows import Row

_TOP = 26  # for the times
_LANE, _GAP = 15, 9
_LABELS = 196
_LEAST = 0.0025  # of the width: what took no time is still seen
_ROOM = 0.03  # of the width: a bar with its task's id in it
_CONFLICT = "M0 -6 6 0 0 6 -6 0z"


def draw(spans: Sequence[Row], clock: Clock) -> Markup:
    """Return the timeline; every bar says on request what it was."""
    by_agent = {
        agent: list(own) for agent, own in groupby(sorted(spans, key=lambda span: span["agent"]), lambda s: s["agent"])
    }
    shared = _shared(list(by_agent))
    top, rows, marks, labels = _TOP, list[Markup](), list[Markup](), list[Markup]()
    for agent, own in sorted(by_agent.items(), key=lambda entry: entry[1][0]["began"]):
        lanes = _lanes(own)
        height = _LANE * (max(lanes) + 1) + _GAP
        labels.append(svg.tag("text", plain(agent.removeprefix(shared), 30), x=0, y=top + _GAP / 2 + 11))
        rows += [svg.tag("line", x1=0, x2="100%", y1=top, y2=top, class_="rule")]
        rows += [_bar(span, clock, top + _GAP / 2 + _LANE * lane) for span, lane in zip(own, lanes, strict=True)]
        marks += [_mark(s, clock, top + _LANE * n) for s, n in zip(own, lanes, strict=True) if s["met"] == "conflict"]
        top += height
    names = svg.image(*labels, label="agents", width=_LABELS, height=top)
    bars = svg.image(_pauses(clock, top), _times(clock, top), *rows, *marks, label="timeline by agent", height=top)
    return svg.framed(names, bars, "timeline")


def told(spans: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """Return for each agent, in the order of the timeline, what each of its bars says."""
    said: dict[str, list[str]] = {}
    for span in sorted(spans, key=lambda span: span["began"]):
        said.setdefault(span["agent"], []).append(_said(span))
    return list(said.items())


def _lanes(spans: Sequence[Row]) -> list[int]:
    """Return for each span the first lane in which nothing else happens at the time."""
    ends: list[datetime] = []
    lanes: list[int] = []
    for span in spans:
        lane = next((lane for lane, end in enumerate(ends) if end <= span["began"]), len(ends))
        ends[lane : lane + 1] = [span["ended"]]
        lanes.append(lane)
    return lanes


def _bar(span: Row, clock: Clock, top: float) -> Markup:
    left = clock.at(span["began"]) / clock.seconds
    width = max(_LEAST, clock.at(span["ended"]) / clock.seconds - left)
    inset = 3 if span["kind"] in ("gate", "integrate") else 0
    style = f"bar {span['kind']}" + (f" {span['met']}" if span["met"] else "")
    box = svg.tag(
        "rect",
        x=svg.percent(left),
        y=top + inset,
        width=svg.percent(width),
        height=_LANE - 3 - 2 * inset,
        rx=2,
    )
    parts = [box]
    if span["kind"] == "work" and width > _ROOM:
        parts.append(svg.tag("text", span["task"], x=svg.percent(left), dx=4, y=top + 9.5))
    return svg.tag("g", svg.title(_said(span)), *parts, class_=style)


def _mark(span: Row, clock: Clock, top: float) -> Markup:
    """Return the sign of a merge conflict; it lies above the bars, which may be narrow."""
    x, y = svg.percent(clock.at(span["ended"]) / clock.seconds), top + (_GAP + _LANE - 3) / 2
    return svg.tag("svg", svg.title(_said(span)), svg.tag("path", d=_CONFLICT), x=x, y=y, class_="mark")


def _shared(agents: list[str]) -> str:
    """Return what all names begin with, up to the first dash; the rows do without it."""
    first = agents[0].partition("-")[0] + "-" if len(agents) > 1 else ""
    return first if all(agent.startswith(first) for agent in agents) else ""


def _said(span: Row) -> str:
    what = {"work": "work", "review": "review", "gate": "checks of the answer", "integrate": "merge and its checks"}
    met = {"red": ", red", "conflict": ", merge conflict"}.get(span["met"] or "", "")
    detail = f": {plain(span['detail'], 160)}" if span["detail"] else ""
    seconds = (span["ended"] - span["began"]).total_seconds()
    return (
        f"{span['task']} {what.get(span['kind'], span['kind'])}{met}, attempt {span['attempt']} round {span['round']}, "
        f"{span['began']:%H:%M:%S} for {duration(seconds)}{detail}"
    )


def _times(clock: Clock, height: float) -> Markup:
    return svg.join(
        *(
            svg.join(
                svg.tag("line", x1=(x := svg.percent(at / clock.seconds)), x2=x, y1=18, y2=height, class_="grid"),
                svg.tick(at / clock.seconds, words, 12),
            )
            for at, words in clock.ticks(7)
        )
    )


def _pauses(clock: Clock, height: float) -> Markup:
    return svg.join(
        *(
            svg.tag(
                "rect",
                svg.title(f"nothing ran for {duration(length.total_seconds())}"),
                x=svg.percent(left / clock.seconds),
                width=svg.percent((right - left) / clock.seconds),
                y=18,
                height=height - 18,
                class_="pause",
            )
            for left, right, length in clock.pauses()
        )
    )
