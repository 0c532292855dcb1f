"""The tool calls of one turn: run in their order, side by side where they only read, and all of them answered."""

import asyncio
import itertools
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agents.tools import Result, Tool
from orchestrator.errors import OrchestratorError
from orchestrator.models import JsonObject, canonical_json


async def run(tools: Mapping[str, Tool], turn: int, calls: Sequence[JsonObject]) -> list[Result]:
    """Return a result for each call of turn number `turn`.

    A call closes the session only as the turn's one closing call, and only where no call beside it failed: what an
    agent hands over, it has seen to work.
    """
    numbered = [(call, f"{turn}.{number}") for number, call in enumerate(calls, start=1)]
    results: list[Result] = []
    for reads, group in itertools.groupby(numbered, key=lambda pair: only_reads(tools, pair[0])):
        if reads:
            results += await _side_by_side([_answer(tools, call, place) for call, place in group])
        else:
            results += [await _answer(tools, call, place) for call, place in group]
    closing = [result for result in results if result.closing is not None]
    if len(closing) == 1 and not any(result.is_error for result in results):
        return results
    return [_kept_open(result) if result.closing is not None else result for result in results]


def only_reads(tools: Mapping[str, Tool], call: JsonObject) -> bool:
    """Tell whether a call changes nothing; one that cannot be carried out does not."""
    tool = tools.get(call.get("name", ""))
    return tool is None or not isinstance(call.get("input"), dict) or tool.reads(call["input"])


async def _answer(tools: Mapping[str, Tool], call: JsonObject, place: str) -> Result:
    name, given = call.get("name", ""), call.get("input")
    tool = tools.get(name)
    if tool is None:
        return Result(f"There is no tool `{name}` here; there are {', '.join(tools)}.", is_error=True)
    if not isinstance(given, dict):
        return Result(f"The input of `{name}` must be a JSON object.", is_error=True)
    try:
        canonical_json(given).encode()  # half a character or endless nesting is refused before any tool meets it
        return await tool.run(given, place)
    except (OSError, OrchestratorError):
        raise  # the machine is at fault and not the agent: the run stops, or the step is tried again
    except Exception as error:  # noqa: BLE001 - what an input provokes is for the agent to read, not the end of the run
        said = " ".join(str(error).split())
        return Result(f"`{name}` failed: {type(error).__name__}: {said[:500]}", is_error=True)


async def _side_by_side(waiting: Sequence[Awaitable[Result]]) -> list[Result]:
    """Await all, then raise the first error if there is one: nothing is left running behind it."""
    ended: list[Any] = await asyncio.gather(*waiting, return_exceptions=True)
    for result in ended:
        if isinstance(result, BaseException):
            raise result
    return ended


def _kept_open(result: Result) -> Result:
    text = "Not closed: another call of this turn failed or would close as well. Read the results, then close again."
    return replace(result, text=text, is_error=True, closing=None)
