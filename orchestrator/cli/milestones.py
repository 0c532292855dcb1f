"""The events that people want to know of while tasks run, each as one line."""

from typing import NamedTuple

from orchestrator.models import JsonObject


class Milestone(NamedTuple):
    """A line about an event: its sign, what happened, the sign's colour, and whether it is told in a log too."""

    sign: str
    text: str
    colour: str
    lasting: bool = False


_OBJECTIONS = {"request_changes": "asks for changes", "veto": "vetoes it", "block": "blocks it"}


def milestone(event: JsonObject, title: str) -> Milestone | None:
    """Return the line about an event of the task called `title`, or None where people need none."""
    data, task, agent = event.get("data", {}), event.get("task"), event.get("agent")
    match event["kind"]:
        case "merged":
            told = f"{task} merged: {title} (+{data['lines_added']} -{data['lines_removed']} lines)"
            return Milestone("✔", told, "green", lasting=True)
        case "check" if data.get("problem"):
            return Milestone("✘", f"{task} {data['name']} red: {data['problem']}", "yellow")
        case "verdict" if data["decision"] != "approve":
            return Milestone("↺", f"{task} {agent} {_OBJECTIONS[data['decision']]}: {data['summary']}", "yellow")
        case "conflict":
            told = f"{task} conflicts with what landed meanwhile: {', '.join(data['files'])}"
            return Milestone("⇄", told, "yellow")
        case "contradiction" if data["state"] == "open":
            told = f"{' and '.join(side['agent'] for side in data['sides'])} contradict each other on {data['subject']}"
            return Milestone("⇄", f"{told}: mbo conflicts", "yellow")
        case "reassigned":
            return Milestone("→", f"{task} goes from {agent} to {data['to']}: {data['reason']}", "yellow")
        case "outcome" if data["status"] != "merged":
            return Milestone("✘", f"{task} {data['status']}: {data['reason']}", "red", lasting=True)
        case "checkout" if not data["result"].startswith("updated"):
            return Milestone("!", f"your checkout is {data['result']}", "yellow", lasting=True)
        case _:
            return None
