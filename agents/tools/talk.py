"""The tools by which agents talk: messages and decisions; `learning` has those by which they remember.

Each call is recorded in the project journal first, under an id made of its place in the session, and then carried out
from what stands there. So a call repeated after a kill neither doubles nor changes anything.
"""

import asyncio
from collections.abc import Collection
from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AfterValidator

from agents.bench import Bench
from agents.context import decisions, messages, shared_knowledge
from agents.tools import WORDS_LIMIT, Result, Tool, Words, accept, custom
from orchestrator.models import (
    Decision,
    Frozen,
    JsonObject,
    Message,
    MessageContent,
    SessionRef,
    canonical_json,
    now,
)
from orchestrator.models.plan import Priority, Text
from orchestrator.models.talk import Action, Artifact, MessageType
from orchestrator.precedence import may_supersede


def _bounded(data: dict[str, Any]) -> dict[str, Any]:
    if len(canonical_json(data)) > WORDS_LIMIT:
        raise ValueError(f"must not be longer than {WORDS_LIMIT} characters of JSON; name a file instead")
    return data


class SendMessage(Frozen):
    """The input of `send_message`."""

    to_agent: Text
    message_type: MessageType
    action: Action
    artifact: Artifact
    data: Annotated[dict[str, Any], AfterValidator(_bounded)]
    priority: Priority = "medium"
    correlation_id: UUID | None = None


class RecordDecision(Frozen):
    """The input of `record_decision`."""

    subject: Words
    decision: Words
    reason: Words
    supersedes: tuple[Words, ...] = ()


def send_message(bench: Bench) -> Tool:
    """Return the tool that sends a message to one agent, or to `ALL`."""
    session = bench.session

    async def run(given: JsonObject, call: str) -> Result:
        checked = accept(SendMessage, given)
        if isinstance(checked, Result):
            return checked
        fault = await asyncio.to_thread(_misdirected, bench, checked)
        if fault:
            return Result(fault, is_error=True)
        message = Message(
            message_id=identity(session, call),
            correlation_id=checked.correlation_id,
            from_agent=session.agent,
            to_agent=checked.to_agent,
            message_type=checked.message_type,
            task_id=session.task,
            content=MessageContent(action=checked.action, artifact=checked.artifact, data=checked.data),
            priority=checked.priority,
            timestamp=now(),
        )
        stands = bench.record(
            "message", f"message/{message.message_id}", message.model_dump(mode="json"), session=session
        )
        message = Message.model_validate(stands)
        receivers = await asyncio.to_thread(messages.deliver, bench.home, message, tuple(bench.agents))
        return Result(f"Sent to {', '.join(receivers)} as {message.message_id}.")

    text = (
        "Send a message to another agent, or to ALL. It reaches them in the brief of their next session. To answer a "
        "request, send a response to who asked, with the request's id as `correlation_id`."
    )
    return Tool("send_message", custom("send_message", text, SendMessage), run)


def _misdirected(bench: Bench, given: SendMessage) -> str | None:
    """Say why a message cannot go where it is to go, or what is wrong with the one it refers to, or None."""
    agent = bench.session.agent
    if given.to_agent == agent:
        return "A message goes to others; what you want to keep is for `share_knowledge`."
    if given.to_agent != messages.EVERYONE and given.to_agent not in bench.agents:
        return f"There is no agent `{given.to_agent}`."
    if given.correlation_id is None:
        return _unanswering(bench) if given.message_type == "response" else None
    earlier = messages.find(bench.home, agent, given.correlation_id)
    if earlier is None:
        return f"`correlation_id`: no message {given.correlation_id} was sent to you or by you; take one of your brief."
    if given.message_type != "response":
        return None
    if earlier.message_type != "request" or earlier.from_agent == agent:
        return f"`correlation_id`: {earlier.message_id} is no request to you, so that no response answers it."
    if given.to_agent not in (earlier.from_agent, messages.EVERYONE):
        return f"`to_agent`: the request {earlier.message_id} is from {earlier.from_agent}; answer who asked."
    return None


def _unanswering(bench: Bench) -> str:
    """Say that a response answers no request, and which ones it could."""
    owed = messages.open_requests(bench.home, [bench.session.agent])[-messages.AT_MOST :]
    if not owed:
        return "`correlation_id`: a response names the request that it answers, and none waits; send a notification."
    listed = ", ".join(f"{request.message_id} from {request.from_agent} about {request.task_id}" for request in owed)
    return f"`correlation_id`: a response names the request that it answers; those that wait for you are {listed}."


def record_decision(bench: Bench) -> Tool:
    """Return the tool that writes a decision into the log that all later briefs draw on."""
    session = bench.session

    async def run(given: JsonObject, call: str) -> Result:
        checked = accept(RecordDecision, given)
        if isinstance(checked, Result):
            return checked
        refused = await asyncio.to_thread(_superseding, bench, checked.supersedes)
        if refused:
            return Result(refused, is_error=True)
        name = f"decision/{identity(session, call)}"
        about = {"id": name, "time": now(), "task_id": session.task, "agent": session.agent}
        decision = Decision.model_validate({**about, **checked.model_dump()})
        stands = bench.record("decision", name, decision.model_dump(mode="json"), session=session)
        await asyncio.to_thread(decisions.log, bench.home, Decision.model_validate(stands))
        return Result("Decision recorded.")

    text = (
        "Record a decision that others must keep to: its subject, what was decided, and why. `supersedes` names the "
        "ids of decisions or interfaces that it takes the place of."
    )
    return Tool("record_decision", custom("record_decision", text, RecordDecision), run)


def _superseding(bench: Bench, ids: Collection[str]) -> str:
    """Return why the agent may not supersede what bears these ids, or nothing."""
    if not ids:
        return ""
    known = {item.id: (item.agent, item.subject) for item in decisions.read(bench.home)}
    for name in ids:
        interface = shared_knowledge.read(bench.home, name)
        if interface is not None:
            known[name] = (interface.agent, interface.title)
        if name not in known:
            return f"There is no decision or interface `{name}`."
        author, subject = known[name]
        if not may_supersede(bench.session.agent, author, subject, bench.policy):
            return f"`{name}` is {author}'s, and you cannot overrule them on `{subject}`; send them a message."
    return ""


def identity(session: SessionRef, call: str) -> UUID:
    """Return the id of what a call says: the same when it is repeated after a kill, another for any other call."""
    return uuid5(NAMESPACE_URL, f"{session.id}/{call}")
