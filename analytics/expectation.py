"""The forecast as a fact of the report: made at the journal's last event, from what the journal alone holds."""

from collections.abc import Iterable
from datetime import datetime

from analytics.forecast import forecast
from analytics.rows import Row
from orchestrator.models import JsonObject
from orchestrator.status.recorded import Recorded


def expected(recorded: Recorded, events: Iterable[JsonObject], at: datetime) -> list[Row]:
    """Return one row, the forecast of the whole plan's end; none where nothing is left."""
    plan, board = recorded
    if board.count("merged") == len(board.tasks):
        return []
    build = board.last_build and board.last_build.model_copy(update={"ending": "cut off"})  # its scope is not the plan
    found = forecast(plan, events, board.model_copy(update={"last_build": build}), at=at)
    return [found.model_dump(mode="json")]
