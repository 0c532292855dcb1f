"""What a sync moved: one Move for each thing and agent, counted for people, and recorded once for a run."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, get_args

from orchestrator.events import Events
from orchestrator.models import JsonObject
from orchestrator.team import Team

What = Literal["messages", "decisions", "knowledge", "records", "merges", "resolved", "open"]
"""Messages delivered to an agent, decisions and knowledge of others shared with it, its own records merged into the
shared base, merges of its answers, and contradictions that it has a side in: resolved, or left open."""
KINDS: tuple[What, ...] = get_args(What)


class Move(NamedTuple):
    """One thing that a sync moved, and the agent whom it concerns."""

    what: What
    agent: str
    id: str


def record(events: Events, team: Team, moves: Sequence[Move]) -> JsonObject | None:
    """Record what a sync moved and return that; where nothing moved, record nothing and return None."""
    if not moves:
        return None
    data = {
        "agents": list(team.agents),
        "title": team.title,
        "phase": team.phase,
        "moved": totals(moves),
        "by_agent": {agent: _count(move for move in moves if move.agent == agent) for agent in _agents(moves)},
    }
    return events.record("sync", f"sync/{events.run}", data)


def totals(moves: Iterable[Move]) -> dict[str, int]:
    """Return how much of each kind moved; a contradiction counts once, however many sides it has."""
    contradictions = {move._replace(agent="") for move in moves if move.what in ("resolved", "open")}
    return _count([*contradictions, *(move for move in moves if move.what not in ("resolved", "open"))])


def _agents(moves: Iterable[Move]) -> list[str]:
    return sorted({move.agent for move in moves})


def _count(moves: Iterable[Move]) -> dict[str, int]:
    counted = Counter(move.what for move in moves)
    return {what: counted[what] for what in KINDS if counted[what]}
