"""Complexity: how long and how branched the component's functions are, as lizard counts them."""

import csv
from typing import NamedTuple

from orchestrator import kept
from orchestrator.inspection.place import Place, Unmeasured, named, run
from orchestrator.models import Finding, Inspection

BRANCHED = 10
"""A function with more paths than this is named."""
LONG = 50
"""So is one with more lines of code than this."""


class _Function(NamedTuple):
    path: str
    line: int
    name: str
    paths: int
    length: int


async def inspect(place: Place) -> Inspection:
    """Return the functions' figures, and each that is branched or long.

    Raises:
        Unmeasured: there is nothing to look at, or lizard gave no answer.
    """
    if not place.sources:
        raise Unmeasured("the component has no Python files but tests")
    python = str(place.tools.python)
    text, seconds = await run(place, [python, "-I", "-m", "lizard", "--csv", *place.sources])
    functions = sorted(_functions(place, text), key=lambda found: (-found.paths, -found.length))
    paths = [found.paths for found in functions]
    return Inspection(
        kind="complexity",
        values={
            "functions": len(functions),
            "average": round(sum(paths) / len(paths), 1) if paths else 0.0,
            "worst": max(paths, default=0),
            "longest": max((found.length for found in functions), default=0),
        },
        findings=tuple(
            Finding(
                severity="low",
                path=found.path,
                line=found.line,
                text=f"{found.name}: complexity {found.paths}, {found.length} lines of code",
            )
            for found in functions
            if found.paths > BRANCHED or found.length > LONG
        ),
        outputs={"report": kept.keep(place.examination.home, text)},
        seconds=seconds,
    )


def _functions(place: Place, text: str) -> list[_Function]:
    try:
        rows = [row for row in csv.reader(text.splitlines()) if row]
        return [_Function(named(place, row[6]), int(row[9]), row[7], int(row[1]), int(row[0])) for row in rows]
    except (ValueError, IndexError) as error:
        raise Unmeasured(f"lizard wrote no table ({error})") from error
