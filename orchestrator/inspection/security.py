"""Security: what bandit finds in the component's Python code, and how much of it was silenced."""

from typing import Any

from orchestrator import kept
from orchestrator.inspection.place import Place, Unmeasured, decoded, named, run
from orchestrator.models import Finding, Inspection

_ORDER = {"HIGH": 0, "MEDIUM": 1, "LOW": 2}


async def inspect(place: Place) -> Inspection:
    """Return bandit's findings, the worst first.

    Raises:
        Unmeasured: there is nothing to look at, or bandit gave no answer.
    """
    if not place.sources:
        raise Unmeasured("the component has no Python files but tests")
    python = str(place.tools.python)
    text, seconds = await run(
        place, [python, "-I", "-m", "bandit", "-q", "-f", "json", "-o", "{output}", *place.sources]
    )
    report = decoded("bandit", text)
    results: list[Any] = sorted(report["results"], key=lambda found: _ORDER.get(found["issue_severity"], 3))
    counts = [found["issue_severity"] for found in results]
    unread = [named(place, error["filename"]) for error in report["errors"]]
    return Inspection(
        kind="security",
        values={
            "high": counts.count("HIGH"),
            "medium": counts.count("MEDIUM"),
            "low": counts.count("LOW"),
            "silenced": report["metrics"]["_totals"]["nosec"] + report["metrics"]["_totals"]["skipped_tests"],
        },
        note=f"not read: {', '.join(unread)}" if unread else "",
        findings=tuple(
            Finding(
                severity=found["issue_severity"].lower() if found["issue_severity"] in _ORDER else "medium",
                path=named(place, found["filename"]),
                line=found["line_number"],
                text=f"{found['test_id']}: {found['issue_text']} (confidence {found['issue_confidence'].lower()})",
            )
            for found in results
        ),
        outputs={"report": kept.keep(place.examination.home, text)},
        seconds=seconds,
    )
