"""A sync while nothing runs: whether any is needed, and what of it needs no sandbox, server or Prefect."""

from collections.abc import Generator
from contextlib import contextmanager

from flows.opening import Prepared, new_name
from orchestrator.events import Events
from orchestrator.home import exclusive, holder
from orchestrator.models import JsonObject
from orchestrator.team import Team
from orchestrator.workspace import Repository
from tasks import moves, reconciling, sharing, unlanded


def is_behind(prepared: Prepared, team: Team) -> bool:
    """Tell whether a sync of the team would move anything; what follows from the journal alone is written anew here."""
    home, plan = prepared.home, prepared.plan
    with _held(prepared) as events:
        sharing.project(home, events)
        landed = Repository(home).landed()
        waiting = unlanded.find(events, plan, prepared.keys, landed)
        return (
            any(item.answer.session.agent in team.agents for item in waiting)
            or reconciling.is_behind(home, plan, events, team)
            or sharing.is_behind(home, plan, events, team)
        )


def sync(prepared: Prepared, team: Team) -> JsonObject | None:
    """Settle contradictions and share what stands, and return what moved; nothing while another run holds the home."""
    if holder(prepared.home) is not None:
        return None
    home, plan = prepared.home, prepared.plan
    with _held(prepared) as events:
        moved = reconciling.reconcile(home, plan, events, team) + sharing.share(home, plan, events, team)
        return moves.record(events, team, moved)


@contextmanager
def _held(prepared: Prepared) -> Generator[Events]:
    with exclusive(prepared.home, "sync"):
        events = Events(prepared.home, new_name())
        try:
            yield events
        finally:
            events.close()
