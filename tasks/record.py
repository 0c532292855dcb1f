"""Record: the projections of what happened that agents and people read, and the word to the coordinator."""

from pathlib import PurePosixPath
from uuid import NAMESPACE_URL, uuid5

from agents.context import artifacts, decisions, messages, state
from orchestrator import authority, contracts
from orchestrator.events import Events
from orchestrator.home import Home
from orchestrator.models import (
    Answer,
    BuildTask,
    Decision,
    Message,
    MessageContent,
    Outcome,
    Ruling,
    SessionRef,
    now,
)
from orchestrator.workspace import Repository
from tasks.run import Run

_POWERS = {row.name for row in authority.TABLE if row.power}
"""The rules by which one agent's power decides, and not the agreement of all."""


TESTS = "Tests"
"""The trailer of a merge that refers to the kept list of tests that passed on the merged tree."""


def log_ruling(run: Run, session: SessionRef, ruling: Ruling) -> None:
    """Record a ruling, and log it as a decision where somebody's power made it."""
    place = f"{session.key[:16]}/{session.attempt}.{session.round}/ruling"
    data = {**ruling.model_dump(mode="json"), "attempt": session.attempt, "round": session.round}
    run.events.record("ruling", place, data, session=session)
    if ruling.rule not in _POWERS:
        return
    decision = Decision(
        id=f"decision/{place}",
        time=now(),
        task_id=session.task,
        agent=ruling.by[0] if ruling.by else session.agent,
        subject=f"answer {session.attempt}.{session.round} to task {session.task}",
        decision=ruling.decision,
        reason=ruling.reason,
        authority=ruling.rule,
    )
    stands = run.events.record("decision", decision.id, decision.model_dump(mode="json"), session=session)
    decisions.log(run.home, Decision.model_validate(stands))


def tell_coordinator(run: Run, build_task: BuildTask, agent: str, attempt: int, reason: str) -> None:
    """Send the coordinator a notification that an attempt failed."""
    kinds = run.plan.policy.message_for_kind.get(build_task.kind, ("implement", "code"))
    message = Message.model_validate(
        {
            "message_id": uuid5(NAMESPACE_URL, f"{run.keys[build_task.id]}/attempt-{attempt}/failed"),
            "from_agent": agent,
            "to_agent": run.plan.policy.deadlock,
            "message_type": "notification",
            "task_id": build_task.id,
            "content": MessageContent.model_validate(
                {"action": kinds[0], "artifact": kinds[1], "data": {"attempt": attempt, "reason": reason}}
            ),
            "priority": "high",
            "timestamp": now(),
        }
    )
    about = {"task": build_task.id, "key": run.keys[build_task.id], "agent": agent}
    stands = run.events.record("message", f"message/{message.message_id}", message.model_dump(mode="json"), about=about)
    messages.deliver(run.home, Message.model_validate(stands), tuple(run.agents))


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
