"""What a foreign file says of the order of its tasks, and where that goes round in a circle."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

from orchestrator.foreign.notes import Notes

_SHOWN = 8


class Edge(NamedTuple):
    """One entry that says it waits for another, each by its name in the file, and where it says so."""

    waiting: str
    awaited: str
    place: str


def without_circles(edges: Sequence[Edge], parts: Mapping[str, Sequence[str]], notes: Notes) -> list[Edge]:
    """Return the edges without those that close a circle, each of which is a fault.

    A whole waits for its `parts`, and they for all that it waits for.
    """
    left = list(edges)
    while circle := _circle(left, parts):
        edge = _dropped(circle, left, parts)
        left.remove(edge)
        notes.fault(f": {edge.place}", _told(edge, circle))
    return left


def _circle(edges: Sequence[Edge], parts: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names on one circle, each before what it waits for and the first once more at the end, or nothing."""
    waits = {whole: [*below] for whole, below in parts.items()}
    for edge in edges:
        for name in (edge.waiting, *parts.get(edge.waiting, ())):
            waits.setdefault(name, []).append(edge.awaited)
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        return error.args[1][::-1]  # graphlib goes from the awaited to the waiting
    return []


def _dropped(circle: Sequence[str], edges: Sequence[Edge], parts: Mapping[str, Sequence[str]]) -> Edge:
    """Return the edge on a circle to do without: the one that waits for what comes last, as seen from where it is."""
    in_order = (name for whole, below in parts.items() for name in (whole, *below))
    order = {name: number for number, name in enumerate(in_order)}
    steps = set(pairwise(circle))
    on_it = [
        edge
        for edge in edges
        if any((name, edge.awaited) in steps for name in (edge.waiting, *parts.get(edge.waiting, ())))
    ]
    return max(on_it, key=lambda edge: order[edge.awaited] - order[edge.waiting])


def _told(edge: Edge, circle: Sequence[str]) -> str:
    if edge.waiting == edge.awaited:
        return f"{edge.waiting} waits for itself; left out"
    way = " → ".join(circle if len(circle) <= _SHOWN else (*circle[:_SHOWN], "…"))
    return f"{way} wait for each other; {edge.waiting} no longer waits for {edge.awaited}"
