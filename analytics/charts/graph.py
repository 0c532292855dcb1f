"""What waits for what: tasks in columns by their longest path, in rows by component."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from analytics import paths
from analytics.charts import states, svg
from analytics.markdown import plain
from analytics.rows import Row

_WIDTH, _HEIGHT = 46, 22
_COLUMN, _ROW, _GAP = 56, 27, 9
_LABELS = 160


class Place(NamedTuple):
    """Where a task is drawn: its left, and its middle."""

    x: float
    y: float


class Band(NamedTuple):
    """A component's rows: its name, its top, and its height."""

    name: str
    top: float
    height: float


def draw(tasks: Sequence[Row]) -> Markup:
    """Return the graph; a task shows on request all that it waits for."""
    places, bands = arrange(tasks)
    height = sum(band.height for band in bands)
    width = max((place.x for place in places.values()), default=0) + _WIDTH + 8
    names = [svg.tag("text", plain(band.name, 26), x=0, y=band.top + _GAP / 2 + 18) for band in bands]
    stripes = [svg.tag("rect", x=0, y=b.top, width=width, height=b.height, class_="band") for b in bands[::2]]
    needed = paths.direct({task["task"]: task["deps"] for task in tasks})
    edges = [_edge(places[dep], places[task]) for task, deps in needed.items() for dep in deps]
    nodes = [_node(task, places) for task in tasks]
    labels = svg.image(*names, label="components", width=_LABELS, height=height)
    parts = (svg.tag("g", *stripes), svg.tag("g", *edges, class_="edges"), svg.tag("g", *nodes))
    chart = svg.image(*parts, label="tasks and what they wait for", width=width, height=height)
    return svg.framed(labels, chart, "graph")


def arrange(tasks: Sequence[Row]) -> tuple[dict[str, Place], list[Band]]:
    """Return where each task is drawn and each component's band, from the top."""
    deps = {task["task"]: task["deps"] for task in tasks}
    columns = paths.longest(deps, dict.fromkeys(deps, 1))
    places: dict[str, Place] = {}
    bands: list[Band] = []
    top = 0.0
    for name, own in _by_component(tasks).items():
        used = Counter[int]()
        for task in own:
            column = columns[task]
            places[task] = Place((column - 1) * _COLUMN + 4, top + _GAP / 2 + _ROW * (used[column] + 0.5))
            used[column] += 1
        bands.append(Band(name, top, _ROW * max(used.values()) + _GAP))
        top += bands[-1].height
    return places, bands


def _by_component(tasks: Sequence[Row]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for task in tasks:
        found.setdefault(f"{task['component']} {task['component_name']}", []).append(task["task"])
    return found


def _edge(source: Place, target: Place) -> Markup:
    left, right = source.x + _WIDTH, target.x
    bend = max(12.0, (right - left) * 0.45)
    d = f"M{left:g} {source.y:g}C{left + bend:g} {source.y:g} {right - bend:g} {target.y:g} {right:g} {target.y:g}"
    return svg.tag("path", d=d)


def _node(task: Row, places: Mapping[str, Place]) -> Markup:
    place = places[task["task"]]
    hot = [_edge(places[dep], place) for dep in task["deps"] if dep in places]
    box = svg.tag("rect", x=place.x, y=place.y - _HEIGHT / 2, width=_WIDTH, height=_HEIGHT, rx=4)
    mark = states.sign(task["state"], place.x + 9, place.y)
    words = svg.tag("text", task["task"], x=place.x + 16, y=place.y + 4)
    said = f"{task['task']} {plain(task['title'], 120)}: {task['state']} ({plain(task['agent'], 60)})"
    waits = f"; waits for {', '.join(task['deps'])}" if task["deps"] else ""
    parts = (svg.title(said + waits), svg.tag("g", *hot, class_="hot"), box, mark, words)
    return svg.tag("g", *parts, class_=f"node {states.name(task['state'])}", tabindex=0)
