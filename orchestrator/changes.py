"""What a commit changes: paths, modes and lines, read from git without running anything it names."""

from collections.abc import Sequence
from typing import Literal

from orchestrator import git
from orchestrator.models.value import Frozen

GITLINK = "160000"
SYMLINK = "120000"
_QUIET = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=none")

ChangeStatus = Literal["added", "modified", "deleted", "type-changed"]
_STATUS: dict[str, ChangeStatus] = {"A": "added", "M": "modified", "D": "deleted", "T": "type-changed"}


class Change(Frozen):
    """One changed path; a move is a deletion and an addition, so that both ends are seen."""

    path: str
    status: ChangeStatus
    mode: str
    """Its mode now, such as `100644`; `000000` when deleted."""
    mode_before: str
    lines_added: int = 0
    """0 for binary content, like `lines_removed`."""
    lines_removed: int = 0

    @property
    def symlink(self) -> bool:
        """Tell whether the path is a symbolic link now."""
        return self.mode == SYMLINK

    @property
    def gitlink(self) -> bool:
        """Tell whether the path is a nested repository's commit now."""
        return self.mode == GITLINK


class Changes(Frozen):
    """Everything that differs between two commits."""

    files: tuple[Change, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the changed paths in git's order."""
        return tuple(change.path for change in self.files)

    @property
    def lines_added(self) -> int:
        """Return the lines added in all files."""
        return sum(change.lines_added for change in self.files)

    @property
    def lines_removed(self) -> int:
        """Return the lines removed in all files."""
        return sum(change.lines_removed for change in self.files)


def between(place: git.Place, base: str, commit: str) -> Changes:
    """Return what differs from `base` to `commit`, which may be commits or trees."""
    fields = iter(
        git.listing(place, "diff-tree", "-r", "-z", "--raw", "--numstat", "--no-renames", *_QUIET, base, commit)
    )
    raw: list[tuple[str, str]] = []
    counts: dict[str, tuple[int, int]] = {}
    for field in fields:
        if field.startswith(b":"):
            raw.append((field.decode(), name(next(fields))))
        else:
            added, removed, path = field.split(b"\t", 2)
            counts[name(path)] = (_count(added), _count(removed))
    return Changes(files=tuple(_change(entry, path, counts.get(path, (0, 0))) for entry, path in raw))


def diff(place: git.Place, base: str, commit: str, limit: int, paths: Sequence[str] = ()) -> str:
    """Return the textual difference from `base` to `commit`, of at most `limit` bytes and a line that says so.

    Where there are `paths`, only theirs.
    """
    only = ("--", *paths) if paths else ()
    output = git.head_of_output(place, "diff-tree", "-r", "-p", "-M", *_QUIET, base, commit, *only, limit=limit + 1)
    if len(output) <= limit:
        return output.decode(errors="replace")
    whole_lines = output[:limit].rpartition(b"\n")[0]
    return f"{whole_lines.decode(errors='replace')}\n[cut here: the diff is longer than {limit} bytes]\n"


def name(path: bytes) -> str:
    """Return a path as valid text; bytes that are no UTF-8 stand as escapes."""
    return path.decode(errors="backslashreplace")


def _change(entry: str, path: str, lines: tuple[int, int]) -> Change:
    before, after, _, _, status = entry.removeprefix(":").split(" ")
    return Change(
        path=path,
        status=_STATUS[status[0]],
        mode=after,
        mode_before=before,
        lines_added=lines[0],
        lines_removed=lines[1],
    )


def _count(number: bytes) -> int:
    return 0 if number == b"-" else int(number)
