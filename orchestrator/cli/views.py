"""The parts of `status` below its tables: sessions, the critical path, risks, what is in the way, components."""

from collections.abc import Sequence

from orchestrator import stages
from orchestrator.cli import table, words
from orchestrator.cli.board import tools_in_words
from orchestrator.models import Plan
from orchestrator.status.blockers import Blocker
from orchestrator.status.critical import Path
from orchestrator.status.gating import Gating
from orchestrator.status.risks import Risk
from orchestrator.status.sessions import Session
from orchestrator.status.standing import Board

COLOURS = {"high": "red", "medium": "yellow", "merged": "green", "running": "cyan", "failed": "red"}


def sessions(plan: Plan, active: Sequence[Session], gates: Sequence[Gating] = ()) -> str:
    """Return who does what and since when, and which gates run."""
    rows = [
        (item.task, item.agent.removeprefix(words.prefix(plan)), _doing(item), words.age(item.since)) for item in active
    ]
    seated = headed(("id", "agent", "does", "for"), rows) if rows else "no agent is in a session"
    return "\n".join((seated, *([""] * bool(rows and gates)), *map(_gate, gates)))


def _gate(item: Gating) -> str:
    what = "gate of the merge of" if item.is_merge else "gate of"
    return f"{what} {item.task}: {item.check}, {words.age(item.since)}"


def _doing(item: Session) -> str:
    tools = tools_in_words(item.tools)
    return f"{item.doing}: {tools}" if tools else item.doing


def critical_path(path: Path) -> str:
    """Return the longest chain of what is left in one line."""
    if not path.tasks:
        return ""
    told = f"{' → '.join(path.tasks)} ({words.count(path.points, 'effort point')})"
    return words.hanging("critical path  ", told, table.width())


def risks(plan: Plan, found: Sequence[Risk]) -> str:
    """Return the risks, the gravest first."""
    rows = [(item.level, item.kind, item.task or "", _risk(item, plan)) for item in found]
    return headed(("risk", "kind", "id", "what"), rows) if rows else "no risk stands out"


def _risk(item: Risk, plan: Plan) -> str:
    age = f", for {words.age(item.since)}" if item.since else ""
    lift = f"; lifted by {item.lifted_by}" if item.lifted_by else ""
    return words.short(f"{item.text}{age}{lift}", plan)


def blockers(plan: Plan, found: Sequence[Blocker]) -> str:
    """Return what holds up how many tasks, most first, why, and what lifts it."""
    rows = [
        (str(len(item.holds_up)), item.task, words.short(_reason(item), plan), words.short(item.lifted_by, plan))
        for item in found
    ]
    return headed(("holds up", "id", "why", "lifted by"), rows) if rows else "nothing is in the way"


def _reason(item: Blocker) -> str:
    return f"{item.reason}, for {words.age(item.since)}" if item.since else item.reason


def components(plan: Plan, board: Board) -> str:
    """Return where each component stands: the stage it has reached, and how much of it is merged."""
    states = {item.task: item.state for item in board.tasks}
    rows: list[table.Row] = []
    for item in stages.of_components(plan, states):
        parts = ", ".join(f"{part.stage} {part.merged}/{part.total}" for part in item.progress)
        rows.append((str(item.component), item.name, item.stage, parts))
    return headed(("no.", "component", "stage", "merged"), rows)


def headed(header: table.Row, rows: Sequence[table.Row]) -> str:
    """Return rows under a header, as wide as the terminal at most."""
    return table.headed(header, rows, COLOURS)
