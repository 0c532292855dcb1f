"""Timing: which tests took longest, by the report of the run that measured coverage."""

from orchestrator import kept
from orchestrator.inspection.place import Place, Unmeasured
from orchestrator.junit import read_report
from orchestrator.models import Finding, Inspection

SLOWEST = 5
"""So many of the slowest tests are named."""


async def inspect(place: Place) -> Inspection:
    """Return how long the tests took, all of them and the slowest.

    Raises:
        Unmeasured: the tests were not run.
    """
    outputs = place.coverage.outputs if place.coverage else {}
    reports = {name: kept_at for name, kept_at in outputs.items() if name.startswith("tests")}
    if not reports:
        raise Unmeasured("the tests were not run")
    runs = [read_report(kept.load(place.examination.home, kept_at)) for kept_at in reports.values()]
    seconds = {test: took for run in runs for test, took in run.seconds.items()}
    slowest = sorted(seconds.items(), key=lambda item: -item[1])[:SLOWEST]
    return Inspection(
        kind="timing",
        values={
            "tests": len(seconds),
            "total": round(sum(seconds.values()), 3),
            "slowest": round(max(seconds.values(), default=0.0), 3),
        },
        note="taken while coverage was measured, which slows Python code down",
        findings=tuple(
            Finding(severity="low", path=test.partition("::")[0], text=f"{took:.3f} s in {test}")
            for test, took in slowest
        ),
        outputs=reports,
    )
