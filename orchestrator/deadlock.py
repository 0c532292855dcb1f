"""Deadlocks: what they are, and how one is found among what waits for what."""

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.models import Frozen, Message
from orchestrator.models.work import DeadlockCause


class Deadlock(Frozen):
    """Some tasks, or the agents at work on them, that cannot go on by themselves."""

    cause: DeadlockCause
    tasks: tuple[str, ...]
    agents: tuple[str, ...]
    reason: str
    messages: tuple[str, ...] = ()
    """The ids of the requests that wait for each other."""


def circle(start: str, edges: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the way along `edges` from `start` back to itself, the shortest one; nothing where there is none."""
    ahead: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for way in ahead:  # it grows while it is gone through
        for step in edges.get(way[-1], ()):
            if step == start:
                return way
            if step not in seen:
                seen.add(step)
                ahead.append((*way, step))
    return ()


def of_requests(agent: str, messages: Sequence[Message], unended: Iterable[str]) -> Deadlock | None:
    """Return the circle of unanswered requests that an agent is part of; only those about unended tasks count."""
    answered = {message.correlation_id for message in messages if message.message_type == "response"}
    about = set(unended)
    waiting = {
        (message.from_agent, message.to_agent): message
        for message in messages
        if message.message_type == "request" and message.message_id not in answered and message.task_id in about
    }
    edges: dict[str, list[str]] = {}
    for asking, asked in waiting:
        edges.setdefault(asking, []).append(asked)
    agents = circle(agent, edges)
    if not agents:
        return None
    requests = [waiting[pair] for pair in zip(agents, (*agents[1:], agents[0]), strict=True)]
    return Deadlock(
        cause="requests",
        tasks=tuple(dict.fromkeys(request.task_id for request in requests)),
        agents=agents,
        reason=f"requests wait for each other: {' → '.join((*agents, agents[0]))}",
        messages=tuple(str(request.message_id) for request in requests),
    )
