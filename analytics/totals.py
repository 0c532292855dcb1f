"""The figures of the whole report in one row."""

from collections.abc import Iterable

from analytics.rows import Ask, Row

STATES = ("failed", "blocked", "skipped", "in_work", "waiting")
"""What a task is in that is not merged, as columns."""

_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def totals(ask: Ask) -> list[Row]:
    """Return one row: tasks by state, lines, checks, tests, turns, tokens, dollars, and how much was done again."""
    begun = [task for task in ask("tasks") if task["rounds"]]
    return [
        {
            **_sums(ask("progress"), ("tasks", "merged", *STATES)),
            **_sums(ask("lines"), ("files", "added", "removed")),
            **_sums(ask("checks"), ("ran", "passed", "red", "tests_passed")),
            **_sums(ask("costs"), ("turns", *_TOKENS, "known_dollars", "unpriced_turns")),
            "begun": len(begun),
            "reworked": sum(task["rounds"] > 1 for task in begun),
            "rounds": sum(task["rounds"] for task in begun),
            "seconds": sum(run["seconds"] or 0 for run in ask("runs")),
        }
    ]


def _sums(rows: Iterable[Row], columns: Iterable[str]) -> Row:
    return {column: sum(row[column] for row in rows) for column in columns}
