"""Which files are tests or stand beside them, and which task brought them."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from orchestrator.models import Frozen

BASE = "base"
"""Who brought what no task of the plan has brought."""
_FOLDERS = frozenset({"test", "tests"})
_IMPORTED = re.compile(r"(\.py|(\.[^./]+)?\.(so|pyd))$")


class Known(Frozen):
    """The tests that the reports on one tree name."""

    passed: dict[str, str] = {}
    """The ids of those that passed, and the task that brought each."""
    skipped: tuple[str, ...] = ()
    """The ids of those that were skipped, or failed as expected."""


@dataclass(frozen=True)
class Tests:
    """Whose the files of one tree are, and which of them hold tests."""

    __test__ = False

    owners: Mapping[str, str]
    """Every file of the tree, and the task that added it or `BASE`."""
    known: Known

    def owner(self, path: str) -> str | None:
        """Return who brought the file at a path, or the one that Python would no longer import for it."""
        return self.owners.get(path) or self._modules.get(module(path))

    def hold(self, path: str) -> bool:
        """Tell whether a file holds tests, by its name or by the reports."""
        return is_test_file(path) or _lie_in(path, self._places)

    def are_shared(self, path: str, task: str) -> bool:
        """Tell whether a file that no name or folder makes a test's, such as code with examples, holds a task's too.

        Only there, since a report is what the tests themselves wrote.
        """
        brought = (_place(test) for test, owner in self.known.passed.items() if owner == task)
        return not is_test(path) and _lie_in(path, brought)

    @cached_property
    def _places(self) -> frozenset[str]:
        return frozenset(map(_place, (*self.known.passed, *self.known.skipped)))

    @cached_property
    def _modules(self) -> dict[str, str]:
        return {module(path): owner for path, owner in self.owners.items()}


def read_known(text: str) -> Known:
    """Return the tests that a kept JSON text names; an older one is the mapping of those that passed, alone."""
    found = json.loads(text)
    return Known.model_validate(found if found.keys() == Known.model_fields.keys() else {"passed": found})


def is_test_file(path: str) -> bool:
    """Tell whether a file holds tests, by its name: `test_*.py` or `*_test.py`."""
    name = PurePosixPath(path.lower()).name
    return name.endswith("_test.py") or (name.startswith("test_") and name.endswith(".py"))


def is_test(path: str) -> bool:
    """Tell whether a file belongs to tests, by its name or its folder."""
    place = PurePosixPath(path)
    return not _FOLDERS.isdisjoint(place.parts[:-1]) or place.name.startswith("test_") or is_test_file(path)


def supports_tests(path: str) -> bool:
    """Tell whether tests may rest on a file: it belongs to them, or pytest reads it before them."""
    return is_test(path) or PurePosixPath(path.lower()).name == "conftest.py"


def module(path: str) -> str:
    """Return a path as Python imports it, in lower case: package, module and extension of one name are one."""
    stem = _IMPORTED.sub("", path.lower())
    return stem if stem == path.lower() else stem.removesuffix("/__init__")


def _place(test_id: str) -> str:
    """Return what a test id begins with: its file or, in a report without files, its dotted class name."""
    return test_id.partition("::")[0]


def _lie_in(path: str, places: Iterable[str]) -> bool:
    """Tell whether tests of any of these places lie in the file at `path`."""
    name = path.removesuffix(".py").replace("/", ".") + "." if path.endswith(".py") else None
    return any(path == place or (name is not None and f"{place}.".startswith(name)) for place in places)
