"""Which files of a tree the pattern of a contract names."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

_ANY_FOLDERS = "**"


def matching(pattern: str, files: Iterable[str]) -> list[str]:
    """Return the files that a pattern names; it counts from the root, and `**` stands for any folders or none."""
    wanted = pattern.split("/")
    steps = [*wanted, "*"] if wanted[-1] == _ANY_FOLDERS else wanted
    return [file for file in sorted(files) if _fits(file.split("/"), steps)]


def _fits(parts: Sequence[str], steps: Sequence[str]) -> bool:
    reached = {0}  # how many parts of the path the steps so far may stand for
    for step in steps:
        if step == _ANY_FOLDERS:
            reached = set(range(min(reached), len(parts))) if reached else reached
        else:
            reached = {place + 1 for place in reached if place < len(parts) and fnmatchcase(parts[place], step)}
    return len(parts) in reached
