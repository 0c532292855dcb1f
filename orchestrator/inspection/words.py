"""Evidence in words: its values, each beside what it was at the review before where it changed."""

from collections.abc import Mapping

from orchestrator.inspection.kinds import BY_NAME
from orchestrator.models import Inspection

_ALWAYS = {"lines", "branches", "high", "medium", "low", "found", "faults", "passed", "tests"}
"""Values that are told even where they are zero."""


def told(inspection: Inspection, before: Mapping[str, float], review: int) -> str:
    """Return one line, such as `line coverage 71 % (was 93 % at review 2), …`.

    `before` holds the values of this kind at the review of that number; empty where there was none.
    """
    if inspection.status != "measured":
        return f"{inspection.status}: {inspection.note}"
    parts = [
        f"{label} {inspection.values[name]:g}{unit}{_was(before.get(name), inspection.values[name], unit, review)}"
        for name, label, unit in BY_NAME[inspection.kind].measures
        if inspection.values[name] or before.get(name) or name in _ALWAYS
    ]
    return ", ".join(parts) + (f" ({inspection.note})" if inspection.note else "")


def _was(before: float | None, now: float, unit: str, review: int) -> str:
    return f" (was {before:g}{unit} at review {review})" if before is not None and before != now else ""
