"""Merge conflicts under way: answers that met what others landed, and went back to their agents."""

from collections.abc import Iterable

from orchestrator.models import Frozen, JsonObject


class Conflict(Frozen):
    """An answer that conflicts: whose, in which files, and what landed since it began, newest first."""

    task: str
    agent: str
    files: tuple[str, ...]
    others: tuple[str, ...]
    since: str


def under_way(events: Iterable[JsonObject]) -> list[Conflict]:
    """Return the merge conflicts after which their task has neither merged nor ended."""
    waiting: dict[str, Conflict] = {}
    for event in events:
        match event["kind"]:
            case "conflict":
                waiting[event["task"]] = _conflict(event)
            case "merged" | "outcome" | "rejected":
                waiting.pop(event["task"], None)
            case _:
                pass
    return list(waiting.values())


def _conflict(event: JsonObject) -> Conflict:
    data = event["data"]
    return Conflict(
        task=event["task"], agent=event["agent"], files=data["files"], others=data["tasks"], since=event["time"]
    )
