"""Running a flow from the terminal: refuse what cannot work, start the server beside it, show it, sum it up."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import click

from flows.opening import Order, Prepared, prepare, require_turns
from orchestrator import selection, server
from orchestrator.cli.display import display
from orchestrator.errors import HomeBusyError
from orchestrator.home import busy_message, holder
from orchestrator.models import JsonObject
from orchestrator.selection import Selection

Flow = Callable[..., Awaitable[Any]]


def run(
    command: str,
    order: Order,
    choose: Callable[[Prepared], Selection],
    flow: Flow,
    *,
    then: str | None = None,
) -> bool:
    """Run `flow` for what `choose` selects and tell whether all of it is merged now.

    What is merged already starts nothing: no server, no Prefect. `then` names a task whose freed dependents are told.
    """
    prepared = prepare(order)
    chosen = choose(prepared)
    todo = chosen.tasks - prepared.merged
    if not todo:
        click.echo(f"{chosen.title}: all {len(chosen.tasks)} tasks are merged already; nothing to do", err=True)
        return True
    require_turns(prepared, todo)
    held_by = holder(prepared.home)
    if held_by is not None:
        raise HomeBusyError(busy_message(prepared.home, held_by))
    click.echo(f"{chosen.title}: {len(todo)} of {len(chosen.tasks)} tasks to do", err=True)
    outcomes = _run_flow(command, prepared, chosen, flow)
    _sum_up(outcomes, chosen)
    if then is not None and outcomes.get(then, {}).get("status") == "merged":
        free = selection.ready_after(prepared.plan, then, prepared.merged | _merged(outcomes))
        click.echo(f"ready now  {', '.join(free) or 'nothing more'}", err=True)
    return all(outcome["status"] == "merged" for outcome in outcomes.values())


def _run_flow(command: str, prepared: Prepared, chosen: Selection, flow: Flow) -> dict[str, JsonObject]:
    """Start the server, import Prefect while it starts, and run the flow to its end."""
    home = prepared.home
    starting = server.begin(home)
    os.environ.update(server.environment(home, starting))
    from flows.launch import launch  # imports Prefect: two seconds, spent while the server starts

    ready = server.ready(home, starting)
    server.sweep(ready)
    click.echo(f"Prefect UI {ready.ui}", err=True)
    outcomes: dict[str, JsonObject] = {}

    def note(event: JsonObject) -> None:
        if event["kind"] == "outcome":
            outcomes[event["task"]] = event["data"]

    with display(prepared.plan, chosen, prepared.merged) as show:
        launch(
            lambda: flow(prepared.order, return_state=True),
            tags=(server.process_tag(), prepared.plan.name),
            watch=lambda event: (note(event), show(event)),
            say=lambda text: click.echo(text, err=True),
        )
    return outcomes


def _sum_up(outcomes: dict[str, JsonObject], chosen: Selection) -> None:
    merged = _merged(outcomes)
    click.echo(f"{chosen.title}: {len(merged)} merged, {len(outcomes) - len(merged)} not", err=True)
    for task_id, outcome in outcomes.items():
        if task_id not in merged:
            click.echo(f"  {task_id} {outcome['status']}: {outcome['reason']}", err=True)


def _merged(outcomes: dict[str, JsonObject]) -> frozenset[str]:
    return frozenset(task_id for task_id, outcome in outcomes.items() if outcome["status"] == "merged")
