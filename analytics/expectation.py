"""The forecast as a fact of the report: made at the journal's last event, from what the journal alone holds."""

from collections.abc import Iterable
from datetime import datetime

from analytics.forecast import forecast
from analytics.rows import Row
from orchestrator.models import JsonObject
from orchestrator.status.recorded import Recorded


def expected(recorded: Recorded, events: Iterable[JsonObject], at: datetime, phase: int | None = None) -> list[Row]:
    """Return one row, the forecast of the end of the whole plan or of one phase; none where nothing is left of it."""
    plan, board = recorded
    asked = {task.id for task in plan.tasks if phase in (None, task.phase)}
    if all(item.state == "merged" for item in board.tasks if item.task in asked):
        return []
    build = board.last_build and board.last_build.model_copy(update={"ending": "cut off"})  # its scope is not the plan
    found = forecast(plan, events, board.model_copy(update={"last_build": build}), at=at, phase=phase)
    return [found.model_dump(mode="json")]
