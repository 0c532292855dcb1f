"""Where every task of a plan stands now, and the one reason why it waits, read from the project journal."""

from collections.abc import Mapping
from typing import Literal

from orchestrator.events import read_events
from orchestrator.home import Home, holder
from orchestrator.models import Frozen, JsonObject, Plan
from orchestrator.schedule import Schedule

State = Literal["merged", "running", "failed", "waiting"]


class Standing(Frozen):
    """Where one task stands: its state, the reason in words, and what is known of the work on it."""

    task: str
    state: State
    reason: str
    doing: str = ""
    """What its agent or reviewers do now, while it runs."""
    since: str = ""
    attempts: int = 0


class Board(Frozen):
    """Where a whole plan stands."""

    tasks: tuple[Standing, ...]
    run: JsonObject | None = None
    """What the run that holds the home says of itself, if one does."""
    last_run: JsonObject | None = None
    """How the newest run ended, if it has."""

    def count(self, state: State) -> int:
        """Return how many tasks are in a state."""
        return sum(standing.state == state for standing in self.tasks)


def read(home: Home, plan: Plan) -> Board:
    """Return where the plan stands; beside a running build as well."""
    events = list(read_events(home))
    run = holder(home)
    started = next((event for event in reversed(events) if event["kind"] == "run_started"), None)
    merged = {event["task"]: event for event in events if event["kind"] == "merged"}
    failed = {event["task"]: event for event in events if event["kind"] == "outcome"}
    failed = {task: event for task, event in failed.items() if event["data"]["status"] == "failed"}
    running = _running(events, started["run"]) if run and started else {}
    reasons = _reasons(plan, merged, running, started)
    tasks = [_standing(task.id, merged, running, failed, reasons) for task in plan.tasks]
    ended = next((event for event in reversed(events) if event["kind"] == "run_ended"), None)
    return Board(tasks=tuple(tasks), run=run, last_run=ended)


def _running(events: list[JsonObject], run: str) -> dict[str, list[JsonObject]]:
    """Return the events of each task that the run has started and not ended."""
    own: dict[str, list[JsonObject]] = {}
    for event in events:
        task = event.get("task")
        if event["run"] == run and task:
            own.setdefault(task, []).append(event)
    return {task: seen for task, seen in own.items() if not any(event["kind"] == "outcome" for event in seen)}


def _reasons(
    plan: Plan, merged: Mapping[str, JsonObject], running: Mapping[str, object], started: JsonObject | None
) -> dict[str, str]:
    """Return why each task that is neither merged nor running waits."""
    known = {task.id for task in plan.tasks}
    slots = started["data"]["slots"] if started and running else len(known)
    schedule = Schedule(plan, known, set(merged) & known, max(slots, len(running), 1))
    for task in running:
        if task in {item.id for item in schedule.ready()}:
            schedule.start(task)
    return schedule.waiting()


def _standing(
    task: str,
    merged: Mapping[str, JsonObject],
    running: Mapping[str, list[JsonObject]],
    failed: Mapping[str, JsonObject],
    reasons: Mapping[str, str],
) -> Standing:
    if task in running:
        seen = running[task]
        attempts = max((event["data"].get("attempt", 1) for event in seen), default=1)
        doing = _doing(seen[-1])
        return Standing(task=task, state="running", reason=doing, doing=doing, since=seen[0]["time"], attempts=attempts)
    if task in merged:
        return Standing(task=task, state="merged", reason=f"merged as {merged[task]['data']['commit'][:12]}")
    if task in failed:
        data = failed[task]["data"]
        return Standing(task=task, state="failed", reason=data["reason"], attempts=data["attempts"])
    return Standing(task=task, state="waiting", reason=reasons.get(task, "ready to start"))


def _doing(event: JsonObject) -> str:
    """Return in words what a task does after its newest event."""
    data, agent = event.get("data", {}), event.get("agent", "")
    match event["kind"]:
        case "session_started":
            verb = "works" if data["role"] == "work" else "reviews"
            return f"{agent} {verb}, round {data['round']}"
        case "turn":
            verb = "works" if data["role"] == "work" else "reviews"
            return f"{agent} {verb}, round {data['round']}, turn {data['turn']}"
        case "answer" | "check":
            return "its gate is checked"
        case "session_ended" | "verdict":
            return "its verdicts are awaited"
        case "ruling" | "conflict" | "rejected":
            return "its answer is integrated" if data.get("decision") == "approve" else "it is sent back for a round"
        case kind:
            return f"under way ({kind.replace('_', ' ')})"
