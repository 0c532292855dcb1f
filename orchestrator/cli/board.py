"""What is under way in a run, told from its events: one line for each active agent, and a bar over the tasks."""

import time
from collections.abc import Iterable

from orchestrator.authority import USER
from orchestrator.cli.table import bar
from orchestrator.cli.words import count, padded, prefix, shorten
from orchestrator.models import JsonObject, Plan
from orchestrator.plan import gate
from orchestrator.status.doing import VERBS
from orchestrator.status.lasting import in_words

_DOING = {
    "bash": "shell",
    "str_replace_based_edit_tool": "files",
    "send_message": "message",
    "record_decision": "decision",
    "share_knowledge": "knowledge",
    "search_knowledge": "knowledge",
    "approve_knowledge": "knowledge",
    "finish": "hands over",
    "submit_verdict": "verdict",
}
_BAR = 24


def tools_in_words(tools: Iterable[str]) -> str:
    """Return what an agent does by calling these tools, each named once."""
    return ", ".join(dict.fromkeys(_DOING.get(str(name), str(name)) for name in tools))


class Board:
    """Keep who does what since when; told events in one thread, read in another."""

    def __init__(self, plan: Plan, total: int, done: int) -> None:
        """Begin with `done` of `total` tasks of a plan."""
        self.total = total
        self.done = done
        self.lost = 0
        """How many tasks failed or are blocked by one that did."""
        self.note = "waits for Prefect"
        """What goes on before any agent is active."""
        self._prefix = prefix(plan)
        self._last_check = {task.id: gate(plan, task)[-1].name for task in plan.tasks}
        self._began = time.monotonic()
        self._active: dict[tuple[str, str], tuple[str, float]] = {}
        """From a task and an agent, or the task's gate or merge, to what goes on there and since when."""

    def take(self, event: JsonObject) -> None:
        """Take in one event."""
        task, agent, data = event.get("task") or "", event.get("agent") or "", event.get("data", {})
        match event["kind"]:
            case "session_started":
                self._end(task, "gate")
                self._end(task, "review")
                self._begin(task, agent, VERBS[data["role"]])
            case "turn":
                verb = VERBS[data["role"]]
                tools = tools_in_words(data["tools"])
                told = f": {tools}" if tools else ""
                self._go_on(task, agent, f"{verb}, turn {data['turn']}{told}")
            case "answer":
                self._end(task, agent)
                self._begin(task, "gate", "checks the answer")
            case "check" if self._is_last(event):
                self._end(task, "gate")
                self._begin(task, "review", "waits for its reviewers")
            case "verdict" | "resolution":
                self._end(task, agent)
            case "ruling" if data["decision"] == "approve":
                self._end(task, "review")
                self._begin(task, "merge", "merges it and checks the merged tree")
            case "conflict" | "rejected":
                self._end(task, "merge")
            case "deferred":
                self._end_all(task)
            case "outcome":
                self._end_all(task)
                self.done += data["status"] == "merged"
                self.lost += data["status"] != "merged"
            case kind:
                self._take_approval(kind, task, data)

    def lines(self, width: int, height: int) -> list[str]:
        """Return at most `height` lines of at most `width` characters, the bar last."""
        now = time.monotonic()
        active = [self._line(place, *doing, now, width) for place, doing in list(self._active.items())]
        more = len(active) - (height - 1)
        if more > 0:
            active = [*active[: height - 2], f"       and {more + 1} more"]
        lost = f", {self.lost} not" if self.lost else ""
        last = f"{bar(self.done, self.total, _BAR)}  {self.done} of {count(self.total, 'task')} merged{lost}"
        note = "" if active else f", {self.note}"
        return [*active, shorten(f"{last}, {in_words(now - self._began)}{note}", width)]

    def _line(self, place: tuple[str, str], what: str, began: float, now: float, width: int) -> str:
        task, who = place
        took = in_words(now - began)
        told = f"{task:>5}  {who.removeprefix(self._prefix):<22}  {what}"
        room = width - len(took) - 2
        return f"{padded(shorten(told, room), room)}  {took}"

    def _take_approval(self, kind: str, task: str, data: JsonObject) -> None:
        """Take in that a design is to be approved, or that somebody has decided."""
        if kind == "approval_requested":
            self._end(task, "merge")
            self._begin(task, "approval", f"waits for {'you' if data['by'] == USER else data['by']}")
        elif kind == "approval":
            self._end(task, "approval")
            if data["decision"] == "approve":
                self._begin(task, "merge", "merges it and checks the merged tree")

    def _is_last(self, event: JsonObject) -> bool:
        """Tell whether an event is the last check of an answer, and green."""
        data = event["data"]
        is_last = data["name"] == self._last_check.get(event["task"])
        return is_last and data["stage"] == "answer" and not data.get("problem")

    def _begin(self, task: str, who: str, what: str) -> None:
        self._active[task, who] = (what, time.monotonic())

    def _go_on(self, task: str, who: str, what: str) -> None:
        _, began = self._active.get((task, who), ("", time.monotonic()))
        self._active[task, who] = (what, began)

    def _end_all(self, task: str) -> None:
        for place in [place for place in self._active if place[0] == task]:
            self._end(*place)

    def _end(self, task: str, who: str) -> None:
        self._active.pop((task, who), None)
