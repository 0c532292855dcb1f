"""The demo's proof: the built project's own tests on the branch's head, and a real client asking the built server."""

import asyncio
import json
import shlex
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from flows.opening import Order, opened
from orchestrator.cli import table, words
from orchestrator.cli.screen import echo, say
from orchestrator.errors import WorkError
from orchestrator.gate import Examination, examine
from orchestrator.models import Check, Frozen, JsonObject
from orchestrator.plan import gate, gate_digest
from tasks.gate import known_tests
from tasks.run import Run

SLOT = 0
PROBE_SECONDS = 60
PLANTED = "#!/bin/sh\necho '2.1.330 (Claude Code)'\n"
"""An executable that answers `--version` as the real one does."""


_VERBS = {"approve": "approved", "request_changes": "asked for changes", "veto": "vetoed", "block": "blocked"}


class Proof(Frozen):
    """What the built product was seen to do."""

    commit: str
    check: Check
    """The project's own tests."""
    answer: JsonObject
    """What the built server told the client."""


async def prove(order: Order, task: str) -> Proof:
    """Return the proof for the head of the branch; its tests are those of the gate of `task`.

    Raises:
        WorkError: the tests are red, or the server does not answer as it should.
    """
    async with opened(order, "demo", say) as (_, run):
        commit = await asyncio.to_thread(run.repository.head)
        worktree = await asyncio.to_thread(run.repository.open_slot, SLOT, commit, run.sandbox.owner(SLOT))
        check = await _tests(run, commit, worktree, task)
        if not check.passed:
            raise WorkError(f"the built project's own tests are red: {check.problem}")
        return Proof(commit=commit, check=check, answer=await _probe(run, worktree))


async def _tests(run: Run, commit: str, worktree: Path, task: str) -> Check:
    build_task = run.task(task)
    examination = Examination(
        home=run.home,
        task=task,
        tree=run.repository.tree(commit),
        worktree=worktree,
        slot=SLOT,
        sandbox=run.sandbox,
        toolchain=run.toolchain,
        environment=run.plan.environment,
        gate=gate_digest(run.plan, build_task),
        known=known_tests(run, commit).passed,
    )
    command = next(command for command in gate(run.plan, build_task) if command.tests)
    return await examine(command, examination)


async def _probe(run: Run, worktree: Path) -> JsonObject:
    """Run the plan's demo script against the built server, in the sandbox, with an executable planted for it."""
    if run.plan.demo is None:
        raise WorkError(f"{run.plan.name}: the plan names no `demo` script")
    scratch = run.home.worktrees / "scratch-demo"
    files = {"probe.py": (run.plan.source.parent / run.plan.demo).read_text(encoding="utf-8"), "claude": PLANTED}
    await asyncio.to_thread(_plant, scratch, files, run.sandbox.owner(SLOT))
    inside = run.sandbox.inside(scratch)
    finished = await run.sandbox.run(
        [str(run.toolchain.python), str(inside / "probe.py"), str(inside / "claude")],
        worktree=worktree,
        writable=True,
        slot=SLOT,
        seconds=PROBE_SECONDS,
        read_only=run.toolchain.read_only,
        scratch=scratch,
        environment=run.plan.environment,
    )
    last = (finished.output.strip().splitlines() or ["it printed nothing"])[-1]
    if finished.exit_code != 0:
        raise WorkError(f"the built server does not answer as it should: {last}")
    return json.loads(last)


def _plant(scratch: Path, files: dict[str, str], owner: int | None) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for name, content in files.items():
        (scratch / name).write_text(content, encoding="utf-8")
        (scratch / name).chmod(0o755)
    if owner is not None:
        for path in (scratch, *scratch.iterdir()):
            shutil.chown(path, owner, owner)


def tell(home: Path, project: Path, proof: Proof, events: Sequence[JsonObject]) -> None:
    """Say what was built, what proves it, and what to try next."""
    head = {"Built": [str(project), _merges(proof, events)], "Evidence": [*_evidence(events), _own_tests(proof)]}
    asked = "a real MCP client asked the built server over stdio for find_claude_binary; it answered:"
    again = f"--home {shlex.quote(str(home))}"
    tries = {
        f"mbo report {again}": "what happened, and what it cost",
        f"mbo coordinate --workflow binary-manager {again}": "nothing is left to do, so nothing is done",
        f"git -C {shlex.quote(str(project))} log --first-parent": "one merge a task, each with its evidence",
    }
    limit = table.width()
    echo()
    for name, told in {**head, "Proof": [asked, json.dumps(proof.answer["answer"])]}.items():
        for number, text in enumerate(told):
            echo(words.hanging(f"{'' if number else name:<10}", text, limit))
    echo("\nTry next")
    for command, why in tries.items():
        echo(f"  {command}\n      {why}")
    say(f"The Prefect UI stays up; `mbo down {again}` stops it.")


def _merges(proof: Proof, events: Sequence[JsonObject]) -> str:
    merged = [event["data"] for event in events if event["kind"] == "merged"]
    lines = sum(data["lines_added"] - data["lines_removed"] for data in merged)
    return f"{words.count(len(merged), 'task')} merged at {proof.commit[:12]}, {lines:,} lines"


def _evidence(events: Sequence[JsonObject]) -> list[str]:
    checks = [event["data"] for event in events if event["kind"] == "check"]
    red = sum(bool(check.get("problem")) for check in checks)
    decisions = Counter(event["data"]["decision"] for event in events if event["kind"] == "verdict")
    conflicts = sum(event["kind"] == "conflict" for event in events)
    given = [f"{decisions[name]} {verb}" for name, verb in _VERBS.items() if decisions[name]]
    return [
        f"{words.count(len(checks), 'check')} run, {red} of them red and repaired; nothing merged while red",
        f"{words.count(decisions.total(), 'verdict')}: {', '.join(given)}",
        f"{words.count(conflicts, 'merge conflict')}, resolved by the agent that ran into it",
    ]


def _own_tests(proof: Proof) -> str:
    check = proof.check
    return (
        f"the project's own tests on tree {check.tree[:12]}: {check.tests_passed} of {check.tests_ran} passed "
        f"in {check.seconds:.1f} s"
    )
