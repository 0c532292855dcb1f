"""What our own tools found out about a component: the evidence of a review."""

from typing import Literal

from orchestrator.models.value import Digest, Frozen
from orchestrator.models.work import Finding

InspectionStatus = Literal["measured", "not configured", "not available"]


class Inspection(Frozen):
    """One kind of evidence on one tree; only what was measured has values, and nothing else counts as good."""

    kind: str
    status: InspectionStatus = "measured"
    note: str = ""
    """What else must be known, in one line: why nothing was measured, or what the values leave out."""
    values: dict[str, float] = {}
    findings: tuple[Finding, ...] = ()
    outputs: dict[str, Digest] = {}
    """References to what the tools wrote, kept whole."""
    seconds: float = 0.0
