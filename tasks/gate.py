"""Gate: our own checks on an answer, and again on the merged tree."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from prefect import task
from prefect.cache_policies import NO_CACHE

from orchestrator import evidence, kept, protection
from orchestrator.gate import Examination, examine, rules
from orchestrator.models import Answer, Check, Digest, JsonObject, SessionRef, canonical_json, digest
from orchestrator.plan import gate as gate_of
from orchestrator.plan import gate_digest
from orchestrator.protection.testfiles import BASE, Known, read_known
from tasks import contracts
from tasks.record import answer_place
from tasks.retry import POLICY
from tasks.run import Run

Stage = Literal["answer", "merged"]
SOURCE_LIMIT = 2_000_000
BASELINE_SLOT = 0
"""The baseline is taken before any task has a slot."""


@task(task_run_name="{answer.session.task} gate", cache_policy=NO_CACHE, **POLICY)
async def gate(run: Run, answer: Answer, base: str, commit: str, slot: int) -> tuple[Check, ...]:
    """Return the checks of an answer, judged as what `commit` makes of `base`: the rules, then the task's gate."""
    return await check(run, answer.session, base=base, commit=commit, slot=slot, stage="answer")


async def check(run: Run, session: SessionRef, *, base: str, commit: str, slot: int, stage: Stage) -> tuple[Check, ...]:
    """Check what `commit` makes of `base`; a command that has judged this very tree for this task is not run again.

    A red rule ends it, since what breaks a rule is not run.
    """
    tree = await asyncio.to_thread(run.repository.tree, commit)
    known = await asyncio.to_thread(known_tests, run, base)
    problem, listed = await asyncio.to_thread(_broken_rule, run, session, base, commit, known)
    checks = [_record(run, session, stage, rules(tree, problem, kept.keep(run.home, listed) if listed else None))]
    if problem is not None:
        return tuple(checks)
    owner = run.sandbox.owner(slot)
    task_ = run.task(session.task)
    checks += await _contracts(run, session, stage, contracts.Subject(task_, base, commit, tree, slot))
    for command in gate_of(run.plan, task_):
        done = _recall(run, session, stage, command.name, tree)
        if done is None:
            worktree = await asyncio.to_thread(run.repository.open_slot, slot, commit, owner)
            examination = _examination(run, task_.id, tree, worktree, slot, gate_digest(run.plan, task_), known.passed)
            done = await examine(command, examination)
        checks.append(_record(run, session, stage, done))
    return tuple(checks)


async def baseline(run: Run, commit: str) -> None:
    """Find out which tests pass on a commit that no gate of ours has seen: the history a project brings along.

    A project without a file whose name says test has none, and nothing is run; definitions of agents are no tests.
    """
    if _merged_at(run, commit) or run.events.recall(_baseline_id(commit)) is not None:
        return
    files = await asyncio.to_thread(run.repository.files, commit)
    commands = [command for gate in run.plan.gates.values() for command in gate if command.tests]
    known = Known()
    if commands and any(_may_be_test(file) for file in files):
        owner = run.sandbox.owner(BASELINE_SLOT)
        worktree = await asyncio.to_thread(run.repository.open_slot, BASELINE_SLOT, commit, owner)
        tree = await asyncio.to_thread(run.repository.tree, commit)
        done = await examine(
            commands[0], _examination(run, BASE, tree, worktree, BASELINE_SLOT, digest("baseline"), {})
        )
        known = tests_after(run, BASE, known, (done,))
    data = {"commit": commit, "tests": keep_known(run, known), "passed": len(known.passed)}
    run.events.record("baseline", _baseline_id(commit), data)


def _may_be_test(file: str) -> bool:
    return "test" in PurePosixPath(file).name and not file.startswith(".claude/")


def known_tests(run: Run, commit: str) -> Known:
    """Return the tests that the reports on a commit of the integration branch name.

    Those that stood before the first merge count as brought by `BASE`.
    """
    seen = _merged_at(run, commit) or run.events.recall(_baseline_id(commit))
    return read_known(kept.load(run.home, seen["tests"])) if seen else Known()


def keep_known(run: Run, known: Known) -> Digest:
    """Keep the tests known on a commit for `known_tests` to find, and return what refers to them."""
    return kept.keep(run.home, canonical_json(known.model_dump(mode="json")))


def _merged_at(run: Run, commit: str) -> JsonObject | None:
    return next((event["data"] for event in run.events.all("merged") if event["data"]["commit"] == commit), None)


def _baseline_id(commit: str) -> str:
    return f"baseline/{commit}"


def _examination(
    run: Run, task_id: str, tree: str, worktree: Path, slot: int, gate_: str, known: Mapping[str, str]
) -> Examination:
    return Examination(
        home=run.home,
        task=task_id,
        tree=tree,
        worktree=worktree,
        slot=slot,
        sandbox=run.sandbox,
        toolchain=run.toolchain,
        environment=run.plan.environment,
        gate=gate_,
        known=known,
    )


def tests_after(run: Run, task_id: str, known: Known, checks: tuple[Check, ...]) -> Known:
    """Return the known tests once a task's merged tree has passed `checks`."""
    if not any(check.tests for check in checks):
        return known
    passed = _reported(run, (check.tests for check in checks))
    skipped = _reported(run, (check.skipped for check in checks))
    return Known(passed={test: known.passed.get(test, task_id) for test in passed}, skipped=tuple(skipped))


def _reported(run: Run, reports: Iterable[Digest | None]) -> list[str]:
    return sorted({test for report in reports if report for test in json.loads(kept.load(run.home, report))})


def _broken_rule(run: Run, session: SessionRef, base: str, commit: str, known: Known) -> tuple[str | None, str | None]:
    """Say in one line which rule for every change this one breaks, or None; and where it is long, list every fault."""
    changes = run.repository.changes(base, commit)
    if not changes.paths:
        return (None if _landed_before(run, session) else "the change is empty"), None
    sources = dict(_sources(run, commit, changes.paths))
    ground = protection.ground(run.plan, run.task(session.task), run.repository.owners(base), known, run.project)
    refused = ground.refusals(changes.files, sources)
    if refused:
        return f"changes protected paths: {protection.summary(refused)}", "\n".join(refused) + "\n"
    markers = list(evidence.conflict_markers(sources))
    if markers:
        return f"conflict markers are left: {', '.join(markers[:5])}", None
    stubs = list(evidence.stubs(sources))
    return (f"stubs are left: {', '.join(stubs[:5])}" if stubs else None), None


async def _contracts(run: Run, session: SessionRef, stage: Stage, subject: contracts.Subject) -> list[Check]:
    """Return the check of the contracts that are due, if any are; one that has judged this very tree stands."""
    due = await asyncio.to_thread(contracts.due, run, subject.task, subject.base)
    if not due:
        return []
    done = _recall(run, session, stage, contracts.NAME, subject.tree)
    if done is None or done.gate != contracts.meaning(due, subject):
        done = await contracts.examine(run, subject, due)
    return [_record(run, session, stage, done)]


def _landed_before(run: Run, session: SessionRef) -> bool:
    """Tell whether an earlier form of the task has landed, so that confirming it unchanged is an answer."""
    return any(e["task"] == session.task and e["key"] != session.key for e in run.events.all("merged"))


def _sources(run: Run, commit: str, paths: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for path in paths:
        content = run.repository.read(commit, path)
        if content is not None and len(content) <= SOURCE_LIMIT:
            yield path, content.decode(errors="replace")


def _event_id(session: SessionRef, stage: str, name: str, tree: str) -> str:
    return f"{answer_place(session)}/{stage}/{name}/{tree[:12]}"


def _recall(run: Run, session: SessionRef, stage: Stage, name: str, tree: str) -> Check | None:
    """Return the check of this name on this tree, from this stage or, where a merge changed nothing, the answer's."""
    for earlier in (stage, "answer"):
        data = run.events.recall(_event_id(session, earlier, name, tree))
        if data is not None:
            check = Check.model_validate({k: v for k, v in data.items() if k in Check.model_fields})
            return check if earlier == stage else check.model_copy(update={"seconds": 0.0})  # its time is counted once
    return None


def _record(run: Run, session: SessionRef, stage: Stage, check: Check) -> Check:
    about = {"stage": stage, "attempt": session.attempt, "round": session.round}
    data = {**check.model_dump(mode="json"), **about}
    run.events.record("check", _event_id(session, stage, check.name, check.tree), data, session=session)
    return check
