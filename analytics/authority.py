"""The report's section on decisions and on whose word counted: approvals, waivers, holds, deadlocks and pauses."""

from collections.abc import Callable

from analytics.markdown import code, item, phrase, text
from analytics.rows import Ask, Row

OF_AGENTS = "agent"
"""The authority of a decision that an agent took in its own work; any other names the rule behind a ruling."""


def decisions(ask: Ask) -> list[str]:
    """List what agents decided on the design, with their reasons, then every ruling and use of a power."""
    made = ask("decisions")
    designs = [line for row in made if row["authority"] == OF_AGENTS for line in _decision(row)]
    rulings = [line for row in made if row["authority"] != OF_AGENTS for line in _decided(row)]
    told: dict[str, Callable[[Row], list[str]]] = {
        "approvals": _approval,
        "waivers": _waiver,
        "holds": _hold,
        "component_reviews": _review,
        "deadlocks": _deadlock,
        "pauses": _pause,
    }
    powers = [line for name, tell in told.items() for row in ask(name) for line in tell(row)]
    if not designs or not (rulings or powers):
        return [*designs, *rulings, *powers] or ["No decision was recorded."]
    return [*designs, "", "### Rulings and powers", "", *rulings, *powers]


def _decision(row: Row) -> list[str]:
    return item(
        f"**{text(row['task'], 12)}** {code(row['agent'])}: {text(row['subject'], 120)}",
        f"Decided: {text(row['decision'])}",
        f"Because: {text(row['reason'])}",
    )


def _decided(row: Row) -> list[str]:
    """Tell a ruling, resolution or waiver; its subject names a task by its id alone."""
    title = f" {text(row['title'], 120)}" if row["title"] else ""
    return item(
        f"**{text(row['task'], 16)}**{title}: {text(row['decision'])} by {code(row['agent'])} "
        f"({text(row['subject'], 120)}; {text(row['authority'], 40)})",
        f"Because: {text(row['reason'])}",
    )


def _approval(row: Row) -> list[str]:
    if row["decision"] is None:
        return item(f"**{row['task']}** waits for the approval of {code(row['asked'])}.")
    said = "approved" if row["decision"] == "approve" else "rejected"
    reason = f": {text(row['reason'])}" if row["reason"] else "."
    return item(f"**{row['task']}** {said} by {code(row['by_agent'] or row['asked'])}{reason}")


def _waiver(row: Row) -> list[str]:
    what = f"component {row['component']}" if row["scope"] == "component" else f"**{text(row['task'], 12)}**"
    return item(f"{what}: {text(row['power'], 12)} set aside by {code(row['by_agent'])}: {text(row['reason'])}")


def _hold(row: Row) -> list[str]:
    end = f"Lifted: {text(row['lifted_by'])}" if row["lifted"] else f"It stands; lifted by {phrase(row['lifts'])}"
    power, name = text(row["power"], 12), text(row["name"], 36)
    held = f"component {row['component']} ({name}) held by a {power} of {code(row['by_agent'])}"
    return item(f"{held}: {text(row['reason'])}", end)


def _review(row: Row) -> list[str]:
    name = text(row["name"], 36)
    return item(f"component {row['component']} ({name}), review {row['round']}: {text(row['decision'], 24)}.")


def _deadlock(row: Row) -> list[str]:
    if row["resolution"] is None:
        end = "Not resolved."
    else:
        end = f"Resolved by {code(row['by_agent'])}, {text(row['resolution'], 24)}: {text(row['because'])}"
    tasks = ", ".join(text(task, 12) for task in row["tasks"])
    return item(f"**{tasks}** deadlocked ({text(row['cause'], 24)}): {text(row['reason'])}", end)


def _pause(row: Row) -> list[str]:
    return item(f"run {code(row['run'])} stopped itself: {text(row['reason'])}")
