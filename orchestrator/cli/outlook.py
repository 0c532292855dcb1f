"""`status --forecast`: when what is left will be merged, and what that rests on."""

from datetime import datetime, timedelta

from analytics.forecast import Forecast, Quantiles
from orchestrator.cli import table, words
from orchestrator.cli.views import headed
from orchestrator.models import Plan
from orchestrator.status.lasting import in_words

_MARKS = ("50 %", "75 %", "90 %")


def forecast(plan: Plan, found: Forecast, *, under_way: bool) -> str:
    """Return by when all and each phase is merged with which probability."""
    if not found.left:
        return "nothing is left to do"
    titles = {phase.number: phase.name for phase in plan.phases}
    what = "this run" if found.scope == "run" else "the plan"
    rows = [(what, *_marks(found, found.at, under_way=under_way))]
    rows += [
        (f"{number}  {titles[number]}", *_marks(ends, found.at, under_way=under_way))
        for number, ends in found.by_phase.items()
    ]
    note = "" if under_way else "; no run is under way: counted from when one goes on"
    told = f"{words.count(found.left, 'task')} left; {found.basis}; {found.method}{note}"
    return f"{headed(('forecast', *_MARKS), rows)}\n\n{words.hanging('', told, table.width())}"


def _marks(ends: Quantiles, at: datetime, *, under_way: bool) -> tuple[str, str, str]:
    marks = [_mark(seconds, at, under_way=under_way) for seconds in (ends.p50, ends.p75, ends.p90)]
    return marks[0], marks[1], marks[2]


def _mark(seconds: float, at: datetime, *, under_way: bool) -> str:
    """Return how long it takes; the time of day as well where it runs already."""
    took = f"in {in_words(seconds)}" if under_way else in_words(seconds)
    if not under_way:
        return took
    end = (at + timedelta(seconds=seconds)).astimezone()
    day = "" if end.date() == at.astimezone().date() else f"{end:%Y-%m-%d} "
    return f"{took} ({day}{end:%H:%M})"
