"""What stands and what was superseded, among decisions and knowledge that name what they take the place of."""

from collections.abc import Iterable, Mapping
from typing import Protocol


class Superseding(Protocol):
    """Be named by an id, and name the ids of what it takes the place of."""

    @property
    def id(self) -> str:
        """Return its own id."""
        ...

    @property
    def supersedes(self) -> tuple[str, ...]:
        """Return the ids of what it takes the place of."""
        ...


def successors(items: Iterable[Superseding]) -> dict[str, str]:
    """Return for every superseded id the id of what took its place last; nothing takes its own place."""
    return {old: item.id for item in items for old in item.supersedes if old != item.id}


def standing(successor: Mapping[str, str], item_id: str) -> str:
    """Return the id of what stands in the place of an id: itself, or the last that took it."""
    seen = {item_id}
    while (following := successor.get(item_id)) is not None and following not in seen:
        seen.add(following)
        item_id = following
    return item_id
