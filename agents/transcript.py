"""The write-ahead transcript of one task key: every brief, turn and tool result of all its sessions.

Each turn is on disk before its tools run, and their results before the next turn is asked for. So after a kill the
session is rebuilt from here: what is journalled is replayed, and at most the call in flight is made again.
"""

from dataclasses import dataclass, field

from orchestrator.journal import Journal
from orchestrator.models import JsonObject, SessionRef


@dataclass
class Recalled:
    """A session as its transcript holds it."""

    system: str = ""
    messages: list[JsonObject] = field(default_factory=list[JsonObject])
    turns: list[JsonObject] = field(default_factory=list[JsonObject])
    """The `turn` records, in order."""
    results: list[JsonObject] = field(default_factory=list[JsonObject])
    """The `results` records, in order; one fewer than turns when the kill came between the two."""

    @property
    def commit(self) -> str | None:
        """Return the commit that held the worktree after the last journalled results, if any."""
        return next((record["commit"] for record in reversed(self.results) if record.get("commit")), None)


class Transcript:
    """Write and recall the sessions of one task key."""

    def __init__(self, journal: Journal) -> None:
        """Keep the transcript in `journal`."""
        self._journal = journal
        self._sessions: dict[str, Recalled] = {}
        for record in journal.records():
            self._take(record)

    def recall(self, session: SessionRef) -> Recalled:
        """Return what is journalled of a session; empty where it has not begun."""
        return self._sessions.setdefault(session.id, Recalled())

    def open(self, session: SessionRef, system: str, brief: str) -> None:
        """Journal what the agent is told at the start."""
        message = {"role": "user", "content": brief}
        self._append(session, "brief", "brief", {"system": system, "message": message})

    def start_turn(self, session: SessionRef, turn: int) -> None:
        """Journal that a model call begins; without a matching turn it may have been paid for and lost."""
        self._journal.append({"id": f"{session.id}/turn-{turn}/start", "type": "turn_start", "session": session.id})

    def turn(self, session: SessionRef, turn: int, record: JsonObject) -> None:
        """Journal a finished assistant turn."""
        self._append(session, "turn", f"turn-{turn}", record)

    def results(self, session: SessionRef, turn: int, record: JsonObject) -> None:
        """Journal what the turn's tools gave, and the commit that holds the worktree after them."""
        self._append(session, "results", f"turn-{turn}/results", record)

    def _append(self, session: SessionRef, kind: str, name: str, data: JsonObject) -> None:
        record = {"id": f"{session.id}/{name}", "type": kind, "session": session.id, **data}
        if self._journal.append(record):
            self._take(record)

    def _take(self, record: JsonObject) -> None:
        recalled = self._sessions.setdefault(record["session"], Recalled())
        if record["type"] == "brief":
            recalled.system = record["system"]
        elif record["type"] == "turn":
            recalled.turns.append(record)
        elif record["type"] == "results":
            recalled.results.append(record)
        if "message" in record:
            recalled.messages.append(record["message"])
