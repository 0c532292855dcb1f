"""The figures of each phase and of the whole report, added up from those of their parts."""

from collections.abc import Iterable, Sequence

from analytics.rows import Ask, Row

STATES = ("failed", "blocked", "skipped", "in_work", "waiting")
"""What a task is in that is not merged, as columns."""

_COUNTED = ("tasks", "merged", *STATES)
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def progress(ask: Ask) -> list[Row]:
    """Return a row for each phase: its number and name, and how many of its tasks are in each state."""
    components = ask("components")
    return [
        {**phase, **_sums([row for row in components if row["phase"] == phase["number"]], _COUNTED)}
        for phase in ask("phases")
    ]


def totals(ask: Ask) -> list[Row]:
    """Return one row: tasks by state, lines, checks, tests, turns, tokens, dollars, and how much was done again."""
    begun = [task for task in ask("tasks") if task["rounds"]]
    return [
        {
            **_sums(ask("progress"), _COUNTED),
            **_sums(ask("lines"), ("files", "added", "removed")),
            **_sums(ask("checks"), ("ran", "passed", "red", "tests_passed")),
            **_sums(ask("costs"), ("turns", *_TOKENS, "known_dollars", "unpriced_turns")),
            "begun": len(begun),
            "reworked": sum(task["rounds"] > 1 for task in begun),
            "rounds": sum(task["rounds"] for task in begun),
            "seconds": sum(run["seconds"] or 0 for run in ask("runs")),
        }
    ]


def _sums(rows: Sequence[Row], columns: Iterable[str]) -> Row:
    return {column: sum(row[column] for row in rows) for column in columns}
