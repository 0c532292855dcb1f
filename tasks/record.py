"""Record: the projections of what happened that agents and people read, and the word to the coordinator."""

from uuid import NAMESPACE_URL, uuid5

from agents.context import artifacts, decisions, knowledge, messages, state
from orchestrator import authority
from orchestrator.errors import StorageError
from orchestrator.models import (
    Answer,
    BuildTask,
    Decision,
    Knowledge,
    Message,
    MessageContent,
    Outcome,
    Ruling,
    SessionRef,
    now,
)
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


def record_outcome(run: Run, outcome: Outcome, seconds: float) -> Outcome:
    """Record how a task ended, and note it in its agent's state."""
    about = {"task": outcome.task, "key": outcome.key, "agent": outcome.agent}
    data = {**outcome.model_dump(mode="json"), "seconds": round(seconds, 3)}
    run.events.record("outcome", outcome_id(run, outcome.key), data, about=about)
    state.close(run.home, outcome)
    return outcome


def outcome_id(run: Run, key: str) -> str:
    """Return the id of the event that says how a key's task ended in this run."""
    return f"{key[:16]}/outcome/{run.name}"


def reconcile(run: Run) -> None:
    """Bring the records in step with what stands: merges that landed just before a kill, and a damaged index."""
    try:
        knowledge.search(run.home, run.agents, "anything", limit=1)
    except StorageError:
        knowledge.rebuild(run.home, [Knowledge.model_validate(event["data"]) for event in run.events.all("knowledge")])
    for key, landing in run.repository.landed().items():
        answer = next((e["data"] for e in reversed(list(run.events.all("answer"))) if e["key"] == key), None)
        if run.events.recall(f"{key[:16]}/merged") is None and answer is not None:
            tests = run.repository.trailer(landing.commit, TESTS)
            record_merge(run, Answer.model_validate(answer), landing.commit, run.repository.tree(landing.commit), tests)


def record_merge(run: Run, answer: Answer, commit: str, tree: str, tests: str) -> None:
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
    run.events.record("merged", f"{session.key[:16]}/merged", data, session=session)
    files = "\n".join(f"- {name}" for name in answer.files)
    text = f"# Task {session.task}, merged as {commit[:12]}\n\n{answer.summary}\n\n{files}\n"
    artifacts.save(run.home, session.agent, session.task, "answer.md", text)
