"""Deadlocks in the project journal: recorded before anything follows from them, found among messages, answered."""

from uuid import NAMESPACE_URL, uuid5

from agents.context import messages
from orchestrator import deadlock
from orchestrator.deadlock import Deadlock
from orchestrator.models import Message, Resolution, SessionRef, now
from orchestrator.models.work import DeadlockCause
from tasks.notice import OURSELVES, tell_coordinator
from tasks.record import answer_place
from tasks.run import Run


def record(run: Run, session: SessionRef, found: Deadlock) -> None:
    """Record a deadlock at the answer of a session."""
    place = {"attempt": session.attempt, "round": session.round}
    run.events.record(
        "deadlock", _id(session, found.cause), {**found.model_dump(mode="json"), **place}, session=session
    )
    told = {**place, "cause": found.cause, "tasks": list(found.tasks), "reason": found.reason}
    where = f"{session.attempt}.{session.round}"
    tell_coordinator(run, run.task(session.task), by=session.agent, event="deadlock", place=where, data=told)


def recall(run: Run, session: SessionRef, cause: DeadlockCause) -> Deadlock | None:
    """Return the deadlock of this cause at the answer of a session, if it was found before."""
    data = run.events.recall(_id(session, cause))
    return Deadlock.model_validate({name: data[name] for name in Deadlock.model_fields}) if data else None


def crossed_requests(run: Run, session: SessionRef) -> Deadlock | None:
    """Return the circle of unanswered requests that the session's agent is part of now, if it was not found before."""
    sent = [Message.model_validate(event["data"]) for event in run.events.all("message")]
    found = deadlock.of_requests(session.agent, sent, run.unended)
    known = [set(event["data"]["messages"]) for event in run.events.all("deadlock")]
    return found if found and set(found.messages) not in known else None


def answer_requests(run: Run, found: Deadlock, resolution: Resolution) -> None:
    """Send each agent whose request waits the decision as its response; so the same requests never wait again.

    Whoever decided about a request of its own is answered by us.
    """
    by = resolution.session.agent
    sent = {event["data"]["message_id"]: Message.model_validate(event["data"]) for event in run.events.all("message")}
    for request in (sent[message] for message in found.messages):
        told = {"decision": resolution.decision, "reason": resolution.reason, "changes": resolution.changes}
        response = request.model_copy(
            update={
                "message_id": uuid5(NAMESPACE_URL, f"{resolution.session.id}/{request.message_id}"),
                "correlation_id": request.message_id,
                "from_agent": OURSELVES if request.from_agent == by else by,
                "to_agent": request.from_agent,
                "message_type": "response",
                "content": request.content.model_copy(update={"data": told}),
                "timestamp": now(),
            }
        )
        stands = run.events.record(
            "message",
            f"message/{response.message_id}",
            response.model_dump(mode="json"),
            session=resolution.session,
        )
        messages.deliver(run.home, Message.model_validate(stands), tuple(run.agents))


def _id(session: SessionRef, cause: DeadlockCause) -> str:
    return f"{answer_place(session)}/deadlock/{cause}"
