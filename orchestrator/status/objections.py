"""The vetoes and blocks of answers that stand: who objects to which task, and what lifts it."""

from collections.abc import Iterable

from orchestrator.models import Frozen, JsonObject

_POWERS = frozenset({"veto", "block"})


class Objection(Frozen):
    """A veto or a block that is the newest ruling on a task's answers."""

    task: str
    by: tuple[str, ...]
    power: str
    reason: str
    since: str
    event: JsonObject
    """The ruling, as it stands in the journal."""

    @property
    def lifted_by(self) -> str:
        """Return what lifts it, in words that follow `lifted by`."""
        return f"an answer without it, or by `mbo waive {self.task} --reason …`"


def standing(events: Iterable[JsonObject]) -> dict[str, Objection]:
    """Return by task the objections that stand after these events: not ruled on anew, not waived, not merged."""
    found: dict[str, Objection] = {}
    for event in events:
        task, data = event.get("task"), event.get("data", {})
        match event["kind"]:
            case "ruling" if task and "key" in event and data["decision"] in _POWERS:  # not that on a component
                found[task] = Objection(
                    task=task,
                    by=data["by"],
                    power=data["decision"],
                    reason=data["reason"],
                    since=event["time"],
                    event=event,
                )
            case "ruling" | "merged":
                found.pop(task or "", None)
            case "waiver" if data["scope"] == "task" and task in found and data["power"] == found[task].power:
                del found[task]
            case _:
                pass
    return found
