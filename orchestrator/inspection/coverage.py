"""Coverage: the gates' own test commands, run once with every Python process measured, lines and branches."""

import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator import gate, kept, leavings, sandbox, slots
from orchestrator.inspection.place import SECONDS, Place, Unmeasured, decoded, named
from orchestrator.junit import TestRun
from orchestrator.models import Finding, GateCommand, Inspection, JsonObject

_BEGIN = Path(__file__).parent / "begin" / "sitecustomize.py"
_SETTINGS = """\
[run]
branch = true
parallel = true
source = {source}
data_file = {data}
[report]
include_namespace_packages = true
"""
DATA = Path("data") / "measured"
_REPORT = """\
"$0" -I -m coverage combine -q --rcfile=/dev/null "$1" && "$0" -I -m coverage json -q --rcfile=/dev/null "$1" -o "$2"
"""
"""The tests could have changed the settings that they were measured with, so here there are none."""
_SHOWN = 8
"""So many stretches of lines are named for one file."""


async def inspect(place: Place) -> Inspection:
    """Return which part of the component's own Python files the tests run, and how the tests ended.

    Raises:
        Unmeasured: there is nothing to measure, or the tests left no data.
    """
    if not place.sources:
        raise Unmeasured("the component has no Python files but tests")
    if not place.commands:
        raise Unmeasured("no gate of the component's tasks runs tests")
    scratch = _prepared(place)
    began = time.monotonic()
    runs = [await _measured(place, command, scratch) for command in place.commands]
    report = await _reported(place, scratch)
    texts = {"report": report, **{f"tests-{number}": text for number, (_, text) in enumerate(runs, start=1)}}
    found = _inspection(place, decoded("coverage", report), [tests for tests, _ in runs])
    outputs = {name: kept.keep(place.examination.home, text) for name, text in texts.items()}
    return found.model_copy(update={"outputs": outputs, "seconds": round(time.monotonic() - began, 3)})


def _prepared(place: Place) -> Path:
    """Return a folder that holds what a Python process needs to be measured."""
    examination = place.examination
    scratch = gate.empty_scratch(examination.home, examination.sandbox, examination.slot)
    inside = examination.sandbox.inside(scratch)
    top = examination.worktree if examination.sandbox.level == "none" else Path(sandbox.WORKSPACE)
    settings = _SETTINGS.format(source=top, data=inside / DATA)
    (scratch / "coverage.ini").write_text(settings, encoding="utf-8")
    shutil.copy(_BEGIN, scratch / _BEGIN.name)
    (scratch / DATA).parent.mkdir()
    owner = examination.sandbox.owner(examination.slot)
    if owner is not None:
        shutil.chown((scratch / DATA).parent, owner, owner)
    return scratch


async def _measured(place: Place, command: GateCommand, scratch: Path) -> tuple[TestRun, str]:
    """Run one command that runs tests, measured, and return the tests with their report."""
    examination = place.examination
    inside = examination.sandbox.inside(scratch)
    package = _package(place)
    own = examination.environment.get("PYTHONPATH")
    variables = {
        **examination.environment,
        "PYTHONPATH": f"{inside}:{own}" if own else str(inside),
        "COVERAGE_PROCESS_START": str(inside / "coverage.ini"),
        "COVERAGE_PACKAGE": str(package.parent),
    }
    slots.remove(scratch / gate.REPORT)  # what the command before wrote is not this one's
    toolchain = replace(examination.toolchain, read_only=(*examination.toolchain.read_only, package))
    finished = await gate.run(command, replace(examination, environment=variables, toolchain=toolchain), scratch)
    tests = gate.read_tests(scratch / gate.REPORT)
    if finished.timed_out or not tests.ran:
        reason = f"no end after {command.seconds} s" if finished.timed_out else tests.fault or "no test ran"
        raise Unmeasured(f"{command.name}: {reason}")
    return tests, leavings.read(scratch / gate.REPORT, "test report").decode(errors="replace")


def _package(place: Place) -> Path:
    """Return the folder of the one package of our tools that the tests' interpreter is to see."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return place.tools.python.parent.parent / "lib" / version / "site-packages" / "coverage"


async def _reported(place: Place, scratch: Path) -> str:
    """Return coverage's own report, made in the sandbox: what the tests left as data is not ours to trust."""
    examination = place.examination
    inside = examination.sandbox.inside(scratch)
    python, data, target = str(place.tools.python), str(inside / DATA), str(inside / "coverage.json")
    finished = await examination.sandbox.run(
        ["sh", "-c", _REPORT, python, f"--data-file={data}", target],
        worktree=examination.worktree,
        writable=False,
        slot=examination.slot,
        seconds=SECONDS,
        read_only=place.tools.read_only,
        scratch=scratch,
    )
    try:
        report = leavings.read(scratch / "coverage.json", "coverage report").decode(errors="replace")
    except leavings.LeavingsError as error:
        raise Unmeasured(f"coverage: {' '.join(finished.output.split())[-300:] or error}") from error
    if finished.exit_code != 0:  # then it is the tests that wrote it
        raise Unmeasured(f"coverage: ended with exit code {finished.exit_code}")
    return report


def _inspection(place: Place, report: Any, runs: Sequence[TestRun]) -> Inspection:
    files = {named(place, path): data for path, data in report["files"].items()}
    own = {path: files[path] for path in place.sources if path in files}
    if not own:
        raise Unmeasured("coverage saw none of the component's files")
    summaries = [data["summary"] for data in own.values()]

    def total(field: str) -> int:
        return sum(summary.get(field, 0) for summary in summaries)

    unseen = [path for path in place.sources if path not in files]
    return Inspection(
        kind="coverage",
        values={
            "lines": _percent(total("covered_lines"), total("num_statements")),
            "branches": _percent(total("covered_branches"), total("num_branches")),
            "statements": total("num_statements"),
            "passed": sum(len(tests.passed) for tests in runs),
            "failed": sum(len(tests.failed) for tests in runs),
            "skipped": sum(len(tests.skipped) for tests in runs),
            "excluded": total("excluded_lines"),
        },
        note=f"not measured: {', '.join(unseen)}" if unseen else "",
        findings=tuple(_finding(path, data) for path, data in own.items() if _lacks(data)),
    )


def _percent(part: int, whole: int) -> float:
    """Return the share in percent, never rounded up to all of it."""
    return float(part * 1000 // whole) / 10 if whole else 100.0


def _lacks(data: JsonObject) -> bool:
    return bool(data["missing_lines"] or data.get("missing_branches"))


def _finding(path: str, data: JsonObject) -> Finding:
    summary, missing = data["summary"], data["missing_lines"]
    branches = [pair[0] for pair in data.get("missing_branches", ())]
    told = f"{summary['covered_lines']} of {summary['num_statements']} lines run"
    told += f"; not run: {', '.join(_stretches(missing))}" if missing else ""
    told += f"; branches not taken from lines {', '.join(_stretches(set(branches)))}" if branches else ""
    return Finding(severity="low", path=path, line=min((*missing, *map(abs, branches))), text=told)


def _stretches(lines: Iterable[int]) -> list[str]:
    """Return lines as stretches such as `3-7`; the first few, and how many more there are."""
    found: list[list[int]] = []
    for line in sorted(map(abs, lines)):
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    told = [str(first) if first == last else f"{first}-{last}" for first, last in found]
    return told[:_SHOWN] + ([f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else [])
