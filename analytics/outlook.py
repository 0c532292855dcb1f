"""The report's sections that look ahead: risks, and what to do next."""

from analytics.markdown import code, item, text
from analytics.rows import Ask


def risks(ask: Ask) -> list[str]:
    """List the risks with what lifts them, the gravest first."""
    return [
        line
        for row in ask("risks")
        for line in item(
            f"**{row['level']}**{' ' + text(row['task'], 12) if row['task'] else ''}: {text(row['text'], 400)}",
            *([f"Lifted by {text(row['lifted_by'])}."] if row["lifted_by"] else []),
        )
    ] or ["Nothing stands out."]


def next_steps(ask: Ask) -> list[str]:
    """List what to do next, what holds up most first, with its command."""
    return [
        line
        for row in ask("next_steps")
        for line in item(
            f"{text(row['kind'], 12)}: {'**' + text(row['task'], 12) + '** ' if row['task'] else ''}"
            f"{text(row['text'], 400)}{', by ' + code(row['command']) if row['command'] else ''}"
        )
    ]
