"""The loop: a model turn, journalled; its tools, run and journalled; the next turn; until the session closes."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.models import Model, Request, Turn
from agents.tools import Result, Tool
from agents.transcript import Recalled, Transcript
from orchestrator.errors import PlaybookExhausted
from orchestrator.models import JsonObject, Limits, SessionRef, Usage, canonical_json
from orchestrator.models.work import EndedBy

REPEATS = 3
"""So many equal turns with equal results in a row are a loop."""

NUDGE = "You answered in words alone. Use a tool, or close the session with its closing tool."

Checkpoint = Callable[[], Awaitable[str]]
"""Commit what the worktree holds and return the commit."""


@dataclass(frozen=True)
class Ended:
    """How a session ended; `closing` is the input of its closing tool, where it closed itself."""

    by: EndedBy
    closing: JsonObject | None
    detail: str
    turns: int
    seconds: float
    usage: Usage


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

    Raises:
        TransientError: the model could not answer now; call again to go on from the last journalled turn.
    """
    recalled = conversation.transcript.recall(conversation.session)
    while True:
        ended = _ended(recalled, conversation.limits)
        if ended:
            return ended
        number = len(recalled.turns)
        if number == len(recalled.results):
            try:
                await _take_turn(conversation, recalled, number + 1)
            except PlaybookExhausted as error:
                return _end(recalled, "playbook", None, str(error))
        else:
            await _use_tools(conversation, recalled, number)


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
    return {
        "message": {"role": "assistant", "content": list(turn.content)},
        "stop_reason": turn.stop_reason,
        "usage": turn.usage.model_dump(mode="json"),
        "request_id": turn.request_id,
        "seconds": round(seconds, 3),
    }


async def _use_tools(conversation: Conversation, recalled: Recalled, number: int) -> None:
    calls = _calls(recalled.turns[-1])
    began = time.monotonic()
    results = await _run_calls(conversation.tools, calls)
    commit = await conversation.checkpoint() if conversation.checkpoint and _wrote(conversation.tools, calls) else None
    content: list[JsonObject] = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": result.text, "is_error": result.is_error}
        for call, result in zip(calls, results, strict=True)
    ]
    record = {
        "message": {"role": "user", "content": content or NUDGE},
        "closing": next((result.closing for result in results if result.closing is not None), None),
        "commit": commit,
        "seconds": round(time.monotonic() - began, 3),
    }
    conversation.transcript.results(conversation.session, number, record)


async def _run_calls(tools: Mapping[str, Tool], calls: Sequence[JsonObject]) -> list[Result]:
    """Run the calls of one turn in their order; neighbours that only read run side by side."""
    results: list[Result] = []
    for reads, group in itertools.groupby(calls, key=lambda call: _reads(tools, call)):
        if reads:
            results += await asyncio.gather(*(_call(tools, call) for call in group))
        else:
            results += [await _call(tools, call) for call in group]
    return results


async def _call(tools: Mapping[str, Tool], call: JsonObject) -> Result:
    tool = tools.get(call["name"])
    if tool is None:
        return Result(f"There is no tool `{call['name']}` here; there are {', '.join(tools)}.", is_error=True)
    return await tool.run(call["input"], call["id"])


def _calls(turn: JsonObject) -> list[dict[str, Any]]:
    return [block for block in turn["message"]["content"] if block["type"] == "tool_use"]


def _reads(tools: Mapping[str, Tool], call: JsonObject) -> bool:
    tool = tools.get(call["name"])
    return tool is None or tool.reads(call["input"])


def _wrote(tools: Mapping[str, Tool], calls: Sequence[JsonObject]) -> bool:
    return not all(_reads(tools, call) for call in calls)


def _ended(recalled: Recalled, limits: Limits) -> Ended | None:
    """Return how the session has ended by what is journalled of it, or None where it goes on."""
    if len(recalled.results) < len(recalled.turns):
        return None
    last = recalled.results[-1] if recalled.results else {}
    if last.get("closing"):
        return _end(recalled, "verdict" if "decision" in last["closing"] else "finish", last["closing"], "")
    if _silent(recalled):
        return _end(recalled, "silence", None, "two turns in a row without a tool call")
    if _loops(recalled):
        return _end(recalled, "loop", None, f"the same call with the same result {REPEATS} times in a row")
    if len(recalled.turns) >= limits.turns:
        return _end(recalled, "turns", None, f"the limit of {limits.turns} turns is reached")
    if _seconds(recalled) >= limits.seconds:
        return _end(recalled, "seconds", None, f"the limit of {limits.seconds} s is reached")
    dollars = _usage(recalled).dollars
    if dollars is not None and dollars >= limits.dollars:
        return _end(recalled, "dollars", None, f"the limit of ${limits.dollars:.2f} is reached")
    return None


def _end(recalled: Recalled, by: EndedBy, closing: JsonObject | None, detail: str) -> Ended:
    return Ended(by, closing, detail, len(recalled.turns), round(_seconds(recalled), 3), _usage(recalled))


def _silent(recalled: Recalled) -> bool:
    return len(recalled.turns) >= 2 and not any(_calls(turn) for turn in recalled.turns[-2:])


def _loops(recalled: Recalled) -> bool:
    if len(recalled.turns) < REPEATS:
        return False
    pairs = zip(recalled.turns[-REPEATS:], recalled.results[-REPEATS:], strict=True)
    return len({_shape(turn, result) for turn, result in pairs}) == 1


def _shape(turn: JsonObject, result: JsonObject) -> str:
    asked = [[call["name"], call["input"]] for call in _calls(turn)]
    content = result["message"]["content"]
    given = content if isinstance(content, str) else [block["content"] for block in content]
    return canonical_json([asked, given])


def _seconds(recalled: Recalled) -> float:
    return sum(record["seconds"] for record in (*recalled.turns, *recalled.results))


def _usage(recalled: Recalled) -> Usage:
    return sum((Usage.model_validate(turn["usage"]) for turn in recalled.turns), Usage())
