"""The tools by which agents talk and remember: messages, decisions, knowledge.

Each call is recorded in the project journal first, under an id made of its place in the session, and then carried out
from what stands there. So a call repeated after a kill neither doubles nor changes anything.
"""

import asyncio
from collections.abc import Collection
from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AfterValidator

from agents.bench import Bench
from agents.context import decisions, knowledge, messages, shared_knowledge
from agents.tools import WORDS_LIMIT, Result, Tool, Words, accept, custom
from orchestrator.models import (
    Decision,
    Frozen,
    JsonObject,
    Knowledge,
    Message,
    MessageContent,
    SessionRef,
    canonical_json,
    now,
)
from orchestrator.models.plan import Priority, Text
from orchestrator.models.talk import Action, Artifact, KnowledgeType, MessageType
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


class ShareKnowledge(Frozen):
    """The input of `share_knowledge`."""

    type: KnowledgeType
    title: Words
    text: Words
    references: tuple[Words, ...] = ()


class SearchKnowledge(Frozen):
    """The input of `search_knowledge`."""

    query: Words


def send_message(bench: Bench) -> Tool:
    """Return the tool that sends a message to one agent, or to `ALL`."""
    session = bench.session

    async def run(given: JsonObject, call: str) -> Result:
        checked = accept(SendMessage, given)
        if isinstance(checked, Result):
            return checked
        if checked.to_agent != "ALL" and checked.to_agent not in bench.agents:
            return Result(f"There is no agent `{checked.to_agent}`.", is_error=True)
        message = Message(
            message_id=_identity(session, call),
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

    text = "Send a message to another agent, or to ALL. It reaches them in the brief of their next session."
    return Tool("send_message", custom("send_message", text, SendMessage), run)


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
        identity = f"decision/{_identity(session, call)}"
        about = {"id": identity, "time": now(), "task_id": session.task, "agent": session.agent}
        decision = Decision.model_validate({**about, **checked.model_dump()})
        stands = bench.record("decision", identity, decision.model_dump(mode="json"), session=session)
        await asyncio.to_thread(decisions.log, bench.home, Decision.model_validate(stands))
        return Result("Decision recorded.")

    text = (
        "Record a decision that others must keep to: its subject, what was decided, and why. `supersedes` names the "
        "ids of decisions or interfaces that it takes the place of."
    )
    return Tool("record_decision", custom("record_decision", text, RecordDecision), run)


def share_knowledge(bench: Bench) -> Tool:
    """Return the tool that keeps what the agent learned, for all to search."""
    session = bench.session

    async def run(given: JsonObject, call: str) -> Result:
        checked = accept(ShareKnowledge, given)
        if isinstance(checked, Result):
            return checked
        identity = f"knowledge/{_identity(session, call)}"
        about = {"id": identity, "time": now(), "task_id": session.task, "agent": session.agent}
        learned = Knowledge.model_validate({**about, **checked.model_dump()})
        stands = bench.record("knowledge", identity, learned.model_dump(mode="json"), session=session)
        await asyncio.to_thread(knowledge.learn, bench.home, session.agent, Knowledge.model_validate(stands))
        return Result("Kept.")

    text = "Keep something worth knowing for the others: a pattern, an issue and its solution, an interface."
    return Tool("share_knowledge", custom("share_knowledge", text, ShareKnowledge), run)


def search_knowledge(bench: Bench) -> Tool:
    """Return the tool that searches what all agents learned."""

    async def run(given: JsonObject, _call: str) -> Result:
        checked = accept(SearchKnowledge, given)
        if isinstance(checked, Result):
            return checked
        found = await asyncio.to_thread(knowledge.search, bench.home, tuple(bench.agents), checked.query)
        found = shared_knowledge.once(bench.home, found)
        if not found:
            return Result("Nothing is known about that.")
        return Result("\n".join(f"- {item.title} ({item.type}, {item.agent}): {item.text}" for item in found))

    text = "Search what all agents have learned so far, in plain words."
    return Tool("search_knowledge", custom("search_knowledge", text, SearchKnowledge), run, reads=lambda _: True)


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


def _identity(session: SessionRef, call: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"{session.id}/{call}")
