"""Integrate: merge one answer onto the integration branch, gate the merged tree, land it by one compare-and-swap."""

import asyncio
from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from orchestrator.checkout import fast_forward
from orchestrator.models import Answer, Check, Frozen, SessionRef, Verdict
from tasks.gate import check, keep_known, known_tests, tests_after
from tasks.record import TESTS, answer_place, record_merge, refused_id, save_contracts
from tasks.retry import POLICY
from tasks.run import Run
from tasks.settle import settle_merge


class Integration(Frozen):
    """What became of an answer at the integration branch: it landed, or why not and where to go on."""

    commit: str | None = None
    """The merge commit, when it landed."""
    onto: str
    """The integration branch's commit that it was merged onto."""
    merged: str | None = None
    """When it did not land: a kept commit that holds the merge, with conflict markers where there are conflicts."""
    conflicts: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()


@task(task_run_name="{answer.session.task} integrate", cache_policy=NO_CACHE, **POLICY)
async def integrate(run: Run, answer: Answer, verdicts: Sequence[Verdict], slot: int) -> Integration:
    """Return what became of the answer; one merge at a time, and a key that has landed is not landed again."""
    session = answer.session
    refused = run.events.recall(refused_id(session))
    if refused is not None:
        return Integration.model_validate(refused["integration"])
    async with run.landing:
        repository = run.repository
        landed = (await asyncio.to_thread(repository.landed)).get(session.key)
        onto = await asyncio.to_thread(repository.head)
        if landed is not None:
            await asyncio.to_thread(settle_merge, run.home, run.events, repository, landed)
            return Integration(commit=landed.commit, onto=onto)
        merge = await asyncio.to_thread(repository.merge, onto, answer.commit)
        merged = await asyncio.to_thread(_keep, run, session, merge.tree, onto)
        if merge.conflicts:
            return _refuse(run, session, answer.base, Integration(onto=onto, merged=merged, conflicts=merge.conflicts))
        checks = await check(run, session, base=onto, commit=merged, slot=slot, stage="merged")
        if not all(done.passed for done in checks):
            return _refuse(run, session, answer.base, Integration(onto=onto, merged=merged, checks=checks))
        commit = await asyncio.to_thread(_land, run, answer, verdicts, merge.tree, onto, checks)
        return Integration(commit=commit, onto=onto, checks=checks)


def rebased(run: Run, answer: Answer) -> tuple[str, str]:
    """Return where another round on an answer begins: base and start on the branch's head if they merge cleanly there.

    So what others landed meanwhile is met by the next gate, not only by the merge. Otherwise all stays as it is.
    """
    return carried(run, answer.session, answer.base, answer.commit)


def carried(run: Run, session: SessionRef, base: str, commit: str) -> tuple[str, str]:
    """Return a session's base and start where it goes on from what `commit` made of `base`: see `rebased`."""
    head = run.repository.head()
    merge = run.repository.merge(head, commit)
    if head == base or merge.conflicts:
        return base, commit
    return head, _keep(run, session, merge.tree, head)


def candidate(run: Run, answer: Answer) -> tuple[str, str]:
    """Return what of an answer its gate judges: it on the branch's newest head where that merges cleanly, else itself.

    The two commits are the base and the candidate. They are recorded, so that a later run judges the same.
    """
    session = answer.session
    place = _candidate_id(session)
    stands = run.events.recall(place)
    if stands is None:
        base, commit = rebased(run, answer)
        about = {"attempt": session.attempt, "round": session.round}
        stands = run.events.record("candidate", place, {"base": base, "commit": commit, **about}, session=session)
    return stands["base"], stands["commit"]


def is_judged(run: Run, session: SessionRef) -> bool:
    """Tell whether the gate of a session's answer has begun."""
    return run.events.recall(_candidate_id(session)) is not None


def _candidate_id(session: SessionRef) -> str:
    return f"{answer_place(session)}/candidate"


def _refuse(run: Run, session: SessionRef, base: str, integration: Integration) -> Integration:
    """Record why the answer did not land; so a later run goes on from the same merge, wherever the branch is then."""
    kind = "conflict" if integration.conflicts else "rejected"
    data = {
        "files": list(integration.conflicts),
        "tasks": _landed_since(run, base),
        "onto": integration.onto,
        "attempt": session.attempt,
        "round": session.round,
        "integration": integration.model_dump(mode="json"),
    }
    stands = run.events.record(kind, refused_id(session), data, session=session)
    return Integration.model_validate(stands["integration"])


def _landed_since(run: Run, base: str) -> list[str]:
    """Return the tasks that landed after `base`, newest first: those that an answer built on it may conflict with."""
    landed = list(run.repository.landed().values())
    commits = [landing.commit for landing in landed]
    return [landing.task for landing in landed[: commits.index(base) if base in commits else None]]


def _keep(run: Run, session: SessionRef, tree: str, onto: str) -> str:
    """Return a commit of the merged tree on top of the branch, kept so that a later round can begin from it."""
    message = f"{session.task}: merged for checking"
    commit = run.repository.commit_tree(tree, [onto], session.agent, message)
    run.repository.keep(f"refs/mbo/merged/{session.id}", commit)
    return commit


def _land(
    run: Run, answer: Answer, verdicts: Sequence[Verdict], tree: str, onto: str, checks: tuple[Check, ...]
) -> str:
    """Land the merge and record it. The tests it brought are kept first, so that a kill in between loses nothing."""
    session = answer.session
    known = tests_after(run, session.task, known_tests(run, onto), checks)
    tests = keep_known(run, known)
    trailers = {"Gate": ", ".join(f"{c.name} {c.tests_passed}/{c.tests_ran}" if c.tests else c.name for c in checks)}
    approving = [verdict.reviewer for verdict in verdicts if verdict.decision == "approve"]
    if approving:
        trailers["Approved-by"] = ", ".join(approving)
    commit = run.repository.land(
        tree,
        onto=onto,
        commit=answer.commit,
        agent=session.agent,
        task=session.task,
        key=session.key,
        title=run.task(session.task).title,
        trailers={**trailers, TESTS: tests},
    )
    save_contracts(run.home, run.repository, answer)
    record_merge(run.home, run.events, answer, commit, tree, tests)
    if run.project is not None:
        result = fast_forward(run.project, run.home.repository, run.repository.branch)
        run.events.record("checkout", f"run/{run.name}/checkout/{commit[:12]}", {"result": result})
    return commit
