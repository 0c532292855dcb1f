"""When a session has ended, and how: told from what is journalled of it alone, so that a resumed one agrees."""

import re
from dataclasses import dataclass

from agents.transcript import Recalled
from orchestrator.models import JsonObject, Limits, Usage, canonical_json
from orchestrator.models.work import EndedBy

REPEATS = 3
"""So often in a row the same calls with the same results are a loop."""
ALIKE = 5
"""So often if the results differ in numbers: most outputs hold times, and a measurement may be taken thrice."""

_CYCLE = 3
"""The longest cycle of turns that is looked for."""
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+")


@dataclass(frozen=True)
class Ended:
    """How a session ended; `closing` is the input of its closing tool, where it closed itself."""

    by: EndedBy
    closing: JsonObject | None
    detail: str
    turns: int
    seconds: float
    usage: Usage


def end(recalled: Recalled, by: EndedBy, detail: str, closing: JsonObject | None = None) -> Ended:
    """Return the end of a session that came `by` this, with all it took."""
    usage = sum((Usage.model_validate(turn["usage"]) for turn in recalled.turns), Usage())
    return Ended(by, closing, detail, len(recalled.turns), round(_seconds(recalled), 3), usage)


def ended(recalled: Recalled, limits: Limits) -> Ended | None:
    """Return how the session has ended by what is journalled of it, or None where it goes on.

    Dollars that are unknown cannot reach a limit: the known ones count, and turns and seconds bound the rest.
    """
    if len(recalled.results) < len(recalled.turns):
        return None
    closing = recalled.results[-1]["closing"] if recalled.results else None
    if closing:
        return end(recalled, "verdict" if "decision" in closing else "finish", "", closing)
    if _silent(recalled):
        return end(recalled, "silence", "two turns in a row without a tool call")
    if _loops(recalled):
        return end(recalled, "loop", "the same calls again and again, with the same results")
    if len(recalled.turns) >= limits.turns:
        return end(recalled, "turns", f"the limit of {limits.turns} turns is reached")
    if _seconds(recalled) >= limits.seconds:
        return end(recalled, "seconds", f"the limit of {limits.seconds} s is reached")
    if sum(turn["usage"]["dollars"] or 0.0 for turn in recalled.turns) >= limits.dollars:
        return end(recalled, "dollars", f"the limit of ${limits.dollars:.2f} is reached")
    return None


def calls(turn: JsonObject) -> list[JsonObject]:
    """Return the tool calls of a journalled turn, in order."""
    return [block for block in turn["message"]["content"] if block["type"] == "tool_use"]


def _silent(recalled: Recalled) -> bool:
    return len(recalled.turns) >= 2 and not any(calls(turn) for turn in recalled.turns[-2:])


def _loops(recalled: Recalled) -> bool:
    """Tell whether the last turns are one turn again and again, or a short cycle of turns."""
    recent = zip(recalled.turns[-ALIKE * _CYCLE :], recalled.results[-ALIKE * _CYCLE :], strict=True)
    steps = [(_asked(turn), _given(result)) for turn, result in recent]
    return _repeats(steps, REPEATS) or _repeats([(asked, _NUMBERS.sub("#", given)) for asked, given in steps], ALIKE)


def _asked(turn: JsonObject) -> str:
    return canonical_json([[call.get("name"), call.get("input")] for call in calls(turn)])


def _repeats(steps: list[tuple[str, str]], times: int) -> bool:
    lengths = range(1, min(_CYCLE, len(steps) // times) + 1)
    return any(steps[-times * length :] == steps[-length:] * times for length in lengths)


def _given(result: JsonObject) -> str:
    """Return what the tools gave, without the ids that differ each time."""
    content = result["message"]["content"]
    return content if isinstance(content, str) else canonical_json([block.get("content", "") for block in content])


def _seconds(recalled: Recalled) -> float:
    return sum(record["seconds"] for record in (*recalled.turns, *recalled.results))
