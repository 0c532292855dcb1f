"""Record: the projections of what happened that agents and people read."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from agents.context import artifacts, decisions, state
from orchestrator import authority, contracts
from orchestrator.events import Events
from orchestrator.home import Home
from orchestrator.models import (
    Answer,
    Decision,
    Outcome,
    Ruling,
    SessionRef,
    now,
)
from orchestrator.models.work import Failure
from orchestrator.workspace import Repository
from tasks.run import Run

POWERS = {row.name for row in authority.TABLE if row.power}
"""The rules by which one agent's power decides, and not the agreement of all."""


TESTS = "Tests"
"""The trailer of a merge that refers to the kept list of tests that passed on the merged tree."""


def log_ruling(run: Run, session: SessionRef, ruling: Ruling, name: str = "ruling") -> Ruling:
    """Record a ruling and return the one that stands; one of somebody's power is logged as a decision."""
    place = f"{answer_place(session)}/{name}"
    data = {**ruling.model_dump(mode="json"), "attempt": session.attempt, "round": session.round}
    stands = run.events.record("ruling", place, data, session=session)
    ruling = Ruling.model_validate({field: stands[field] for field in Ruling.model_fields})
    if ruling.rule in POWERS:
        log_decision(
            run,
            session,
            f"decision/{place}",
            agent=ruling.by[0],
            decision=ruling.decision,
            reason=ruling.reason,
            authority=ruling.rule,
        )
    return ruling


def log_decision(
    run: Run, session: SessionRef, record_id: str, *, agent: str, decision: str, reason: str, authority: str
) -> None:
    """Record what somebody with power decided about the answer of a session, and log it in `decisions.log`."""
    taken = Decision(
        id=record_id,
        time=now(),
        task_id=session.task,
        agent=agent,
        subject=f"answer {session.attempt}.{session.round} to task {session.task}",
        decision=decision,
        reason=reason,
        authority=authority,
    )
    log(run.home, run.events, taken, {"task": session.task, "key": session.key, "agent": session.agent})


def log(home: Home, events: Events, decision: Decision, about: Mapping[str, str]) -> None:
    """Record a decision about a task, and log it; the first one under its id stands."""
    stands = events.record("decision", decision.id, decision.model_dump(mode="json"), about=about)
    decisions.log(home, Decision.model_validate(stands))


def answer_place(session: SessionRef) -> str:
    """Return the stem of the ids of all that is recorded about the answer of a session's round."""
    return f"{session.key[:16]}/{session.attempt}.{session.round}"


def accepted_id(session: SessionRef) -> str:
    """Return the id of the event that says that a session's answer waits for nothing but its merge."""
    return f"{answer_place(session)}/accepted"


def refused_id(session: SessionRef) -> str:
    """Return the id of the event that says why a session's answer did not land."""
    return f"{answer_place(session)}/refused"


def record_accepted(run: Run, session: SessionRef) -> None:
    """Record that the answer of a session stands after its checks, reviews and approval, whoever decided on them."""
    data = {"attempt": session.attempt, "round": session.round}
    run.events.record("accepted", accepted_id(session), data, session=session)


def record_deferred(run: Run, session: SessionRef, on: str, reason: str) -> None:
    """Record that in this run the verdicts on the answer of a session wait for the task `on`."""
    data = {"on": on, "reason": reason, "attempt": session.attempt, "round": session.round}
    place = f"{answer_place(session)}/deferred/{on}/{run.name}"
    run.events.record("deferred", place, data, session=session)


def record_no_progress(run: Run, session: SessionRef, reason: str) -> None:
    """Record that a further round of a session changed nothing."""
    data = {"attempt": session.attempt, "round": session.round, "reason": reason}
    place = f"{answer_place(session)}/no_progress"
    run.events.record("no_progress", place, data, session=session)


def record_breaker(run: Run, failure: Failure, tasks: Sequence[str], reason: str) -> None:
    """Record that the run starts nothing more, and why; the first reason of a run stands."""
    data = {"failure": failure, "tasks": list(tasks), "reason": reason}
    run.events.record("breaker", f"run/{run.name}/breaker", data)


def record_outcome(home: Home, events: Events, outcome: Outcome, seconds: float) -> Outcome:
    """Record how a task ended, and note it in its agent's state."""
    about = {"task": outcome.task, "key": outcome.key, "agent": outcome.agent}
    data = {**outcome.model_dump(mode="json"), "seconds": round(seconds, 3)}
    events.record("outcome", outcome_id(events.run, outcome.key), data, about=about)
    state.close(home, outcome)
    return outcome


def outcome_id(run: str, key: str) -> str:
    """Return the id of the event that says how a key's task ended in the run of this name."""
    return f"{key[:16]}/outcome/{run}"


def record_merge(home: Home, events: Events, answer: Answer, commit: str, tree: str, tests: str) -> None:
    """Record in the project journal that an answer has landed."""
    session = answer.session
    data = {
        "commit": commit,
        "tree": tree,
        "files": len(answer.files),
        "lines_added": answer.lines_added,
        "lines_removed": answer.lines_removed,
        "tests": tests,
    }
    events.record("merged", merge_id(session.key), data, session=session)
    files = "\n".join(f"- {name}" for name in answer.files)
    text = f"# Task {session.task}, merged as {commit[:12]}\n\n{answer.summary}\n\n{files}\n"
    artifacts.save(home, session.agent, session.task, "answer.md", text)


def save_contracts(home: Home, repository: Repository, answer: Answer) -> None:
    """Save each contract that an answer wrote as an artifact of its agent; done again, it changes nothing."""
    session = answer.session
    for file in answer.files:
        text = repository.read(answer.commit, file) if file == contracts.path(PurePosixPath(file).stem) else None
        if text is not None and contracts.NAME.fullmatch(PurePosixPath(file).stem):
            artifacts.save(home, session.agent, session.task, file, text.decode(errors="replace"))


def merge_id(key: str) -> str:
    """Return the id of the event that says that a key has landed."""
    return f"{key[:16]}/merged"
