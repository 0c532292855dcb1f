"""What a run came to: what merged, what did not and why, what is free now, and what to type next."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from orchestrator import selection
from orchestrator.cli import table, words
from orchestrator.cli.screen import echo, say
from orchestrator.home import Home
from orchestrator.models import JsonObject, Plan
from orchestrator.status.lasting import in_words

_WORTH_TELLING = 10.0  # seconds
_COLOURS = {"merged": "green", "failed": "red", "blocked": "yellow"}


def tell(
    title: str, plan: Plan, outcomes: Mapping[str, JsonObject], todo: int, *, seconds: float, whole: float
) -> None:
    """Print how many of the tasks to do merged, and each one that did not with the reason.

    `seconds` is how long the run lasted, as the report has it; `whole` includes what made it ready, such as the server
    and the toolchain.
    """
    merged = [task.id for task in plan.tasks if outcomes.get(task.id, {}).get("status") == "merged"]
    echo(f"{title}: {len(merged)} of {words.count(todo, 'task')} merged in {_lasted(seconds or whole, whole)}")
    if merged:
        _print("merged", " ".join(merged))
    for word, told in _unmerged(plan, outcomes):
        _print(word, told)


def _lasted(seconds: float, whole: float) -> str:
    before = whole - seconds
    return in_words(seconds) + (f", after {in_words(before)} to get ready" if before >= _WORTH_TELLING else "")


def _unmerged(plan: Plan, outcomes: Mapping[str, JsonObject]) -> Iterator[tuple[str, str]]:
    unmerged = {task: outcome for task, outcome in outcomes.items() if outcome["status"] != "merged"}
    for status in ("failed", "blocked", "skipped"):
        for task in plan.tasks:
            outcome = unmerged.get(task.id)
            if outcome and outcome["status"] == status:
                yield status, f"{task.id} {task.title}: {words.short(outcome['reason'], plan)}"


def tell_free(plan: Plan, task_id: str, merged: frozenset[str]) -> None:
    """Print the tasks that a merged one has set free."""
    titles = {task.id: task.title for task in plan.tasks}
    free = selection.ready_after(plan, task_id, merged)
    for task in free:
        _print("ready", f"{task} {titles[task]}")
    if not free:
        waiting = [task.id for task in plan.tasks if task_id in task.deps and task.id not in merged]
        verb = "waits" if len(waiting) == 1 else "wait"
        told = f"nothing yet: {', '.join(waiting)} {verb} for others too" if waiting else "nothing more waits for it"
        _print("ready", told)


def tell_pause(reason: str, plan: Plan, go_on: str) -> None:
    """Print why a run started nothing more, if it paused, and what to do."""
    if reason:
        _print("paused", f"{words.short(reason, plan)}; mend the cause, then {go_on} to go on")


def tell_checkout(result: str, project: Path, home: Home) -> None:
    """Print why the user's checkout did not follow the last merge, if so, and how to bring it up to date."""
    if not result.startswith("left alone"):
        return
    from orchestrator.workspace import Repository

    pull = f"git -C {shlex.quote(str(project))} pull {shlex.quote(str(home.repository))} {Repository(home).branch}"
    say(f"checkout  {words.flat(result)}; to bring it up to date:\n          {pull}")


def _print(word: str, told: str) -> None:
    head = f"  {word:<8}"
    text = words.hanging(head, told, table.width())
    echo(text.replace(word, click.style(word, fg=_COLOURS.get(word)), 1), styled=True)
