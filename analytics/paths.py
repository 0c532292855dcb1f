"""Longest paths through tasks that wait for each other."""

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

Deps = Mapping[str, Sequence[str]]


def longest(deps: Deps, weights: Mapping[str, int]) -> dict[str, int]:
    """Return for each task the heaviest path that ends with it; what is no key of `deps` does not count."""
    found: dict[str, int] = {}
    for task in TopologicalSorter(_known(deps)).static_order():
        found[task] = weights[task] + max((found[dep] for dep in deps[task] if dep in deps), default=0)
    return found


def direct(deps: Deps) -> dict[str, list[str]]:
    """Return each task's dependencies without those that another of its dependencies needs as well."""
    known = _known(deps)
    behind: dict[str, frozenset[str]] = {}
    for task in TopologicalSorter(known).static_order():
        behind[task] = frozenset(known[task]).union(*(behind[dep] for dep in known[task]))
    return {
        task: [dep for dep in needed if not any(dep in behind[other] for other in needed)]
        for task, needed in known.items()
    }


def _known(deps: Deps) -> dict[str, list[str]]:
    return {task: [dep for dep in needed if dep in deps] for task, needed in deps.items()}
