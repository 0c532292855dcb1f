"""Where an answer may write: never what judges it, never another task's tests, and only its own paths if it has any."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import dropwhile
from pathlib import Path

from orchestrator.changes import Change
from orchestrator.contracts import FOLDER, parties, path
from orchestrator.models import BuildTask, Plan
from orchestrator.protection import gatefiles
from orchestrator.protection.gatefiles import GateFiles
from orchestrator.protection.testfiles import BASE, Known, Tests, is_test, is_test_file, supports_tests

HOSTS = (
    *(".git*", "/.ci/", "/.circleci/", "/.travis.yml", "Jenkinsfile*", "/azure-pipelines*", "/.azure-pipelines/"),
    *("/bitbucket-pipelines.yml", "/.woodpecker*", "/.drone*", "/.buildkite/", "/appveyor.yml", "/.appveyor.yml"),
    *("/.teamcity/", "/.cirrus*", "/.semaphore/", "/.forgejo/", "/.tekton/", "/.build.yml", "/.builds/"),
    *("/buildspec.y*ml", "/cloudbuild.y*ml", "/codefresh.yml", "/.codefresh/"),
)
"""What git, its hosts and continuous integration read."""
AGENTS = ("/.claude/",)
"""Where the project's own definitions of agents lie."""
STARTS = (
    *("sitecustomize", "sitecustomize.*", "usercustomize", "usercustomize.*", "*.pth"),
    *("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg", ".coveragerc"),
)
"""What Python, pytest and coverage read by themselves, wherever it lies, before they run anything.

Not `pyproject.toml`: it holds dependencies and entry points as well, which are the work itself.
"""
ALWAYS = (*HOSTS, *AGENTS, *STARTS)
"""Protected whatever the policy of a plan says."""
_NAMED = 10


@dataclass(frozen=True)
class Ground:
    """What an answer stands on: its task, what is protected, and what others have brought."""

    task: BuildTask
    protected: Sequence[str]
    gates: GateFiles
    tests: Tests
    contracts: Mapping[str, str]
    """The files of the contracts, and the task that declares each."""

    def refusals(self, changes: Iterable[Change], targets: Mapping[str, str]) -> tuple[str, ...]:
        """Return each changed path that the task may not write, with the reason; `targets` is where links lead."""
        return tuple(f"{change.path} ({why})" for change in changes if (why := self._why(change, targets)))

    def _why(self, change: Change, targets: Mapping[str, str]) -> str | None:
        if change.gitlink:
            return "a nested repository"
        if change.symlink and leads_out(change.path, targets.get(change.path, "/")):
            return "a link that leads out of the tree"
        of_another = self._of_another(change.path)
        if of_another or matches(change.path, self.task.writes):
            return of_another
        return self._protected(change.path) or self._outside(change.path)

    def _of_another(self, path: str) -> str | None:
        """Say why a path is another task's, which no plan makes an exception to."""
        owner = self._brought_by_another(path)
        if owner not in (None, BASE) and self.tests.hold(path):
            return f"tests of {owner}"
        declared_by = self.contracts.get(path)
        if declared_by is None and self.contracts and path.startswith(FOLDER):
            return "a contract that this task does not declare"
        return f"a contract, declared by {declared_by}" if declared_by not in (None, self.task.id) else None

    def _protected(self, path: str) -> str | None:
        if matches(path, (*ALWAYS, *self.protected)):
            return "protected"
        if self.gates.hold(path):
            return "named by a gate"
        owner = self._brought_by_another(path)
        if owner and (supports_tests(path) or self.tests.hold(path)):
            what = "tests" if self.tests.hold(path) else "test support"
            return f"{what} of {'the project' if owner == BASE else owner}"
        return None

    def _outside(self, path: str) -> str | None:
        paths = self.task.paths
        if not paths or path in self.contracts or is_test(path) or any(_within(path, prefix) for prefix in paths):
            return None
        return f"outside {', '.join(paths)}"

    def _brought_by_another(self, path: str) -> str | None:
        owner = self.tests.owner(path)
        return None if owner == self.task.id or self.tests.are_shared(path, self.task.id) else owner


def ground(plan: Plan, task: BuildTask, owners: Mapping[str, str], known: Known, project: Path | None) -> Ground:
    """Return what an answer to `task` stands on, a tree whose files `owners` brought and whose tests are `known`.

    A plan that lies in the project is protected with what it names. What tasks brought that are no longer in the plan
    is the project's.
    """
    declared = {path(c.name): c.declared_by[0] for c in parties(plan.tasks).values() if c.declared_by}
    ids = {item.id for item in plan.tasks}
    present = {file: owner if owner in ids else BASE for file, owner in owners.items()}
    protected = (*plan.policy.protected, *_own_files(plan, project))
    return Ground(task, protected, gatefiles.named(plan), Tests(present, known), declared)


def needs_exception(path: str, protected: Sequence[str]) -> bool:
    """Tell whether a task may need `writes` for a path: it is protected, or tests of others may rest on it."""
    return matches(path, (*ALWAYS, *protected)) or (supports_tests(path) and not is_test_file(path))


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


def _covers(pattern: str, path: str) -> bool:
    if "/" not in pattern:
        return any(fnmatchcase(part, pattern) for part in path.split("/"))
    names = pattern.strip("/")
    parts = path.split("/")[: names.count("/") + 1]
    return fnmatchcase("/".join(parts), names)


def _within(path: str, prefix: str) -> bool:
    return path == prefix.rstrip("/") or path.startswith(f"{prefix.rstrip('/')}/")


def _own_files(plan: Plan, project: Path | None) -> Iterator[str]:
    folder = plan.source.parent
    if project is None or not folder.is_relative_to(project):
        return
    for name in (plan.source.name, plan.toolchain, plan.specification, plan.playbook, plan.demo):
        if name:
            yield "/" + posixpath.normpath((folder / name).relative_to(project).as_posix())
