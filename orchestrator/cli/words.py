"""How times, names and long sentences are told to people."""

import textwrap
from datetime import datetime

from orchestrator.models import Plan
from orchestrator.models.value import now
from orchestrator.status.lasting import in_words


def wrapped(text: str, size: int, *, whole_words: bool = False) -> list[str]:
    """Return `text` on lines of at most `size` characters; with `whole_words`, a longer word is left whole."""
    return textwrap.wrap(text, size, break_on_hyphens=False, break_long_words=not whole_words) or [""]


def hanging(head: str, text: str, limit: int) -> str:
    """Return `head` and `text`; what does not fit on their line stands under the beginning of `text`."""
    parts = wrapped(text, max(20, limit - len(head)), whole_words=True)  # a path is copied whole, or not at all
    return head + f"\n{' ' * len(head)}".join(parts)


def shorten(text: str, size: int) -> str:
    """Return `text` in at most `size` characters, with an ellipsis where something is left out."""
    return text if len(text) <= size else text[: max(0, size - 1)].rstrip() + "…"


def prefix(plan: Plan) -> str:
    """Return what the ids of all the plan's agents begin with, up to the first dash; tables leave it out."""
    first, *others = (entry.id for entry in plan.agents)
    size = first.find("-") + 1
    return first[:size] if others and all(name.startswith(first[:size]) for name in others) else ""


def short(text: str, plan: Plan) -> str:
    """Return `text` with the agents in it named without their prefix."""
    shared = prefix(plan)
    for entry in plan.agents if shared and shared in text else ():
        text = text.replace(entry.id, entry.id.removeprefix(shared))
    return text


def count(number: int, noun: str) -> str:
    """Return a number of things, such as `1 task` or `2 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clock(moment: str) -> str:
    """Return an ISO moment as the local time of day, with the date where that is another day."""
    then, today = datetime.fromisoformat(moment).astimezone(), now().astimezone()
    return f"{then:%H:%M:%S}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M}"


def time_of_day(moment: str) -> str:
    """Return an ISO moment as the local time of day."""
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M:%S}"


def day(moment: str) -> str:
    """Return the local day of an ISO moment."""
    return f"{datetime.fromisoformat(moment).astimezone():%A, %d %B %Y}"


def age(moment: str) -> str:
    """Return how long ago an ISO moment was."""
    return in_words((now() - datetime.fromisoformat(moment)).total_seconds())
