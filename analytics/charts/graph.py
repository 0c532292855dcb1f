"""What waits for what: tasks in columns by their longest path, in rows by component."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from analytics import paths
from analytics.charts import states, svg
from analytics.markdown import plain
from analytics.rows import Row

_WIDTH, _HEIGHT = 46, 22
_COLUMN, _ROW, _GAP = 56, 27, 9
_LABELS = 160
_HEAD = 16
_ON_PATH, _READY = "on the critical path", "ready to start"


class Place(NamedTuple):
    """Where a task is drawn: its left, and its middle."""

    x: float
    y: float


class Band(NamedTuple):
    """A component's rows: its name, its top, and its height."""

    name: str
    top: float
    height: float


class Marked(NamedTuple):
    """What stands out: the chain of tasks that the end hangs on, and the tasks that may begin."""

    path: Sequence[str] = ()
    ready: Collection[str] = ()

    def words(self, task: str) -> str:
        """Return what a task is marked by, as names of the style sheet."""
        return (" critical" if task in self.path else "") + (" ready" if task in self.ready else "")


NOTHING = Marked()


def begun(tasks: Sequence[Row]) -> list[Row]:
    """Return the tasks of the components in which anything has begun or is ready to be decided on."""
    components = {task["component"] for task in tasks if task["state"] != "waiting"}
    return [task for task in tasks if task["component"] in components]


def draw(tasks: Sequence[Row], marked: Marked = NOTHING, *, is_narrow: bool = False) -> Markup:
    """Return the graph; a task shows on request all that it waits for.

    In the narrow form a component's name stands above its tasks, not beside them.
    """
    head = _HEAD if is_narrow else 0
    places, bands = arrange(tasks, head)
    height = sum(band.height for band in bands)
    width = max((place.x for place in places.values()), default=0) + _WIDTH + 8
    x, down, longest = (4, 12, 60) if is_narrow else (0, 18, 26)
    names = [svg.tag("text", plain(band.name, longest), x=x, y=band.top + _GAP / 2 + down) for band in bands]
    width = max(width, *(x + 7 * len(plain(band.name, longest)) for band in bands)) if is_narrow and bands else width
    stripes = [svg.tag("rect", x=0, y=b.top, width=width, height=b.height, class_="band") for b in bands[::2]]
    needed = paths.direct({task["task"]: task["deps"] for task in tasks})
    links = set(pairwise(marked.path))
    edges = [
        _edge(places[dep], places[task], "critical" if (dep, task) in links else None)
        for task, deps in needed.items()
        for dep in deps
    ]
    nodes = [_node(task, places, marked.words(task["task"])) for task in tasks]
    parts = (svg.tag("g", *stripes), svg.tag("g", *edges, class_="edges"), svg.tag("g", *nodes))
    if is_narrow:
        about = "tasks of begun components and what they wait for"
        named = svg.tag("g", *names, class_="names")
        return svg.alone(svg.image(*parts, named, label=about, width=width, height=height), "graph")
    labels = svg.image(*names, label="components", width=_LABELS, height=height)
    chart = svg.image(*parts, label="tasks and what they wait for", width=width, height=height)
    return svg.framed(labels, chart, "graph")


def arrange(tasks: Sequence[Row], head: float = 0) -> tuple[dict[str, Place], list[Band]]:
    """Return where each task is drawn and each component's band, from the top; `head` is the height of its name."""
    deps = {task["task"]: task["deps"] for task in tasks}
    columns = paths.longest(deps, dict.fromkeys(deps, 1))
    places: dict[str, Place] = {}
    bands: list[Band] = []
    top = 0.0
    for name, own in _by_component(tasks).items():
        used = Counter[int]()
        for task in own:
            column = columns[task]
            places[task] = Place((column - 1) * _COLUMN + 4, top + head + _GAP / 2 + _ROW * (used[column] + 0.5))
            used[column] += 1
        bands.append(Band(name, top, head + _ROW * max(used.values()) + _GAP))
        top += bands[-1].height
    return places, bands


def _by_component(tasks: Sequence[Row]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for task in tasks:
        found.setdefault(f"{task['component']} {task['component_name']}", []).append(task["task"])
    return found


def _edge(source: Place, target: Place, class_: str | None = None) -> Markup:
    left, right = source.x + _WIDTH, target.x
    bend = max(12.0, (right - left) * 0.45)
    d = f"M{left:g} {source.y:g}C{left + bend:g} {source.y:g} {right - bend:g} {target.y:g} {right:g} {target.y:g}"
    return svg.tag("path", d=d, class_=class_)


def _node(task: Row, places: Mapping[str, Place], marks: str) -> Markup:
    place = places[task["task"]]
    hot = [_edge(places[dep], place) for dep in task["deps"] if dep in places]
    box = svg.tag("rect", x=place.x, y=place.y - _HEIGHT / 2, width=_WIDTH, height=_HEIGHT, rx=4)
    mark = states.sign(task["state"], place.x + 9, place.y)
    words = svg.tag("text", task["task"], x=place.x + 16, y=place.y + 4)
    said = f"{task['task']} {plain(task['title'], 120)}: {task['state']} ({plain(task['agent'], 60)})"
    waits = f"; waits for {', '.join(task['deps'])}" if task["deps"] else ""
    marked = "".join(f"; {mark}" for mark, name in ((_ON_PATH, "critical"), (_READY, "ready")) if name in marks)
    parts = (svg.title(said + waits + marked), svg.tag("g", *hot, class_="hot"), box, mark, words)
    return svg.tag("g", *parts, class_=f"node {states.name(task['state'])}{marks}", tabindex=0)
