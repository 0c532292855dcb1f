"""The agent sessions under way: who does what for which task, and since when."""

from collections.abc import Sequence

from orchestrator.models import Frozen, JsonObject
from orchestrator.status.doing import VERBS
from orchestrator.status.lastrun import of_run
from orchestrator.status.standing import Board


class Session(Frozen):
    """One session under way."""

    agent: str
    task: str
    """The task's id, or `component-N` in the review of a component."""
    role: str
    attempt: int
    round: int
    since: str
    turn: int = 0
    """Its newest finished turn."""
    tools: tuple[str, ...] = ()
    """What that turn called."""

    @property
    def doing(self) -> str:
        """Return what it does in words."""
        turn = f", turn {self.turn}" if self.turn else ""
        return f"{VERBS.get(self.role, self.role)}, round {self.round}{turn}"


def active(events: Sequence[JsonObject], board: Board) -> tuple[Session, ...]:
    """Return the sessions of the run under way, the longest first; what earlier runs and rounds left open is over."""
    found: dict[tuple[str, str], Session] = {}
    for event in of_run(events, board.last_run) if board.last_run and board.is_running else ():
        if "task" in event:
            _take(found, event)
    return tuple(sorted(found.values(), key=lambda session: session.since))


def _take(found: dict[tuple[str, str], Session], event: JsonObject) -> None:
    task, data = event["task"], event.get("data", {})
    match event["kind"]:
        case "session_started" | "session_resumed":
            _drop_earlier(found, task, data)
            found[task, data["session"]] = _session(event)
        case "turn":
            known = found.get((task, data["session"])) or _session(event)
            done = {"turn": data["turn"], "tools": tuple(map(str, data["tools"]))}
            found[task, data["session"]] = known.model_copy(update=done)
        case "session_ended":
            found.pop((task, data["session"]), None)
        case "answer" | "verdict" | "resolution":  # what ended before a kill says so only by what came of it
            _drop(found, task, event["agent"])
        case "outcome" | "merged" | "task_started":
            _drop(found, task)
        case _:
            pass


def _drop(found: dict[tuple[str, str], Session], task: str, agent: str | None = None) -> None:
    """Forget the sessions of a task, all or those of one agent."""
    for place in [place for place, session in found.items() if place[0] == task and agent in (None, session.agent)]:
        del found[place]


def _drop_earlier(found: dict[tuple[str, str], Session], task: str, data: JsonObject) -> None:
    """Forget the sessions of a task's earlier rounds: what a killed run left open there is not gone on with."""
    newest = (data["attempt"], data["round"])
    for place in [place for place in found if place[0] == task]:
        if (found[place].attempt, found[place].round) != newest:
            del found[place]


def _session(event: JsonObject) -> Session:
    data = event["data"]
    return Session(
        agent=event["agent"],
        task=event["task"],
        role=data["role"],
        attempt=data["attempt"],
        round=data["round"],
        since=event["time"],
    )
