"""The report's sections on tokens, dollars and time."""

from analytics.markdown import code, count, dollars, duration, item, table, text
from analytics.rows import Ask, Row

_COUNTS = ("turns", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def costs(ask: Ask) -> list[str]:
    """Show each model's tokens and dollars by agent; a price that is not known is never counted as nothing."""
    if not ask("costs"):
        return ["No turn was taken."]
    rows, scripted = divided(ask("costs"))
    models = dict.fromkeys(row["model"] for row in rows)
    shown = [line for model in models for line in _model_costs(model, [row for row in rows if row["model"] == model])]
    if scripted:
        shown += [*item(f"{SCRIPTED}: {', '.join(turns(row) for row in scripted)}."), ""]
    total = _sum(ask("costs"))
    return [*shown, f"All models: {count(total['turns'], 'turn')}, {_dollars(total)}."]


SCRIPTED = "Turns without tokens and cost"


def divided(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows that cost something, or may have, and those that are all zeros but for their turns."""
    free = [row for row in rows if not any(row[name] for name in (*_COUNTS[1:], "unpriced_turns", "known_dollars"))]
    return [row for row in rows if row not in free], free


def turns(row: Row) -> str:
    """Say how many turns an agent took."""
    return f"{text(row['agent'], 60)} {row['turns']:,}"


def times(ask: Ask) -> list[str]:
    """Show how long each run took, and how each task's time was spent."""
    runs = table(
        ["run", "began (UTC)", "model", "sandbox", "status", "time"],
        [
            [
                text(row["id"], 22),
                f"{row['started']:%Y-%m-%d %H:%M}" if row["started"] else "-",
                text(row["model"], 16),
                text(row["sandbox"], 12),
                text(row["status"], 16),
                duration(row["seconds"]),
            ]
            for row in ask("runs")
        ],
        numbers=1,
    )
    return [*runs, "", *_task_times(ask("times"))]


def _model_costs(model: str, rows: list[Row]) -> list[str]:
    body = [
        [name, *(f"{row[column]:,}" for column in _COUNTS), _dollars(row)]
        for name, row in [*((code(row["agent"]), row) for row in rows), ("all", _sum(rows))]
    ]
    headers = ["agent", "turns", "in", "out", "cached", "to cache", "dollars"]
    return [f"Model {code(model)}:", "", *table(headers, body, numbers=6), ""]


def _sum(rows: list[Row]) -> Row:
    return {name: sum(row[name] for row in rows) for name in (*_COUNTS, "unpriced_turns", "known_dollars")}


def _dollars(row: Row) -> str:
    return dollars(row["known_dollars"], row["unpriced_turns"])


def _task_times(rows: list[Row]) -> list[str]:
    if not rows:
        return []
    columns = ("working", "reviewing", "checking", "whole")
    total: Row = {"task": "all", **{column: sum(row[column] or 0 for row in rows) for column in columns}}
    return table(
        ["task", *columns],
        [[row["task"], *(duration(row[column]) for column in columns)] for row in [*rows, total]],
        numbers=4,
    )
