"""Progress while tasks run: live lines and a bar on a terminal, one line for each milestone elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from orchestrator.cli.table import bar, shorten
from orchestrator.models import JsonObject, Plan
from orchestrator.selection import Selection

Show = Callable[[JsonObject], None]


@contextmanager
def display(plan: Plan, chosen: Selection, merged: frozenset[str]) -> Iterator[Show]:
    """Give a function that shows each event of the run."""
    if not sys.stderr.isatty():
        yield lambda event: _tell(milestone(event))
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    board = Board(len(chosen.tasks), len(chosen.tasks & merged), {task.id: task.title for task in plan.tasks})
    with Live(get_renderable=lambda: board.text(console.width), console=console, refresh_per_second=5) as live:

        def show(event: JsonObject) -> None:
            board.take(event)
            line = milestone(event)
            if line:
                live.console.print(shorten(line, console.width), markup=False, highlight=False)

        yield show


def milestone(event: JsonObject) -> str | None:
    """Return the line for an event that people want to know of, or None."""
    data, task = event.get("data", {}), event.get("task")
    match event["kind"]:
        case "merged":
            return f"✔ {task} merged as {data['commit'][:10]}, +{data['lines_added']} −{data['lines_removed']} lines"
        case "check" if data.get("problem"):
            return f"✘ {task} gate red: {data['name']}: {data['problem']}"
        case "verdict" if data["decision"] != "approve":
            words = {"request_changes": "asks for changes", "veto": "VETOES", "block": "BLOCKS"}
            return f"↺ {task} {event['agent']} {words[data['decision']]}: {data['summary']}"
        case "conflict":
            return f"⇄ {task} conflicts with what landed meanwhile: {', '.join(data['files'])}"
        case "reassigned":
            return f"→ {task} goes from {data['from']} to {data['to']}: {data['reason']}"
        case "outcome" if data["status"] != "merged":
            return f"✘ {task} {data['status']}: {data['reason']}"
        case "checkout" if not data["result"].startswith("updated"):
            return f"! your checkout: {data['result']}"
        case _:
            return None


class Board:
    """What is under way: one line a session, with what it does and since when."""

    def __init__(self, total: int, done: int, titles: dict[str, str]) -> None:
        """Begin with `done` of `total` tasks."""
        self.total = total
        self.done = done
        self._titles = titles
        self._active: dict[str, tuple[str, float]] = {}
        """From a session or a task's checking to what it does and when it began."""

    def take(self, event: JsonObject) -> None:
        """Take in one event."""
        task, agent, data = event.get("task") or "", event.get("agent"), event.get("data", {})
        session = f"{task} {agent}"
        match event["kind"]:
            case "session_started":
                self._active.pop(task, None)
                self._begin(session, f"{task:>5}  {data['role']:<7} {agent}")
            case "turn":
                tools = ", ".join(data["tools"])
                self._note(session, f"{task:>5}  {data['role']:<7} {agent}: turn {data['turn']} {tools}")
            case "answer":
                self._active.pop(session, None)
                self._begin(task, f"{task:>5}  gate    {self._titles.get(task, '')}")
            case "verdict":
                self._active.pop(session, None)
            case "ruling" if data["decision"] == "approve":
                self._begin(task, f"{task:>5}  merge   {self._titles.get(task, '')}")
            case "outcome":
                self._active.pop(task, None)
                self.done += data["status"] == "merged"
            case _:
                return

    def text(self, width: int) -> str:
        """Return the lines for a terminal of this width, the bar last."""
        now = time.monotonic()
        lines = [f"{shorten(what, width - 8)} {now - began:5.0f} s" for what, began in self._active.values()]
        return "\n".join([*lines, f"{bar(self.done, self.total, 30)} {self.done} of {self.total} tasks merged"])

    def _begin(self, name: str, what: str) -> None:
        self._active[name] = (what, time.monotonic())

    def _note(self, name: str, what: str) -> None:
        self._active[name] = (what, self._active.get(name, ("", time.monotonic()))[1])


def _tell(line: str | None) -> None:
    if line:
        click.echo(line, err=True)
