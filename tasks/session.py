"""What the sessions of workers and reviewers have in common: the loop, and what the journal is told of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agents import brief, loop
from agents.context import messages
from agents.tools import kit
from orchestrator.models import JsonObject, Message, SessionRef
from tasks.run import Run


async def converse(
    run: Run,
    session: SessionRef,
    worktree: Path,
    slot: int,
    checkpoint: loop.Checkpoint | None = None,
    allowed: Sequence[str] = (),
) -> loop.Ended:
    """Run a session whose start is recorded and whose brief is journalled, from where its transcript stands.

    One that an earlier run began is recorded as resumed, so that it is seen to be under way again. Only one that works
    has a checkpoint, and only one that resolves a deadlock has decisions that are `allowed` to it.
    """
    agent = run.agents[session.agent]
    if run.events.is_earlier(f"{session.id}/started"):
        place = f"{session.id}/resumed/{run.name}"
        run.events.record("session_resumed", place, session_data(session), session=session)
    return await loop.run(
        loop.Conversation(
            session=session,
            model=run.model,
            tools=kit.tools(replace(run.bench(session, worktree, slot), allowed=tuple(allowed))),
            limits=agent.limits,
            transcript=run.transcript(session.key),
            checkpoint=checkpoint,
            on_turn=lambda number, record: record_turn(run, session, number, record),
            model_name=agent.model,
        )
    )


def mail(run: Run, session: SessionRef) -> tuple[list[Message], list[Message]]:
    """Return the messages that a session is the first to see, and the requests from before that its agent owes."""
    new = messages.inbox(run.home, session.agent, session=session.id)
    seen = {message.message_id for message in new}
    owed = [each for each in messages.open_requests(run.home, [session.agent]) if each.message_id not in seen]
    return new, owed[-messages.AT_MOST :]


def read_mail(run: Run, session: SessionRef) -> JsonObject:
    """Return what a session's brief says of its agent's messages, and note that it is the one that was shown them."""
    new, owed = mail(run, session)
    messages.mark_shown(run.home, session.agent, [message.message_id for message in new], session.id)
    return brief.mail(run.home, new, owed)


def record_turn(run: Run, session: SessionRef, number: int, record: JsonObject) -> None:
    """Record in the project journal what one turn of a session cost and which tools it called."""
    tools = [block["name"] for block in record["message"]["content"] if block["type"] == "tool_use"]
    data = {"turn": number, "model": run.model.name, "usage": record["usage"], "seconds": record["seconds"]}
    run.events.record(
        "turn", f"{session.id}/turn-{number}", session_data(session, **data, tools=tools), session=session
    )


def record_end(run: Run, session: SessionRef, ended: loop.Ended) -> None:
    """Record in the project journal how a session ended, and any of its turns that a kill kept from it."""
    for number, record in enumerate(run.transcript(session.key).recall(session).turns, start=1):
        record_turn(run, session, number, record)
    data = {"ended_by": ended.by, "detail": ended.detail, "turns": ended.turns, "seconds": ended.seconds}
    run.events.record("session_ended", f"{session.id}/ended", session_data(session, **data), session=session)


def session_data(session: SessionRef, **more: Any) -> JsonObject:
    """Return what every event of a session says of it, and what this one adds."""
    place = session.model_dump(include={"role", "attempt", "round", "cause"})
    return {"session": session.name, **place, **more}
