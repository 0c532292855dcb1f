"""Notice: the word to the coordinator when something happens that it may have to act on."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

from agents.context import messages
from orchestrator.models import BuildTask, Message, MessageContent, Verdict, now
from orchestrator.models.plan import Priority
from tasks.run import Run

Incident = Literal["failed", "veto", "block", "reassigned", "deadlock"]
OURSELVES = "mbo"
"""Who tells the coordinator of what befell the coordinator itself: nobody writes to itself."""

_PRIORITY: dict[Incident, Priority] = {
    "failed": "high",
    "veto": "critical",
    "block": "critical",
    "reassigned": "medium",
    "deadlock": "critical",
}


def tell_coordinator(
    run: Run,
    build_task: BuildTask,
    *,
    by: str,
    event: Incident,
    place: str,
    data: Mapping[str, Any],
    key: str | None = None,
) -> None:
    """Send the coordinator a notification of an incident, by whom it came; told again, nothing changes.

    `place` says where within the key, the task's own unless another is given, it happened, such as `attempt-1`; the
    message's id is made of both.
    """
    coordinator, key = run.plan.policy.deadlock, key or run.keys[build_task.id]
    action, artifact = run.plan.policy.message_for_kind.get(build_task.kind, ("implement", "code"))
    content = {"action": action, "artifact": artifact, "data": {"event": event, **data}}
    message = Message(
        message_id=uuid5(NAMESPACE_URL, f"{key}/{place}/{event}"),
        from_agent=OURSELVES if by == coordinator else by,
        to_agent=coordinator,
        message_type="notification",
        task_id=build_task.id,
        content=MessageContent.model_validate(content),
        priority=_PRIORITY[event],
        timestamp=now(),
    )
    about = {"task": build_task.id, "key": key, "agent": by}
    stands = run.events.record("message", f"message/{message.message_id}", message.model_dump(mode="json"), about=about)
    messages.deliver(run.home, Message.model_validate(stands), tuple(run.agents))


def tell_of_verdict(run: Run, judged: BuildTask, verdict: Verdict) -> None:
    """Send the coordinator a notification of a veto or a block of a task, or of a component in the place of one."""
    if verdict.decision not in ("veto", "block"):
        return
    session, place = verdict.session, {"attempt": verdict.session.attempt, "round": verdict.session.round}
    tell_coordinator(
        run,
        judged,
        by=verdict.reviewer,
        event=verdict.decision,
        place=f"{session.attempt}.{session.round}",
        data={**place, "reason": verdict.summary},
        key=session.key,
    )
