"""The report's sections on evidence: checks, reviews, integration points and conflicts."""

from analytics.markdown import code, count, duration, item, table, text
from analytics.rows import Ask, Row


def checks(ask: Ask) -> list[str]:
    """Show which checks ran on which trees, then every red one and who repaired it."""
    rows = ask("checks")
    if not rows:
        return ["No check ran."]
    columns = ("ran", "passed", "red", "tests_passed")
    shown = table(
        ["check", "on", "ran", "green", "red", "tests passed", "time"],
        [
            [
                text(row["name"], 30),
                _tree(row["stage"]),
                *(f"{row[name]:,}" for name in columns),
                duration(row["seconds"]),
            ]
            for row in rows
        ],
        numbers=5,
    )
    red = ask("red_checks")
    return [*shown, "", *([line for row in red for line in _red(row)] or ["No check was red."])]


def reviews(ask: Ask) -> list[str]:
    """Show how many rounds each task took and how they ended, then every veto and block with its reason."""
    rows = ask("reviews")
    if not rows:
        return ["Nothing was reviewed."]
    columns = ("rounds", "approvals", "requested_changes", "vetoes", "blocks")
    shown = table(
        ["task", "ended with", "rounds", "approvals", "changes", "vetoes", "blocks"],
        [[row["task"], _ruling(row), *(str(row[name]) for name in columns)] for row in rows],
        numbers=5,
    )
    objections = [line for row in ask("objections") for line in _objection(row)]
    return [*shown, "", *objections] if objections else shown


def integration_points(ask: Ask) -> list[str]:
    """Name each merged task that brought several components together."""
    rows = ask("integration_points")
    if not rows:
        return ["No merged task joins several components yet."]
    return [
        line
        for row in rows
        for line in item(
            f"**{row['task']}** {text(row['title'], 120)} ({code(row['agent'])}) joins "
            f"{', '.join(text(name, 60) for name in row['components'])}."
        )
    ]


def conflicts(ask: Ask) -> list[str]:
    """Say which merges met a conflict and how each ended, then which decisions and interfaces contradicted others."""
    merges = [line for row in ask("conflicts") for line in _conflict(row)] or ["No merge met a conflict."]
    contradictions = [line for row in ask("contradictions") for line in _contradiction(row)]
    return [*merges, *(["", *contradictions] if contradictions else [])]


def _tree(stage: str | None) -> str:
    return {"answer": "answer", "merged": "merged tree"}.get(stage or "", text(stage))


def _red(row: Row) -> list[str]:
    if row["repaired_by_task"]:
        repair = (
            f"Repaired by {row['repaired_by_task']} in {_when(row['repaired_in_attempt'], row['repaired_in_round'])} "
            f"({code(row['repaired_by_agent'])})."
        )
    else:
        repair = "Not repaired."
    where = f"{text(row['name'], 40)} on the {_tree(row['stage'])}, {_when(row['attempt'], row['round'])}"
    return item(f"**{row['task']}** {where} ({code(row['agent'])}): {text(row['problem'])}", repair)


def _ruling(row: Row) -> str:
    return f"{text(row['ruling'])} ({text(row['rule'], 24)})" if row["ruling"] else "no ruling yet"


def _objection(row: Row) -> list[str]:
    when = _when(row["attempt"], row["round"])
    return item(f"**{row['task']}** {row['decision']} by {code(row['reviewer'])}, {when}: {text(row['summary'])}")


def _conflict(row: Row) -> list[str]:
    met = f" with {', '.join(row['met'])}" if row["met"] else ""
    files = ", ".join(code(name) for name in row["files"][:5])
    more = f" and {count(len(row['files']) - 5, 'more file')}" if len(row["files"]) > 5 else ""
    when = _when(row["attempt"], row["round"])
    return item(
        f"**{row['task']}** ({code(row['agent'])}, {when}){met} in {files or 'no named file'}{more}.", _end(row)
    )


def _contradiction(row: Row) -> list[str]:
    sides = [
        f"{text(side['task'], 12)} {code(side['agent'])}{' (stands)' if side['id'] == row['kept'] else ''}: "
        f"{text(side['text'])}"
        for side in row["sides"]
    ]
    if row["state"] == "open":
        end = "Open: nobody has said which one stands."
    else:
        end = f"Resolved by {code(row['by_agent'])}: {text(row['reason'])}"
    return item(f"two sides on one {text(row['about'], 24)}, {text(row['subject'], 120)}", *sides, end)


def _end(row: Row) -> str:
    if row["repaired_by"]:
        how = f"{code(row['repaired_by'])} was sent to repair it in {_when(row['repair_attempt'], row['repair_round'])}"
    else:
        how = "Nobody was sent to repair it"
    end = f"merged as {code(row['commit'][:12])}" if row["commit"] else f"not merged since, the task is {row['state']}"
    return f"{how}; {end}."


def _when(attempt: int | None, number: int | None) -> str:
    return f"attempt {attempt or '?'} round {number or '?'}"
