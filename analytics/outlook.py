"""The report's sections that look ahead: risks, and what to do next."""

from datetime import UTC, datetime

from analytics.markdown import code, duration, item, phrase, text
from analytics.rows import Ask, Row


def risks(ask: Ask) -> list[str]:
    """List the risks with their age and what lifts them, the gravest first."""
    until = ask("moment")[0]["until"]
    return [
        line
        for row in ask("risks")
        for line in item(
            f"**{row['level']}**{' ' + text(row['task'], 16) if row['task'] else ''}: "
            f"{text(row['text'], 400)}{age(row, until)}",
            *([f"Lifted by {phrase(row['lifted_by'])}."] if row["lifted_by"] else []),
        )
    ] or ["Nothing stands out."]


def next_steps(ask: Ask) -> list[str]:
    """List what to do next, what holds up most first, with its command."""
    return [
        line
        for row in ask("next_steps")
        for line in item(
            f"{text(row['kind'], 12)}: {'**' + text(row['task'], 16) + '** ' if row['task'] else ''}"
            f"{text(row['text'], 400)}{', by ' + code(row['command']) if row['command'] else ''}"
        )
    ]


def age(risk: Row, until: datetime) -> str:
    """Say for how long a risk has stood at a moment in UTC, where that is known."""
    if not risk["since"]:
        return ""
    return f", for {duration((until.replace(tzinfo=UTC) - datetime.fromisoformat(risk['since'])).total_seconds())}"
