"""The kinds of evidence: how each is taken, whom it concerns, and how its values are told."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from orchestrator.inspection import complexity, configured, coverage, secret_scan, security, timing
from orchestrator.inspection.place import Place, Unmeasured
from orchestrator.models import Inspection


@dataclass(frozen=True)
class Kind:
    """One kind of evidence."""

    name: str
    inspect: Callable[[Place], Awaitable[Inspection]]
    topics: tuple[str, ...]
    """The topics of a policy's `default_reviewers` whose reviewers are shown every finding of it."""
    measures: tuple[tuple[str, str, str], ...]
    """The values that are told: each by its name, what it is called, and its unit."""
    reads: str | None = None
    """The kind whose output it reads, and which is taken before it."""


KINDS = (
    Kind(
        "coverage", coverage.inspect, ("coverage",),
        (
            ("lines", "line coverage", " %"), ("branches", "branch coverage", " %"),
            ("statements", "lines of code", ""), ("excluded", "lines excluded", ""),
            ("passed", "tests passed", ""), ("failed", "tests failed", ""), ("skipped", "tests skipped", ""),
        ),
    ),
    Kind(
        "security", security.inspect, ("security",),
        (("high", "high", ""), ("medium", "medium", ""), ("low", "low", ""), ("silenced", "silenced by comments", "")),
    ),
    Kind("secrets", secret_scan.inspect, ("security",), (("found", "found", ""), ("files", "files scanned", ""))),
    Kind("types", configured.types, ("design", "coverage"), (("faults", "faults", ""),)),
    Kind("lint", configured.lint, ("design", "coverage"), (("faults", "faults", ""),)),
    Kind(
        "complexity", complexity.inspect, ("design", "optimisation"),
        (
            ("functions", "functions", ""), ("average", "average complexity", ""), ("worst", "highest", ""),
            ("longest", "lines in the longest", ""),
        ),
    ),
    Kind(
        "timing", timing.inspect, ("optimisation",),
        (("tests", "tests", ""), ("total", "all of them", " s"), ("slowest", "the slowest", " s")),
        reads="coverage",
    ),
)  # fmt: skip
"""Every kind, in the order in which people are told of them."""

FINDINGS_AT_MOST = 200
"""So many findings of one kind are told; its values count them all, and the kept output holds them all."""
BY_NAME = {kind.name: kind for kind in KINDS}


async def inspect(name: str, place: Place) -> Inspection:
    """Return one kind of evidence; what cannot be measured says why, and has no values."""
    try:
        found = await BY_NAME[name].inspect(place)
        return found.model_copy(update={"findings": found.findings[:FINDINGS_AT_MOST]})
    except configured.NotConfigured as reason:
        return Inspection(kind=name, status="not configured", note=str(reason))
    except Unmeasured as reason:
        return Inspection(kind=name, status="not available", note=str(reason))
