"""The report as one HTML file: nothing is fetched, nothing runs, and what agents wrote stays words.

The same journal gives the same page, byte for byte.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from analytics import facts, outlook, overview, spending
from analytics.charts import bar, burn_up, clock, graph, timeline
from analytics.markdown import count, dollars, duration, parts, plain
from analytics.rows import Ask, Row, last_build
from orchestrator.home import Home
from orchestrator.recovery import lifted_by

_TEMPLATES = Path(__file__).parent / "templates"
_STATES = ("merged", "in_work", "failed", "blocked", "skipped", "waiting")


def html(home: Home, phase: int | None = None, again: str = "") -> str:
    """Return the report on everything, or on one phase, as one self-contained page; `again` as in `facts.opened`.

    Raises:
        InputError: there is no project, nothing has run yet, or the plan has no such phase.
        JournalError: the journal is damaged.
    """
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    with facts.opened(home, phase, again) as ask:
        return (
            _environment()
            .get_template("report.html.jinja")
            .render(
                _WORDS,
                ask=ask,
                phase=phase,
                again=ask("again")[0]["options"],
                style=Markup(style),  # noqa: S704 our own file
                style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
                notes=[note for note in (overview.scripted(ask("runs")), overview.bare(ask("runs"))) if note],
                pictures=_pictures(ask),
            )
        )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(plain=_plain, phrase=phrase, duration=duration, comma=_comma)
    return environment


def _pictures(ask: Ask) -> dict[str, Markup]:
    spans, tasks, merges = ask("spans"), ask("tasks"), ask("burn_up")
    marked = graph.Marked([row["task"] for row in ask("critical_path")], {row["task"] for row in ask("ready")})
    time = clock.of([*((span["began"], span["ended"]) for span in spans), *((m["merged"],) * 2 for m in merges)])
    return {
        "timeline": timeline.draw(spans, time),
        "graph": graph.draw(tasks, marked),
        "small_graph": graph.draw(graph.begun(tasks), marked, is_narrow=True),
        "burn_up": burn_up.draw(merges, len(tasks), time, _band(ask), _marks(ask)),
    }


def _band(ask: Ask) -> list[burn_up.Band]:
    return [burn_up.Band(**point) for row in ask("forecast") for point in row["band"]]


def _marks(ask: Ask) -> list[burn_up.Mark]:
    return [burn_up.Mark(f"{share} %", row[f"p{share}"]) for row in ask("forecast") for share in (50, 75, 90)]


def _plain(value: object, limit: int = 240) -> str:
    return plain(value, limit) or "-"


def phrase(value: object) -> Markup:
    """Return words of our own with the commands in them as code."""
    return Markup().join(Markup("<code>{}</code>").format(part) if code else part for code, part in parts(value))


def _completion(row: Row) -> Markup:
    return bar.completion({state.replace("_", " "): row[state] for state in _STATES})


def _comma(number: int) -> str:
    return f"{number:,}"


_WORDS = {
    "completion": _completion,
    "age": outlook.age,
    "ahead": overview.ahead,
    "count": count,
    "divided": spending.divided,
    "dollars": dollars,
    "last_build": last_build,
    "lifted_by": lifted_by,
    "share": bar.share,
    "sign": bar.swatch,
    "told": timeline.told,
}
"""What the templates call."""
