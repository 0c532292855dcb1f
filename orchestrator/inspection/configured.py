"""Types and lint, as the project itself has configured them, with the tools that its own toolchain holds."""

import json
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator import confined, kept
from orchestrator.inspection.place import Place, Unmeasured, decoded, named, run
from orchestrator.models import Finding, Inspection


class NotConfigured(Unmeasured):
    """Say that the project has no such tool configured."""


Fault = tuple[str, int, str]
"""A fault's file, line and text."""


@dataclass(frozen=True)
class _Tool:
    """A tool that a project may have configured: by a file of its own, or by a table of `pyproject.toml`."""

    name: str
    kind: str
    files: tuple[str, ...]
    options: tuple[str, ...]
    faults: Callable[[str], Iterator[Fault]]


def _ruff(text: str) -> Iterator[Fault]:
    for found in decoded("ruff", text):
        yield found["filename"], found["location"]["row"], f"{found['code']}: {found['message']}"


def _mypy(text: str) -> Iterator[Fault]:
    for line in text.splitlines():
        if line.startswith("{"):
            found = json.loads(line)
            if found["severity"] == "error":
                yield found["file"], found["line"], f"{found['code']}: {found['message']}"


def _pyright(text: str) -> Iterator[Fault]:
    for found in decoded("pyright", text)["generalDiagnostics"]:
        if found["severity"] == "error":
            yield found["file"], found["range"]["start"]["line"] + 1, " ".join(found["message"].split())


_TOOLS = (
    _Tool("ruff", "lint", ("ruff.toml", ".ruff.toml"), ("check", "--no-cache", "--output-format", "json"), _ruff),
    _Tool("mypy", "types", ("mypy.ini", ".mypy.ini"), ("--cache-dir", "/dev/null", "--output", "json"), _mypy),
    _Tool("basedpyright", "types", (), ("--outputjson",), _pyright),
    _Tool("pyright", "types", ("pyrightconfig.json",), ("--outputjson",), _pyright),
)


async def types(place: Place) -> Inspection:
    """Return the faults in types; raises as `lint` does."""
    return await _inspected(place, "types")


async def lint(place: Place) -> Inspection:
    """Return the faults of the linter.

    Raises:
        NotConfigured: the project configures no such tool that we know.
        Unmeasured: it does, but the tool is not there or gave no answer.
    """
    return await _inspected(place, "lint")


async def _inspected(place: Place, kind: str) -> Inspection:
    candidates = [tool for tool in _TOOLS if tool.kind == kind]
    tool = next((tool for tool in candidates if _is_configured(place, tool)), None)
    if tool is None:
        raise NotConfigured(f"the project configures none of {', '.join(tool.name for tool in candidates)}")
    toolchain = place.examination.toolchain
    program = toolchain.python.parent / tool.name
    if not program.exists():
        raise Unmeasured(f"the project configures {tool.name}, which its toolchain does not hold")
    if not place.sources:
        raise Unmeasured("the component has no Python files but tests")
    text, seconds = await run(place, [str(program), *tool.options, *place.sources], read_only=toolchain.read_only)
    try:
        faults = [Finding(path=named(place, path), line=line, text=said) for path, line, said in tool.faults(text)]
    except (ValueError, LookupError, TypeError) as error:
        raise Unmeasured(f"{tool.name}: its answer cannot be read ({error!r})") from error
    return Inspection(
        kind=kind,
        note=f"by {tool.name}, as the project configures it",
        values={"faults": len(faults)},
        findings=tuple(faults),
        outputs={"report": kept.keep(place.examination.home, text)},
        seconds=seconds,
    )


def _is_configured(place: Place, tool: _Tool) -> bool:
    folder = confined.Folder(place.examination.worktree, None)
    return any(folder.exists(name) for name in tool.files) or tool.name in _tables(folder)


def _tables(folder: confined.Folder) -> dict[str, Any]:
    try:
        tables = tomllib.loads(folder.read("pyproject.toml")).get("tool", {})
    except (confined.ConfinedError, tomllib.TOMLDecodeError):
        return {}
    return tables if isinstance(tables, dict) else {}
