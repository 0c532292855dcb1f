"""The report's first sections: what was built, how far it is, and who built it."""

from analytics.markdown import bar, code, count, dollars, duration, item, table, text
from analytics.rows import Ask, Row, last_build
from analytics.totals import STATES

_BUSY = ("rounds", "reviews", "merged", "failed", "blocked", "in_work")
"""What an agent has any of that had something to do."""


def summary(ask: Ask) -> list[str]:
    """Say in a few lines what was built, what proves it, what it cost, and what it was built with."""
    runs, total = ask("runs"), ask("totals")[0]
    return [
        *_merged(total),
        *_components(ask("lines"), total),
        *_evidence(total),
        *_cost(total),
        *_forecast(ask("forecast")),
        *_runs(runs),
        *_model(runs),
        *_sandbox(runs),
    ]


def progress(ask: Ask) -> list[str]:
    """Show how far each phase is; a state that no task is in has no column."""
    phases = ask("progress")
    states = [state for state in STATES if any(row[state] for row in phases)]
    return table(
        ["phase", "progress", "merged", *(_spoken(state) for state in states)],
        [
            [
                text(f"{row['number']} {row['name']}", 26),
                bar(row["merged"], row["tasks"]),
                f"{row['merged']} of {row['tasks']}",
                *(str(row[state]) for state in states),
            ]
            for row in phases
        ],
        numbers=1 + len(states),
    )


def agents(ask: Ask) -> list[str]:
    """Show what each agent was given and what came of it; a task counts for the agent that had it last."""
    found = [row for row in ask("agents") if any(row[column] for column in _BUSY)]
    idle = [code(row["agent"]) for row in ask("agents") if row not in found]
    states = [state for state in ("failed", "blocked", "in_work") if any(row[state] for row in found)]
    columns = ["planned", "merged", *states, "rounds", "reviews"]
    rows = [[code(row["agent"]), *(str(row[column]) for column in columns), duration(row["seconds"])] for row in found]
    shown = table(["agent", *(_spoken(column) for column in columns), "time"], rows, numbers=len(columns) + 1)
    return _with_idle(shown if rows else [], "Nothing to do so far", idle)


def lines(ask: Ask) -> list[str]:
    """Show the lines that merges added and removed in each component."""
    rows = [row for row in ask("lines") if row["files"]]
    idle = [_component(row) for row in ask("lines") if not row["files"]]
    columns = ("files", "added", "removed", "net")
    total: Row = {column: sum(row[column] for row in ask("lines")) for column in (*columns, "merged", "tasks")}
    shown = table(
        ["component", "merged", "files", "added", "removed", "net"],
        [
            [name, f"{row['merged']} of {row['tasks']}", *(f"{row[column]:,}" for column in columns)]
            for name, row in [*((_component(row), row) for row in rows), ("all", total)]
        ],
        numbers=5,
    )
    return _with_idle(shown if rows else [], "Nothing merged", idle)


def _with_idle(shown: list[str], what: str, idle: list[str]) -> list[str]:
    """Return a table and, in one item below it, the names of what would be a row of zeros."""
    told = item(f"{what}: {', '.join(idle)}.") if idle else []
    return [*shown, *([""] if shown and told else []), *told]


def ahead(row: Row) -> str:
    """Say when a forecast sees the end of what is left."""
    p50, p75, p90 = (duration(row[name]) for name in ("p50", "p75", "p90"))
    return f"{count(row['left'], 'task')} left, merged within {p50} (50 %), {p75} (75 %) or {p90} (90 %) of steady work"


def scripted(runs: list[Row]) -> str:
    """Say whose turns no model took, if there are any."""
    share = _share(runs, "model", "playbook")
    return "" if share is None else f"The turns {share}were scripted by a playbook: no model was called for them."


def bare(runs: list[Row]) -> str:
    """Say what ran without a sandbox, if anything did."""
    share = _share(runs, "sandbox", "none")
    return "" if share is None else f"What agents and checks ran {share}was not isolated from this machine."


def _spoken(state: str) -> str:
    return state.replace("_", " ")


def _component(row: Row) -> str:
    return "not in this plan" if row["number"] is None else text(f"{row['number']} {row['name']}", 36)


def _merged(total: Row) -> list[str]:
    rest = ", ".join(f"{total[state]} {_spoken(state)}" for state in STATES if total[state])
    return item(f"**Merged {total['merged']} of {count(total['tasks'], 'task')}**{'; ' + rest if rest else ''}.")


def _components(rows: list[Row], total: Row) -> list[str]:
    planned = [row for row in rows if row["tasks"]]
    whole = [_component(row) for row in planned if row["merged"] == row["tasks"]]
    begun = [f"{_component(row)} ({row['merged']} of {row['tasks']})" for row in planned if _is_begun(row)]
    added, removed = total["added"], total["removed"]
    return [
        *item(f"Complete components: {', '.join(whole) or 'none yet'}."),
        *(item(f"Begun: {', '.join(begun)}.") if begun else []),
        *item(f"Lines of code: {added:,} added, {removed:,} removed, {added - removed:,} net."),
    ]


def _is_begun(row: Row) -> bool:
    return 0 < row["merged"] < row["tasks"]


def _evidence(total: Row) -> list[str]:
    passed = count(total["tests_passed"], "test")
    return item(f"Checks: {total['passed']:,} of {total['ran']:,} green, {passed} passed in them.")


def _cost(total: Row) -> list[str]:
    cost = dollars(total["known_dollars"], total["unpriced_turns"])
    return item(f"Cost: {cost} for {count(total['turns'], 'turn')}.")


def _forecast(rows: list[Row]) -> list[str]:
    return [line for row in rows for line in item(f"Forecast: {ahead(row)}.", f"{text(row['basis'])}.")]


def _runs(runs: list[Row]) -> list[str]:
    last = last_build(runs)
    lines = item(f"{count(len(runs), 'run')}; the last build: {text(last['status'])}, {duration(last['seconds'])}.")
    checkouts = [row["checkout"] for row in runs if row["checkout"]]
    return lines + (item(f"Checkout: {text(checkouts[-1])}.") if checkouts else [])


def _model(runs: list[Row]) -> list[str]:
    return item(f"Model: {_used(runs, 'model')}. {scripted(runs)}".rstrip())


def _sandbox(runs: list[Row]) -> list[str]:
    return item(f"Sandbox: {_used(runs, 'sandbox')}. {bare(runs)}".rstrip())


def _used(runs: list[Row], column: str) -> str:
    return ", ".join(dict.fromkeys(code(row[column] or "unknown") for row in runs))


def _share(runs: list[Row], column: str, value: str) -> str | None:
    """Say in how many runs `column` was `value`: blank for all of them, None for none."""
    those = sum(row[column] == value for row in runs)
    if not those:
        return None
    return f"of {those} of {len(runs)} runs " if those < len(runs) else ""
