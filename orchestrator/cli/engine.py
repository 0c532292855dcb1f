"""Running a flow from the terminal: refuse what cannot work, start the server beside it, show it, sum it up."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import click

from flows.opening import Order, Prepared, prepare, require_turns
from orchestrator import selection, server
from orchestrator.cli.display import display
from orchestrator.errors import HomeBusyError, OrchestratorError, WorkError
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
    from prefect import tags  # two seconds, spent while the server starts

    from flows.selected import say, watcher

    ready = server.ready(home, starting)
    server.sweep(ready)
    click.echo(f"Prefect UI {ready.ui}", err=True)
    outcomes: dict[str, JsonObject] = {}

    def note(event: JsonObject) -> None:
        if event["kind"] == "outcome":
            outcomes[event["task"]] = event["data"]

    with display(prepared.plan, chosen, prepared.merged) as show, tags(server.process_tag(), prepared.plan.name):
        watcher.set(lambda event: (note(event), show(event)) and None)
        say.set(lambda text: click.echo(text, err=True))
        state = asyncio.run(_until_signalled(flow(prepared.order, return_state=True)))
    _raise_error(command, state)
    return outcomes


async def _until_signalled(going: Awaitable[Any]) -> Any:
    """Await the flow; SIGTERM ends it like Ctrl-C does: everything it started is stopped first."""
    task = asyncio.ensure_future(going)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _raise_error(command: str, state: Any) -> None:
    """Raise what ended the flow, if it was no ordinary end."""
    error = state.data if isinstance(state.data, BaseException) else None
    if isinstance(error, OrchestratorError):
        raise error
    if error is not None or state.is_crashed():
        raise WorkError(f"{command}: ended unforeseen ({state.message}); what is merged stands, run it again to go on")


def _sum_up(outcomes: dict[str, JsonObject], chosen: Selection) -> None:
    merged = _merged(outcomes)
    click.echo(f"{chosen.title}: {len(merged)} merged, {len(outcomes) - len(merged)} not", err=True)
    for task_id, outcome in outcomes.items():
        if task_id not in merged:
            click.echo(f"  {task_id} {outcome['status']}: {outcome['reason']}", err=True)


def _merged(outcomes: dict[str, JsonObject]) -> frozenset[str]:
    return frozenset(task_id for task_id, outcome in outcomes.items() if outcome["status"] == "merged")
