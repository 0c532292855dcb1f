"""What a sync moved, as a table by agent, and in one line at the end of a workflow."""

from collections.abc import Mapping

from orchestrator.cli import table, words
from orchestrator.cli.screen import echo, say
from orchestrator.models import JsonObject, Plan
from orchestrator.team import Team

_TOLD = {
    "merges": "answer landed",
    "resolved": "contradiction resolved",
    "open": "contradiction left open",
    "messages": "message delivered",
    "decisions": "decision shared",
    "knowledge": "record made known",
    "records": "record merged",
}


def tell(team: Team, plan: Plan, moved: JsonObject | None, unlanded: Mapping[str, JsonObject], again: str) -> None:
    """Print what moved, agent by agent, and each answer that did not land with the reason; `again` names the home."""
    if moved:
        echo(_by_agent(plan, moved) + "\n")
    echo(words.hanging(f"sync {team.title}: ", _in_short(moved), table.width()))
    for task, data in unlanded.items():
        echo(words.hanging("  not landed  ", f"{task}: {_why(data)}; its next run mends that", table.width()))
    if moved and moved["moved"].get("open"):
        say(f"`mbo conflicts{again}` shows what is open")


def tell_short(moved: JsonObject) -> None:
    """Print in one line what the sync at the end of a workflow moved."""
    echo(words.hanging("  synced  ", _in_short(moved), table.width()))


def _in_short(moved: JsonObject | None) -> str:
    counts = moved["moved"] if moved else {}
    told = [_counted(counts[what], text) for what, text in _TOLD.items() if counts.get(what)]
    return ", ".join(told) or "nothing to move"


def _counted(number: int, text: str) -> str:
    noun, _, participle = text.partition(" ")
    return f"{words.count(number, noun)} {participle}"


def _by_agent(plan: Plan, moved: JsonObject) -> str:
    kinds = [what for what in _TOLD if moved["moved"].get(what)]
    shared = words.prefix(plan)
    rows = [
        (agent.removeprefix(shared), *(str(counts.get(what, "-")) for what in kinds))
        for agent, counts in moved["by_agent"].items()
    ]
    header = ("agent", *kinds)
    return table.headed(header, rows)


def _why(data: JsonObject) -> str:
    if data["files"]:
        return f"conflicts in {', '.join(data['files'])} with what landed meanwhile"
    red = next(check for check in data["integration"]["checks"] if check["problem"])
    return f"the check {red['name']} of its merge is red: {red['problem']}"
