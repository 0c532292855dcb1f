"""SVG as text: elements whose words are escaped, and charts whose labels stay in sight while the rest scrolls."""

from markupsafe import Markup, escape


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """Return an element; `class_` stands for `class`, `stroke_width` for `stroke-width`, and None for no attribute."""
    given = (
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _value(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, Markup().join(given), join(*children))


def join(*parts: object) -> Markup:
    """Return the parts one after the other; what is not markup yet is escaped."""
    return Markup().join(escape(part) for part in parts)


def title(words: str) -> Markup:
    """Return what a pointer that rests on the element is told."""
    return tag("title", words)


def image(*children: object, label: str, **attributes: object) -> Markup:
    """Return a whole picture with what it shows in words."""
    return tag("svg", *children, role="img", aria_label=label, **attributes)


def framed(labels: Markup, chart: Markup, kind: str) -> Markup:
    """Return a chart that scrolls sideways in its own box, beside labels that stay."""
    box = tag("div", labels, chart, class_=f"frame {kind}")
    return tag("div", box, class_="scroll", tabindex=0, role="group", aria_label=f"{kind}, scrolls sideways")


def alone(chart: Markup, kind: str) -> Markup:
    """Return a chart without labels beside it, which scrolls sideways in its own box."""
    box = tag("div", chart, class_=f"frame alone {kind}")
    return tag("div", box, class_="scroll", tabindex=0, role="group", aria_label=f"{kind}, scrolls sideways")


def percent(share: float) -> str:
    """Return a share of the width, such as `12.5%`."""
    return f"{_value(100 * share)}%"


def tick(at: float, words: str, y: float) -> Markup:
    """Return a label at a share of the width, on that side of it where there is room."""
    near_end = at > 0.9
    anchor, dx = ("end", -3) if near_end else (None, 3)
    return tag("text", words, x=percent(at), dx=dx, y=y, text_anchor=anchor, class_="tick")


def _value(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
