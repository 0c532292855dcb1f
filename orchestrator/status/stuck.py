"""Deadlocks that nobody has decided on."""

from collections.abc import Iterable

from orchestrator.models import Frozen, JsonObject


class Stuck(Frozen):
    """A deadlock: which tasks hold each other up or themselves, and how."""

    cause: str
    tasks: tuple[str, ...]
    reason: str
    since: str


def undecided(events: Iterable[JsonObject]) -> list[Stuck]:
    """Return the deadlocks that stand after these events: neither resolved, nor ended with a task of theirs."""
    found: list[Stuck] = []
    for event in events:
        task, data = event.get("task"), event.get("data", {})
        match event["kind"]:
            case "deadlock":
                about = {name: data[name] for name in ("cause", "tasks", "reason")}
                found.append(Stuck(**about, since=event["time"]))
            case "resolution":
                found = [item for item in found if item.cause != data["cause"] or task not in item.tasks]
            case "merged" | "outcome":
                found = [item for item in found if task not in item.tasks]
            case _:
                pass
    return found
