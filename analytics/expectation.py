"""The forecast as a fact of the report: made at the journal's last event, from what the journal alone holds."""

from collections.abc import Iterable
from datetime import UTC

from analytics.forecast import forecast
from analytics.rows import Ask, Row
from orchestrator.models import BuildTask, JsonObject, Phase, Plan, Policy
from orchestrator.status.standing import Board, Standing, State

_STATES: dict[str, State] = {"merged": "merged", "in work": "running", "failed": "failed"}


def expected(ask: Ask, events: Iterable[JsonObject]) -> list[Row]:
    """Return one row, the forecast of the whole plan's end; none where nothing is left or nothing is known."""
    tasks = ask("tasks")
    if all(row["state"] == "merged" for row in tasks):
        return []
    at = ask("moment")[0]["until"].replace(tzinfo=UTC)
    found = forecast(_plan(tasks, ask("progress")), events, _board(tasks), at=at)
    return [found.model_dump(mode="json")]


def _plan(tasks: list[Row], phases: list[Row]) -> Plan:
    """Return the plan as the journal knows it: who does what after what, without what each task is accepted by."""
    return Plan(
        version=1,
        phases=tuple(Phase(number=row["number"], name=row["name"], tasks=row["tasks"]) for row in phases),
        components=(),
        agents=(),
        policy=Policy.model_construct(),  # who holds which power has no say in when a task ends
        tasks=tuple(_task(row) for row in tasks),
    )


def _task(row: Row) -> BuildTask:
    columns = ("title", "phase", "component", "component_name", "kind", "effort", "deps")
    return BuildTask(id=row["task"], agent=row["planned_agent"], accept=("-",), **{name: row[name] for name in columns})


def _board(tasks: list[Row]) -> Board:
    """Return where each task stands by the journal, whoever holds the home now."""
    standings = (Standing(task=row["task"], state=_STATES.get(row["state"], "waiting"), reason="") for row in tasks)
    return Board(tasks=tuple(standings), held_by=None, last_run=None, last_build=None, is_other_plan=False)
