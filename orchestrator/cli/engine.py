"""Running a flow from the terminal: refuse what cannot work, start the server beside it, show it, sum it up."""

import importlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flows import resting
from flows.opening import Order, Prepared, make_up, prepare, require_sandbox, require_turns
from orchestrator import server
from orchestrator import team as teams
from orchestrator.cli import options, summary, syncing, words
from orchestrator.cli.display import display
from orchestrator.cli.screen import say
from orchestrator.errors import HomeBusyError
from orchestrator.home import Home, busy_message, holder
from orchestrator.models import JsonObject
from orchestrator.selection import Selection
from orchestrator.team import Team


@dataclass
class Seen:
    """What was seen to come of a run so far."""

    outcomes: dict[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    merged: set[str] = field(default_factory=set[str])
    seconds: float = 0.0
    """How long the run lasted, as the journal has it; 0 until it has ended."""
    paused: str = ""
    """Why the run started nothing more, if it paused."""
    checkout: str = ""
    """What became of the user's checkout at the last merge."""
    moved: JsonObject | None = None
    """What a sync moved."""
    refused: dict[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    """The answers that did not land: by task, the conflict or the red checks."""

    def note(self, event: JsonObject) -> None:
        """Take in one event."""
        match event["kind"]:
            case "merged":
                self.merged.add(event["task"])
            case "outcome":
                self.outcomes[event["task"]] = event["data"]
            case "run_ended":
                self.seconds = event["data"]["seconds"]
            case "breaker":
                self.paused = event["data"]["reason"]
            case "checkout":
                self.checkout = event["data"]["result"]
            case "sync":
                self.moved = event["data"]
            case "conflict" | "rejected":
                self.refused[event["task"]] = event["data"]
            case _:
                pass


def run(
    order: Order,
    choose: Callable[[Prepared], Selection],
    flow: str,
    *given: Any,
    then: str | None = None,
    team: Callable[[Prepared], Team] | None = None,
    go_on: str = "run the same command",
) -> bool:
    """Run the flow of this name, with `given`, for what `choose` selects; tell whether all of it is merged now.

    What is merged already starts nothing: no server, no Prefect. `then` names a task whose freed dependents are told;
    `team` gives those who sync at the end, even where a kill left only that to do; `go_on` tells whoever interrupts
    the run how to go on with it.
    """
    prepared = prepare(order)
    chosen = choose(prepared)
    todo = chosen.tasks - prepared.merged
    seen = Seen()
    if todo:
        _refuse(prepared, todo)
        began = time.monotonic()
        try:
            _run_flow(prepared, chosen, flow, given, seen)
        except KeyboardInterrupt:
            told = f"interrupted with {len(seen.merged)} of {words.count(len(todo), 'task')} merged; {go_on} to go on"
            say(f"mbo: {told}")
            raise SystemExit(130) from None
        say()
        summary.tell(
            chosen.title, prepared.plan, seen.outcomes, len(todo), seconds=seen.seconds, whole=time.monotonic() - began
        )
        summary.tell_pause(seen.paused, prepared.plan, go_on)
        summary.tell_checkout(seen.checkout, prepared.project, prepared.home)
    else:
        make_up(prepared)
        say(f"{chosen.title}: merged already, there is nothing to do")
        seen.moved = resting.sync(prepared, team(prepared)) if team else None
    if seen.moved:
        syncing.tell_short(seen.moved)
    merged = prepared.merged | seen.merged
    if then is not None and then in merged:
        summary.tell_free(prepared.plan, then, merged)
    return chosen.tasks <= merged


def sync(order: Order, agents: str, phase: int | None) -> bool:
    """Sync the agents named and print what moved; tell whether all finished work has landed.

    Where nothing is left to move nothing is started: no server, no Prefect.
    """
    prepared = prepare(order)
    team = teams.named(prepared.plan, agents, phase)
    refuse_busy(prepared.home)
    make_up(prepared)
    seen = Seen()
    if resting.is_behind(prepared, team):
        tell_sandbox(require_sandbox(prepared))
        starting = begin(prepared.home, f"sync {team.title}")
        call(prepared, starting, "sync", agents, phase, watch=seen.note, say=say)
    unlanded = {task: data for task, data in seen.refused.items() if task not in seen.merged}
    syncing.tell(team, prepared.plan, seen.moved, unlanded, options.again(order.home, order.plan))
    summary.tell_checkout(seen.checkout, prepared.project, prepared.home)
    return not unlanded


def refuse_busy(home: Home) -> None:
    """Refuse a home that another run holds, and say which one."""
    held_by = holder(home)
    if held_by is not None:
        raise HomeBusyError(busy_message(home, held_by))


def _refuse(prepared: Prepared, todo: frozenset[str]) -> None:
    """Refuse what cannot work before anything is started."""
    require_turns(prepared, todo)
    refuse_busy(prepared.home)
    tell_agents(require_sandbox(prepared))


def tell_agents(level: str) -> None:
    """Say who acts as the agents, and what isolates what they run."""
    say("agents    scripted (playbook): their turns are played, no model is called")
    tell_sandbox(level)


def tell_sandbox(level: str) -> None:
    """Say so where nothing isolates what agents and gates run."""
    if level == "none":
        say("sandbox   none: what agents and gates run is not isolated from this machine")


def _run_flow(prepared: Prepared, chosen: Selection, flow: str, given: tuple[Any, ...], seen: Seen) -> None:
    """Run the flow to its end; `seen` notes what comes of it."""
    todo = len(chosen.tasks - prepared.merged)
    starting = begin(prepared.home, f"{chosen.title}: {todo} of {words.count(len(chosen.tasks), 'task')} to do")
    with display(prepared.plan, chosen, prepared.merged) as (show, say):
        call(
            prepared,
            starting,
            flow,
            *given,
            watch=lambda event: (seen.note(event), show(event)),
            say=say,
        )


def begin(home: Home, now: str) -> server.Server:
    """Begin to start the home's Prefect server, if it does not run, and say where its UI is and what is done `now`."""
    starting = server.begin(home)
    say(f"Prefect   {starting.ui}")
    say(f"now       {now}")
    return starting


def call(
    prepared: Prepared,
    starting: server.Server,
    flow: str,
    *given: Any,
    watch: Callable[[JsonObject], object],
    say: Callable[[str], None],
) -> Any:
    """Run the flow of this name, in the module of the same name, with the order and `given`; return its end state."""
    launch, start, tag = _with_prefect(prepared.home, starting, flow)
    return launch(
        lambda: start(prepared.order, *given, return_state=True),
        tags=(tag, prepared.plan.name),
        watch=watch,
        say=say,
    )


def _with_prefect(home: Home, starting: server.Server, flow: str) -> tuple[Callable[..., Any], Callable[..., Any], str]:
    """Return the launcher, the flow and this process's tag, once Prefect is imported and its server answers."""
    os.environ.update(server.environment(home, starting))
    from flows.launch import launch  # imports Prefect: two seconds, spent while the server starts

    start = getattr(importlib.import_module(f"flows.{flow}"), flow)
    ready = server.ready(home, starting)
    if ready.url != starting.url:  # another program took its port meanwhile
        say(f"Prefect   {ready.ui}")
        os.environ.update(server.environment(home, ready))
    server.sweep(ready)
    return launch, start, server.process_tag()
