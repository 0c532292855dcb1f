"""Risks that only the database tells of, beside those of `orchestrator.status.risks`."""

from analytics.markdown import count
from analytics.rows import Ask
from orchestrator.status.risks import Risk


def unpriced(ask: Ask) -> list[Risk]:
    """Say for how many turns no price is known, if for any."""
    turns = ask("totals")[0]["unpriced_turns"]
    if not turns:
        return []
    text = f"{count(turns, 'turn')} without a known price: the cost is more than is shown"
    return [Risk(level="medium", kind="price", text=text)]
