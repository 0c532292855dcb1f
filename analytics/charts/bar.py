"""Bars that fill a line: how far something is by state, or how much of the most it is."""

from collections.abc import Mapping

from markupsafe import Markup

from analytics.charts import states, svg


def completion(counts: Mapping[str, int]) -> Markup:
    """Return one bar for all the tasks, split by state."""
    whole = sum(counts.values()) or 1
    parts: list[Markup] = []
    left = 0.0
    for state in states.SIGNS:
        if number := counts.get(state, 0):
            words = svg.title(f"{number} {state}")
            x, width = svg.percent(left), svg.percent(number / whole)
            parts.append(svg.tag("rect", words, x=x, width=width, height="100%", class_=states.name(state)))
            left += number / whole
    said = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    return svg.image(*parts, label=said or "no tasks", class_="completion")


def share(value: float, most: float) -> Markup:
    """Return a bar that is full where the value is the most there is."""
    width = svg.percent(value / most if most else 0)
    return svg.tag("svg", svg.tag("rect", width=width, height="100%", rx=2), class_="share", aria_hidden="true")


def swatch(state: str) -> Markup:
    """Return a state's colour and sign, for a legend or beside its name."""
    box = svg.tag("rect", width=14, height=14, rx=3)
    return svg.tag(
        "svg", box, states.sign(state, 7, 7), class_=f"swatch node {states.name(state)}", width=14, height=14
    )
