"""Who did what when: the sessions of all runs, on a clock that stands still between the runs."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime

from orchestrator.models import Frozen, JsonObject


class Span(Frozen):
    """One session: seconds from the beginning of the first run, the time between runs left out."""

    agent: str
    task: str
    role: str
    began: float
    ended: float
    is_open: bool = False
    """Whether it is under way, or was when its run was killed."""


class Timeline(Frozen):
    """All sessions, and how long all runs have lasted together."""

    spans: tuple[Span, ...] = ()
    seconds: float = 0.0


class _Clock:
    """Count the seconds of runs alone: from each run's first event to its last, one run after the other."""

    def __init__(self, events: Sequence[JsonObject], now: datetime | None) -> None:
        bounds: dict[str, list[float]] = {}
        for event in events:
            moment = _seconds(event["time"])
            bounds.setdefault(event["run"], [moment, moment])[1] = moment
        if now and bounds:
            list(bounds.values())[-1][1] = now.timestamp()
        self._starts = [first for first, _ in bounds.values()]
        self._before: list[float] = []
        total = 0.0
        for first, last in bounds.values():
            self._before.append(total)
            total += max(0.0, last - first)
        self._lengths = [last - first for first, last in bounds.values()]
        self.seconds = total

    def at(self, moment: str) -> float:
        """Return where a moment of a run lies."""
        place = max(0, bisect_right(self._starts, _seconds(moment)) - 1)
        return self._before[place] + min(_seconds(moment) - self._starts[place], self._lengths[place])


def timeline(events: Sequence[JsonObject], now: datetime | None = None) -> Timeline:
    """Return who did what when; until `now` where a run is under way."""
    clock = _Clock(events, now)
    open_: dict[tuple[str, str], JsonObject] = {}
    last: dict[tuple[str, str], str] = {}
    spans: list[Span] = []
    for event in events:
        data, place = event.get("data", {}), (event.get("key", ""), event.get("data", {}).get("session", ""))
        match event["kind"]:
            case "session_started" | "session_resumed":
                if place in open_:
                    spans.append(_span(clock, open_.pop(place), last[place], is_open=False))
                open_[place] = event
                last[place] = event["time"]
            case "turn" if place in open_ and data["session"]:
                last[place] = event["time"]
            case "session_ended" if place in open_:
                spans.append(_span(clock, open_.pop(place), event["time"], is_open=False))
            case _:
                pass
    newest = events[-1]["run"] if events else ""
    for place, event in open_.items():
        goes_on = now is not None and event["run"] == newest
        ended = now.isoformat() if now and goes_on else last[place]
        spans.append(_span(clock, event, ended, is_open=True))
    return Timeline(spans=tuple(sorted(spans, key=lambda span: span.began)), seconds=clock.seconds)


def _span(clock: _Clock, event: JsonObject, ended: str, *, is_open: bool) -> Span:
    return Span(
        agent=event["agent"],
        task=event["task"],
        role=event["data"]["role"],
        began=clock.at(event["time"]),
        ended=clock.at(ended),
        is_open=is_open,
    )


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
