"""Time as it is drawn: the stretches in which something happened, with the pauses between them squeezed."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_LONG = 60.0  # seconds without anything; a pause is never shorter
_LONG_SHARE = 0.05  # of the busy time
_PAUSE_SHARE = 0.02  # of the busy time: how wide a pause is drawn
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800)

Interval = tuple[datetime, datetime]


class Stretch(NamedTuple):
    """A time without a long pause, and how many drawn seconds lie before it."""

    began: datetime
    ended: datetime
    offset: float


class Clock(NamedTuple):
    """Tell where a moment is drawn, in seconds from the left."""

    stretches: tuple[Stretch, ...]
    seconds: float
    """How long the whole is drawn, pauses included."""

    def at(self, moment: datetime) -> float:
        """Return where the moment is drawn; one within a pause is drawn at its end."""
        for stretch in self.stretches:
            if moment <= stretch.ended:
                return stretch.offset + max(0.0, (moment - stretch.began).total_seconds())
        return self.seconds

    def pauses(self) -> Iterator[tuple[float, float, timedelta]]:
        """Yield where each pause is drawn, from and to, and how long it was."""
        for before, after in zip(self.stretches, self.stretches[1:], strict=False):
            yield self.at(before.ended), after.offset, after.began - before.ended

    def ticks(self, at_most: int, whole: float | None = None) -> list[tuple[float, str]]:
        """Return where to draw the time and how it reads, spread over `whole` drawn seconds."""
        whole = whole or self.seconds
        step = next((step for step in _STEPS if whole / step <= at_most), _STEPS[-1])
        found: list[tuple[float, str]] = []
        for stretch in self.stretches:
            for moment in _multiples(stretch, step):
                drawn = self.at(moment)
                if not found or drawn - found[-1][0] >= 0.7 * whole / at_most:
                    found.append((drawn, _read(moment, step, is_first=not found)))
        return found


def of(intervals: Iterable[Interval]) -> Clock:
    """Return the clock on which all these intervals are drawn."""
    merged: list[Interval] = []
    for began, ended in sorted(intervals):
        if merged and began <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ended))
        else:
            merged.append((began, ended))
    busy = sum((ended - began).total_seconds() for began, ended in merged)
    return _drawn(_joined(merged, max(_LONG, _LONG_SHARE * busy)), _PAUSE_SHARE * busy)


def _joined(intervals: list[Interval], long: float) -> list[Interval]:
    """Join intervals with no long pause between them."""
    joined: list[Interval] = []
    for began, ended in intervals:
        if joined and (began - joined[-1][1]).total_seconds() <= long:
            joined[-1] = (joined[-1][0], ended)
        else:
            joined.append((began, ended))
    return joined


def _drawn(intervals: list[Interval], pause: float) -> Clock:
    stretches: list[Stretch] = []
    offset = 0.0
    for began, ended in intervals:
        stretches.append(Stretch(began, ended, offset))
        offset += (ended - began).total_seconds() + pause
    return Clock(tuple(stretches), max(1.0, offset - pause))


def _multiples(stretch: Stretch, step: int) -> Iterator[datetime]:
    first = -(-stretch.began.replace(tzinfo=UTC).timestamp() // step) * step
    moment = datetime.fromtimestamp(first, UTC).replace(tzinfo=None)
    while moment <= stretch.ended:
        yield moment
        moment += timedelta(seconds=step)


def _read(moment: datetime, step: int, *, is_first: bool) -> str:
    if step >= 86400:
        return f"{moment:%d %b}"
    time = f"{moment:%H:%M:%S}" if step < 60 else f"{moment:%H:%M}"
    return f"{moment:%d %b} {time}" if is_first or (moment.hour, moment.minute, moment.second) == (0, 0, 0) else time
