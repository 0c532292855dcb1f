"""What is told of a file besides what is taken from it: what was left out, by its kind, and what could not be read."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.foreign import one_line

_NAMED = 10


class Notes:
    """Collect what to tell of one file, or of one folder."""

    def __init__(self, path: Path) -> None:
        """Begin with nothing to tell of `path`."""
        self.path = path
        self.faults: list[str] = []
        """A line each: file, place and fault."""
        self._left: dict[tuple[str, str], list[str]] = {}

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return a line for each kind of thing that was left out."""
        return tuple(one_line(f"{what} of {listed(names)}: {why}") for (what, why), names in self._left.items())

    def leave(self, what: str, name: str, why: str) -> None:
        """Note that something of what bears a name was left out, and why."""
        names = self._left.setdefault((what, why), [])
        if name not in names[-1:]:
            names.append(name)

    def fault(self, place: str, text: str) -> None:
        """Note what is wrong in a place of the file, such as `:12` or `: tasks[3].title`."""
        self.faults.append(f"{self.path}{place}: {one_line(text)}")


def listed(names: Sequence[str]) -> str:
    """Return names in one line of bounded length."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
