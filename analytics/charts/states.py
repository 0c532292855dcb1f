"""How a task's state is drawn: a colour of the style sheet, and a sign that tells it without colour."""

from markupsafe import Markup

from analytics.charts import svg

SIGNS = {
    "merged": "M-3.5 0 -1 3 4 -3.5",
    "in work": "M-2.5 -3.5 3.5 0 -2.5 3.5z",
    "failed": "M-3 -3 3 3 M-3 3 3 -3",
    "blocked": "M-2 -3.5 V3.5 M2 -3.5 V3.5",
    "skipped": "M-3.5 0 H3.5",
    "waiting": "M-2.5 0 a2.5 2.5 0 1 0 5 0 a2.5 2.5 0 1 0 -5 0",
}
"""Each state's sign, around the origin."""


def name(state: str) -> str:
    """Return the state as a name of the style sheet."""
    return state.replace(" ", "-") if state in SIGNS else "waiting"


def sign(state: str, x: float = 0, y: float = 0) -> Markup:
    """Return the sign of a state at a place."""
    path = SIGNS.get(state, SIGNS["waiting"])
    return svg.tag("path", d=path, transform=f"translate({x:g} {y:g})", class_="sign")
