"""Where an answer may write: never what judges it, never another task's tests, and only its own paths if it has any."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import dropwhile
from pathlib import Path, PurePosixPath

from orchestrator.changes import Change
from orchestrator.contracts import FOLDER, parties, path
from orchestrator.models import BuildTask, Plan

ALWAYS = (".git*", "/.ci/")
"""Protected whatever a plan says: what git, its hosts and continuous integration read."""
_NAMED = 10


@dataclass(frozen=True)
class Ground:
    """What an answer stands on: its task, what is protected, and what others have brought."""

    task: BuildTask
    protected: Sequence[str]
    tests: Mapping[str, str]
    """The tests that passed on the base, and the task that brought each."""
    contracts: Mapping[str, str]
    """The files of the contracts, and the task that declares each."""

    def refusals(self, changes: Iterable[Change], targets: Mapping[str, str]) -> tuple[str, ...]:
        """Return each changed path that the task may not write, with the reason; `targets` is where links lead."""
        owners = _owners(self.tests, self.task.id)
        return tuple(f"{change.path} ({why})" for change in changes if (why := self._why(change, targets, owners)))

    def _why(self, change: Change, targets: Mapping[str, str], owners: Mapping[str, str]) -> str | None:
        path = change.path
        if change.gitlink:
            return "a nested repository"
        if change.symlink and leads_out(path, targets.get(path, "/")):
            return "a link that leads out of the tree"
        if matches(path, self.task.writes):
            return None
        if matches(path, (*ALWAYS, *self.protected)):
            return "protected"
        owner = next((owner for place, owner in owners.items() if _holds_tests(path, place)), None)
        if owner:
            return f"tests of {owner}"
        return self._reserved(path)

    def _reserved(self, path: str) -> str | None:
        """Say why a path that is not protected is still not this task's."""
        owner = self.contracts.get(path)
        if owner == self.task.id:
            return None
        if owner or (self.contracts and path.startswith(FOLDER)):
            return f"a contract, declared by {owner}" if owner else "a contract that this task does not declare"
        if self.task.paths and not is_test(path) and not any(_within(path, prefix) for prefix in self.task.paths):
            return f"outside {', '.join(self.task.paths)}"
        return None


def ground(plan: Plan, task: BuildTask, tests: Mapping[str, str], project: Path | None) -> Ground:
    """Return what an answer to `task` stands on; a plan that lies in the project is protected with what it names."""
    declared = {path(c.name): c.declared_by[0] for c in parties(plan.tasks).values() if c.declared_by}
    return Ground(task, (*plan.policy.protected, *_own_files(plan, project)), tests, declared)


def summary(refusals: Sequence[str]) -> str:
    """Return the refused paths on one line of bounded length."""
    shown = ", ".join(" ".join(refusal.split())[:200] for refusal in refusals[:_NAMED])
    return shown if len(refusals) <= _NAMED else f"{shown} and {len(refusals) - _NAMED} more"


def leads_out(path: str, target: str) -> bool:
    """Tell whether a link at `path` leads to a place outside the tree, or to git's own files in it.

    A step up after a step down may start from wherever another link has led, so it counts as out.
    """
    down = dropwhile(lambda step: step in ("", ".", ".."), target.split("/"))
    if ".." in down:
        return True
    end = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return end.startswith(("/", "../")) or end == ".." or ".git" in end.lower().split("/")


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether a pattern covers a path.

    A pattern stands for a file or folder and all below it, in upper or lower case. One without a slash counts in every
    folder, as `conftest.py` does; one with a slash counts from the root, as `.ci/` or `tests/data`.
    """
    return any(_covers(pattern.lower(), path.lower()) for pattern in patterns)


def is_test(path: str) -> bool:
    """Tell whether a file belongs to tests, by its name or its folder."""
    place = PurePosixPath(path)
    return "tests" in place.parts or place.name.startswith("test_")


def _covers(pattern: str, path: str) -> bool:
    if "/" not in pattern:
        return any(fnmatchcase(part, pattern) for part in path.split("/"))
    names = pattern.strip("/")
    parts = path.split("/")[: names.count("/") + 1]
    return fnmatchcase("/".join(parts), names)


def _within(path: str, prefix: str) -> bool:
    return path == prefix.rstrip("/") or path.startswith(f"{prefix.rstrip('/')}/")


def _owners(tests: Mapping[str, str], task: str) -> dict[str, str]:
    """Return the places that hold tests of other tasks and none of this one's, each with a task that brought one."""
    own = {_place_of(test) for test, owner in tests.items() if owner == task}
    placed = ((_place_of(test), owner) for test, owner in tests.items())
    return {place: owner for place, owner in placed if place not in own}


def _place_of(test_id: str) -> str:
    """Return what a test id begins with: its file or, in a report without files, its dotted class name."""
    return test_id.partition("::")[0]


def _holds_tests(path: str, place: str) -> bool:
    """Tell whether tests of a place lie in the file at `path`."""
    module = path.removesuffix(".py").replace("/", ".") + "."
    return path == place or (path.endswith(".py") and f"{place}.".startswith(module))


def _own_files(plan: Plan, project: Path | None) -> Iterator[str]:
    folder = plan.source.parent
    if project is None or not folder.is_relative_to(project):
        return
    for name in (plan.source.name, plan.toolchain, plan.specification, plan.playbook, plan.demo):
        if name:
            yield "/" + posixpath.normpath((folder / name).relative_to(project).as_posix())
