"""The loop: a model turn, journalled; its tools, run and journalled; the next turn; until the session ends."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents import calls, ending
from agents.ending import Ended
from agents.models import Model, Request, Turn
from agents.tools import Tool
from agents.transcript import Recalled, Transcript
from orchestrator.errors import PlaybookExhausted, UnfitError
from orchestrator.models import JsonObject, Limits, SessionRef

__all__ = ["Checkpoint", "Conversation", "Ended", "run"]

NUDGE = (Path(__file__).parent / "prompts" / "nudge.md").read_text(encoding="utf-8").strip()
"""The answer to a turn without a tool call."""

Checkpoint = Callable[[], Awaitable[str]]
"""Commit what the worktree holds and return the commit; an UnfitError says what cannot be committed."""


@dataclass(frozen=True)
class Conversation:
    """One session's model, tools, bounds and memory, ready to run."""

    session: SessionRef
    model: Model
    tools: Mapping[str, Tool]
    limits: Limits
    transcript: Transcript
    checkpoint: Checkpoint | None
    on_turn: Callable[[int, JsonObject], None]
    model_name: str | None = None


async def run(conversation: Conversation) -> Ended:
    """Run the session from where its transcript stands until it ends.

    The caller has put the worktree back to the last commit of the transcript: tools whose results a kill kept from it
    run again, from the same files.

    Raises:
        TransientError: the model could not answer now; call again to go on from the last journalled turn.
    """
    recalled = conversation.transcript.recall(conversation.session)
    while True:
        ended = ending.ended(recalled, conversation.limits)
        if ended:
            return ended
        number = len(recalled.turns)
        if number > len(recalled.results):
            await _use_tools(conversation, recalled, number)
            continue
        try:
            await _take_turn(conversation, recalled, number + 1)
        except PlaybookExhausted as error:
            return ending.end(recalled, "playbook", str(error))


async def _take_turn(conversation: Conversation, recalled: Recalled, number: int) -> None:
    session, transcript = conversation.session, conversation.transcript
    transcript.start_turn(session, number)
    began = time.monotonic()
    request = Request(
        session=session,
        system=recalled.system,
        messages=tuple(recalled.messages),
        tools=tuple(tool.definition for tool in conversation.tools.values()),
        model=conversation.model_name,
    )
    turn = await conversation.model.turn(request)
    record = _turn_record(turn, time.monotonic() - began)
    transcript.turn(session, number, record)
    conversation.on_turn(number, record)


def _turn_record(turn: Turn, seconds: float) -> JsonObject:
    content = list(turn.content) or [{"type": "text", "text": "(nothing)"}]  # no request may hold an empty message
    return {
        "message": {"role": "assistant", "content": content},
        "stop_reason": turn.stop_reason,
        "usage": turn.usage.model_dump(mode="json"),
        "request_id": turn.request_id,
        "seconds": round(seconds, 3),
    }


async def _use_tools(conversation: Conversation, recalled: Recalled, number: int) -> None:
    asked = ending.calls(recalled.turns[-1])
    began = time.monotonic()
    results = await calls.run(conversation.tools, number, asked)
    content: list[JsonObject] = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": result.text, "is_error": result.is_error}
        for call, result in zip(asked, results, strict=True)
    ]
    closing = next((result.closing for result in results if result.closing is not None), None)
    commit, refusal = await _keep_files(conversation, asked)
    if refusal:
        content.append({"type": "text", "text": refusal})
    record = {
        "message": {"role": "user", "content": content or NUDGE},
        "closing": None if refusal else closing,
        "commit": commit,
        "seconds": round(time.monotonic() - began, 3),
    }
    conversation.transcript.results(conversation.session, number, record)


async def _keep_files(conversation: Conversation, asked: Sequence[JsonObject]) -> tuple[str | None, str]:
    """Return the commit that holds the worktree, if anything may have changed it, and what the agent must mend."""
    if conversation.checkpoint is None or all(calls.only_reads(conversation.tools, call) for call in asked):
        return None, ""
    try:
        return await conversation.checkpoint(), ""
    except UnfitError as error:  # a nested repository, or a name that is no text
        return None, f"Your files cannot be kept, nor the session closed, before you mend this: {error}"
