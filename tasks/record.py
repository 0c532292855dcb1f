"""Record: the projections of what happened that agents and people read, and the word to the coordinator."""

from uuid import NAMESPACE_URL, uuid5

from agents.context import decisions, messages
from orchestrator import authority
from orchestrator.models import BuildTask, Decision, Message, MessageContent, Ruling, SessionRef, now
from tasks.run import Run

_POWERS = {row.name for row in authority.TABLE if row.power}
"""The rules by which one agent's power decides, and not the agreement of all."""


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
    stands = run.events.record("message", f"message/{message.message_id}", message.model_dump(mode="json"), **about)
    messages.deliver(run.home, Message.model_validate(stands), tuple(run.agents))
