"""Where a tool inspects: one tree in a worktree, the files that count, and what runs there."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator import leavings
from orchestrator.errors import WorkError
from orchestrator.gate import Examination, empty_scratch
from orchestrator.models import GateCommand, Inspection
from orchestrator.protection.testfiles import is_test
from orchestrator.sandbox import WORKSPACE
from orchestrator.toolchain import Toolchain

OUTPUT = "output.json"
SECONDS = 300.0
"""So long may one tool take."""


class Unmeasured(WorkError):
    """Say in one line why a tool gave no evidence."""


@dataclass(frozen=True)
class Place:
    """One tree in a clean checkout, with the component's files in it and the tools to inspect them."""

    examination: Examination
    files: tuple[str, ...]
    """The component's own files that the tree holds."""
    commands: tuple[GateCommand, ...]
    """The gates' commands that run its tests."""
    tools: Toolchain
    coverage: Inspection | None = None
    """What the run of the tests gave, for the kinds that read it."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the Python files that are no tests."""
        return tuple(name for name in self.files if PurePosixPath(name).suffix == ".py" and not is_test(name))


async def run(place: Place, command: Sequence[str], *, read_only: Sequence[Path] = ()) -> tuple[str, float]:
    """Run a tool on the worktree and return what it printed or wrote, with its seconds.

    `{output}` in the command stands for the file that it is to write; without it, what it prints to stdout counts.

    Raises:
        Unmeasured: it wrote nothing that can be read; the message ends with what it said.
    """
    examination = place.examination
    scratch = empty_scratch(examination.home, examination.sandbox, examination.slot)
    target = str(examination.sandbox.inside(scratch) / OUTPUT)
    printed = not any("{output}" in word for word in command)
    words = [word.replace("{output}", target) for word in command]
    if printed:  # the sandbox merges both streams, and a tool's warnings are no JSON
        words = ["sh", "-c", 'exec "$@" > "$0"', target, *words]
    began = time.monotonic()
    finished = await examination.sandbox.run(
        words,
        worktree=examination.worktree,
        writable=False,
        slot=examination.slot,
        seconds=SECONDS,
        read_only=read_only or place.tools.read_only,
        scratch=scratch,
        environment=examination.environment,
    )
    try:
        return leavings.read(scratch / OUTPUT, "output").decode(errors="replace"), round(time.monotonic() - began, 3)
    except WorkError as error:
        raise Unmeasured(f"{command[0]}: {_last(finished.output) or error}") from error


def decoded(tool: str, text: str) -> Any:
    """Return the JSON that a tool wrote.

    Raises:
        Unmeasured: it is none.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unmeasured(f"{tool} wrote no JSON ({_last(text) or error})") from error


def named(place: Place, path: str) -> str:
    """Return a file's name in the tree, however a tool calls it."""
    for top in (f"{WORKSPACE}/", f"{place.examination.worktree}/", "./"):
        path = path.removeprefix(top)
    return path


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
