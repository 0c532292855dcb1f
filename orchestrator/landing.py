"""How work lands: merges as values, commit messages whose trailers are ours, and what has landed so far."""

import re
from collections.abc import Mapping

from orchestrator import changes, git
from orchestrator.errors import GitError
from orchestrator.models.value import Frozen

_OBJECT_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_TRAILER = "%(trailers:key={},valueonly,separator=%x2C)"
_LANDED = f"--format=%H%x1f{_TRAILER.format('Task')}%x1f{_TRAILER.format('Task-Key')}"
_ADDED = (
    *("log", "-z", "--first-parent", "--diff-merges=first-parent", "--no-renames", "--name-status"),
    *("--diff-filter=A", "--grep=^Task-Key: ", f"--format=%x1e{_TRAILER.format('Task')}"),
)


class StaleHead(GitError):
    """Say that the integration branch moved on; merge again onto its new head."""


class Landing(Frozen):
    """A task's merge commit on the integration branch."""

    commit: str
    task: str
    key: str


class Merge(Frozen):
    """The merge of two commits as a tree; where there are conflicts the tree holds their markers."""

    tree: str
    conflicts: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Tell whether the merge has no conflict."""
        return not self.conflicts


def merge(place: git.Place, ours: str, theirs: str) -> Merge:
    """Merge two commits without touching any worktree.

    Raises:
        GitError: one of them is not there; git ends with the same exit code as for a conflict.
    """
    arguments = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs)
    done = git.run(place, *arguments, accept=(0, 1))
    tree, *conflicts = done.stdout.split(b"\0")[:-1] or [b""]
    if not _OBJECT_ID.fullmatch(tree.decode(errors="replace")):
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it printed no tree"]
        raise GitError(f"git merge-tree failed on {ours} and {theirs}: {said[-1]}")
    return Merge(tree=tree.decode(), conflicts=tuple(dict.fromkeys(map(changes.name, conflicts))))


def landed(place: git.Place, branch: str) -> dict[str, Landing]:
    """Return every task that landed on `branch`, by task key, from the trailers of its first-parent history."""
    lines = git.listing(place, "log", "-z", "--first-parent", _LANDED, branch)
    found = (line.decode(errors="replace").split("\x1f") for line in lines)
    return {key: Landing(commit=commit, task=task, key=key) for commit, task, key in found if key}


def added(place: git.Place, commit: str) -> dict[str, str]:
    """Return every path that a task has added by the first-parent history of `commit`, and the last task that did."""
    fields = iter(git.listing(place, *_ADDED, commit))
    found: dict[str, str] = {}
    task = ""
    for field in fields:
        if field.startswith(b"\x1e"):
            task = field[1:].decode(errors="replace")
        else:  # the status, and the path behind it
            found.setdefault(changes.name(next(fields)), task)
    return found


def message(task: str, title: str, trailers: Mapping[str, str]) -> str:
    """Return a commit message whose trailers are ours alone: what others wrote stays on its line."""
    lines = "".join(f"{name}: {_one_line(value)}\n" for name, value in trailers.items())
    return f"{_one_line(f'{task} {title}')}\n\n{lines}"


def _one_line(words: str) -> str:
    return " ".join(words.split())
