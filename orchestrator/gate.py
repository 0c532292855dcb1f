"""The gate: our own commands on one tree, in the sandbox, judged by the tests that ran and never by words."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator import kept, leavings, slots
from orchestrator.evidence import judge_tests
from orchestrator.home import Home
from orchestrator.junit import TestRun, read_report
from orchestrator.models import Check, Digest, GateCommand, canonical_json, digest
from orchestrator.process import Finished
from orchestrator.sandbox import Sandbox
from orchestrator.toolchain import Toolchain

REPORT = "report.xml"
REPORT_LIMIT = leavings.LIMIT
"""Bytes of the largest test report that is read."""


@dataclass(frozen=True)
class Examination:
    """What is examined and with what: one tree in a clean checkout, for one task."""

    home: Home
    task: str
    tree: str
    worktree: Path
    slot: int
    sandbox: Sandbox
    toolchain: Toolchain
    environment: Mapping[str, str]
    gate: str
    """Digest of the gate's definition."""
    known: Mapping[str, str]
    """The tests that passed on the base, and the task that brought each."""


async def examine(command: GateCommand, examination: Examination) -> Check:
    """Run one command of a gate and return its Check; green only with exit code 0 and, for tests, the evidence."""
    scratch = empty_scratch(examination.home, examination.sandbox, examination.slot)
    finished = await run(command, examination, scratch)
    tests = read_tests(scratch / REPORT) if command.tests else TestRun()
    problem = _problem(command, finished, tests, examination)
    passed = sorted(tests.passed)
    return Check(
        name=command.name,
        command=" ".join(command.run),
        exit_code=finished.exit_code,
        tree=examination.tree,
        gate=examination.gate,
        seconds=round(finished.seconds, 3),
        output=kept.keep(examination.home, finished.output),
        tests_expected=sum(owner != examination.task for owner in examination.known.values()) if command.tests else 0,
        tests_ran=tests.ran,
        tests_passed=len(passed),
        tests=kept.keep(examination.home, canonical_json(passed)) if command.tests else None,
        skipped=kept.keep(examination.home, canonical_json(sorted(tests.skipped))) if command.tests else None,
        problem=problem,
    )


def rules(tree: str, problem: str | None, output: Digest | None = None) -> Check:
    """Return the Check of the rules that hold for every change, whatever its gate; its output lists every fault."""
    return Check(
        name="rules",
        command="(built in) protected paths, stubs, conflict markers, empty change",
        exit_code=0 if problem is None else 1,
        tree=tree,
        gate=digest("rules"),
        seconds=0.0,
        output=output,
        problem=problem,
    )


def _problem(command: GateCommand, finished: Finished, tests: TestRun, examination: Examination) -> str | None:
    if finished.timed_out:
        return f"ended after {command.seconds} s without an answer"
    if command.tests:
        return judge_tests(tests, finished.exit_code, examination.known, examination.task)
    return None if finished.exit_code == 0 else f"ended with exit code {finished.exit_code}"


async def run(command: GateCommand, examination: Examination, scratch: Path) -> Finished:
    """Run one command of a gate; a test report that it writes lies in `scratch`."""
    sandbox, toolchain = examination.sandbox, examination.toolchain
    values = {"{python}": str(toolchain.python), "{report}": str(sandbox.inside(scratch) / REPORT)}
    return await sandbox.run(
        [_fill(word, values) for word in command.run],
        worktree=examination.worktree,
        writable=True,
        slot=examination.slot,
        seconds=command.seconds,
        read_only=toolchain.read_only,
        scratch=scratch,
        environment=examination.environment,
    )


def _fill(word: str, values: Mapping[str, str]) -> str:
    for mark, value in values.items():
        word = word.replace(mark, value)
    return word


def read_tests(report: Path) -> TestRun:
    """Return the tests of the report that untrusted code left."""
    try:
        return read_report(leavings.read(report, "test report"))
    except leavings.LeavingsError as error:
        return TestRun(fault=str(error))


def empty_scratch(home: Home, sandbox: Sandbox, slot: int) -> Path:
    """Return an empty folder that commands in this slot can write."""
    scratch = home.worktrees / f"scratch-{slot}"
    slots.remove(scratch)
    scratch.mkdir(parents=True)
    owner = sandbox.owner(slot)
    if owner is not None:
        shutil.chown(scratch, owner, owner)
    return scratch
