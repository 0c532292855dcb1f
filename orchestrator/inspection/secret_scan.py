"""Secrets: keys, tokens and passwords in any file of the component, which detect-secrets tells by their hashes."""

from orchestrator import kept
from orchestrator.inspection.place import Place, Unmeasured, decoded, named, run
from orchestrator.models import Finding, Inspection


async def inspect(place: Place) -> Inspection:
    """Return every place that looks like a secret; the secret itself is in no output.

    Raises:
        Unmeasured: there is nothing to look at, or the scan gave no answer.
    """
    if not place.files:
        raise Unmeasured("the component has no files")
    python = str(place.tools.python)
    scan = [python, "-I", "-m", "detect_secrets", "scan", "--no-verify", "--all-files", *place.files]
    text, seconds = await run(place, scan)
    report = decoded("detect-secrets", text)
    found = [result for results in report["results"].values() for result in results]
    return Inspection(
        kind="secrets",
        values={"found": len(found), "files": len(place.files)},
        findings=tuple(
            Finding(
                severity="high",
                path=named(place, result["filename"]),
                line=result["line_number"],
                text=f"looks like a secret: {result['type']}",
            )
            for result in found
        ),
        outputs={"report": kept.keep(place.examination.home, text)},
        seconds=seconds,
    )
