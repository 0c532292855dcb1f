"""The rounds of an attempt as values: where each begins, and the ways in which an attempt ends or pauses."""

from collections import Counter
from dataclasses import dataclass, replace

from orchestrator.models import Cause, SessionRef
from orchestrator.models.work import Failure
from tasks.work import Opening


@dataclass(frozen=True)
class Round:
    """One round of an attempt: what began it and where the work begins."""

    agent: str
    attempt: int
    number: int
    cause: Cause
    opening: Opening
    spent: Counter[Cause]
    because: str = ""
    """What was wrong with the answer before, in one line."""
    failing: int = 0
    """How many tests failed on the answer before."""

    def next(self, cause: Cause, because: str, *, base: str, start: str, now: str, failing: int = 0) -> "Round":
        """Return the round that follows this one."""
        opening = self.opening.model_copy(update={"base": base, "start": start, "now": now})
        spent = self.spent + Counter([cause])
        number = self.number + 1
        return replace(self, number=number, cause=cause, opening=opening, spent=spent, because=because, failing=failing)


@dataclass(frozen=True)
class Landed:
    """An attempt that ended in a merge."""

    commit: str
    rounds: int


@dataclass(frozen=True)
class GivenUp:
    """An attempt that ended without one, and why."""

    reason: str
    rounds: int
    failure: Failure
    is_final: bool = False
    """Whether it was decided that nobody tries again."""


@dataclass(frozen=True)
class Deferred:
    """An attempt that goes on once another task has ended: the verdicts on its answer wait for that one."""

    session: SessionRef
    on: str
