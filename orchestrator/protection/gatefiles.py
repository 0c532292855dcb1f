"""The files that gate commands name: whoever may change them decides what a gate says."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.models import GateCommand, Plan
from orchestrator.protection.testfiles import is_test_file, module

_BREAK = re.compile(r"[\s;&|()<>{}\"'`=:,$]+")
_BEFORE_FOLDERS = ("cd", "-C", "PYTHONPATH")
_BEFORE_MODULES = ("-m", "-p")
_INTERPRETERS = ("python", "python3")
_BY_DEFAULT: Mapping[str, tuple[str, ...]] = {
    "make": ("makefile", "gnumakefile"),
    "just": ("justfile", ".justfile"),
    "nox": ("noxfile.py",),
}
"""What a program reads that is told no file."""


@dataclass(frozen=True)
class GateFiles:
    """What the gate commands of a plan name, all in lower case."""

    files: frozenset[str]
    """By path from the root of the tree, be there such files or not."""
    modules: frozenset[str]
    """As modules of Python, each as the path that it would be found at, without suffix."""

    def hold(self, path: str) -> bool:
        """Tell whether a command names the file at `path`; the folder that it is in, or a test file, is not meant."""
        return not is_test_file(path) and (path.lower() in self.files or module(path) in self.modules)


def named(plan: Plan) -> GateFiles:
    """Return what all gate commands of a plan name: as words, in the lines given to a shell, and by their programs."""
    commands = [command for gate in plan.gates.values() for command in gate]
    path = _BREAK.split(plan.environment.get("PYTHONPATH", ""))
    return GateFiles(
        files=frozenset(file for command in commands for file in _files(_words(command))),
        modules=frozenset(name for command in commands for name in _modules(_words(command), path)),
    )


def _words(command: GateCommand) -> list[str]:
    """Return the words of a command, and those that a shell would find in each of them."""
    return [word for given in command.run for word in dict.fromkeys((given, *_BREAK.split(given))) if word]


def _files(words: Sequence[str]) -> Iterator[str]:
    default = (file for word in words for file in _BY_DEFAULT.get(posixpath.basename(word), ()))
    told = [*words, *default, *(f"{word}/__main__.py" for word in _after(_INTERPRETERS, words))]
    for folder in ("", *_after(_BEFORE_FOLDERS, words)):
        for word in told:
            yield from _within(folder, word)


def _modules(words: Sequence[str], path: Sequence[str]) -> Iterator[str]:
    """Yield where the modules that a command names would lie, with the packages around each."""
    folders = ("", *path, *_after(_BEFORE_FOLDERS, words))
    for name in _after(_BEFORE_MODULES, words):
        parts = name.split(".")
        places = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        for folder in folders:
            for place in (*places, f"{places[-1]}/__main__"):
                yield from _within(folder, place)


def _after(marks: Sequence[str], words: Sequence[str]) -> list[str]:
    return [word for mark, word in pairwise(words) if mark in marks]


def _within(folder: str, word: str) -> Iterator[str]:
    """Yield the path of a word that may name something in the tree."""
    place = posixpath.normpath(posixpath.join(folder, word))
    if not place.startswith(("/", "../", "-")) and place not in (".", ".."):
        yield place.lower()
