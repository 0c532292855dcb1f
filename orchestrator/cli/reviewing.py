"""`review`: have a component judged by the evidence that our own tools give, and show what was said."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options
from orchestrator.cli import words as spoken
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import echo, say
from orchestrator.home import Home

if TYPE_CHECKING:
    from flows.opening import Prepared
    from orchestrator.component_review import Asked
    from orchestrator.models import JsonObject


@click.command(cls=Manual)
@click.option("--component", metavar="C", required=True, help="The component, by number or name, such as 3.")
@click.option(
    "--reviewers",
    metavar="A,B",
    default="",
    help="Who judges: agents by any of their names, or architecture, security, testing, performance, documentation.  "
    "[default: the plan's reviewers of components]",
)
@options.form("table")
@options.equipped
def review(component: str, reviewers: str, form: str, **given: Any) -> None:
    """Have a merged component judged, with evidence from our own tools.

    First these tools take evidence on the merged tree, in the sandbox: line and branch coverage, security findings,
    secrets, types and lint as the project configures them, complexity and timing. Then the reviewers read it side by
    side; each looks for itself and gives a verdict with findings. A veto by security or a block by testing holds the
    component: no release starts until a later review by the same reviewer approves, or you waive it. The same tree is
    not judged twice by the same reviewers.

    Exits with 1 where the verdicts come to anything but approval.

    Examples:
      mbo review --component binary-manager
      mbo review --component 3 --reviewers security,testing
      mbo review --component 3 --format json
    """
    from flows.asked import ask
    from flows.opening import Order, prepare
    from orchestrator.cli import verdicts

    order = Order(plan=given.pop("plan_file"), **given)
    prepared = prepare(order)
    words = [word for word in map(str.strip, reviewers.split(",")) if word]
    asked = ask(prepared, component, words)
    journal = _journal(prepared.home)
    place = asked.recorded(journal)
    if place is None:
        place = _have_reviewed(prepared, asked, component, words)
        journal = _journal(prepared.home)
    else:
        say("on record   the same tree was judged by the same reviewers; nothing is done again")
    told = verdicts.collected(place, journal)
    shown = json.dumps(told, indent=2, ensure_ascii=False) if form == "json" else verdicts.table(told, prepared.plan)
    echo(shown, styled=True)
    if told["decision"] != "approve":
        raise SystemExit(1)


def _have_reviewed(prepared: "Prepared", asked: "Asked", component: str, words: list[str]) -> str:
    """Run the flow and return the id of the event that holds what came of it."""
    from flows.asked import require_verdicts
    from flows.opening import require_sandbox
    from orchestrator.cli import engine, verdicts

    require_verdicts(prepared, asked)
    engine.refuse_busy(prepared.home)
    engine.tell_agents(require_sandbox(prepared))
    subject = asked.subject
    size = f"{spoken.count(len(asked.people), 'reviewer')}, {spoken.count(len(subject.files), 'file')}"
    title = f"component {subject.component} ({subject.name}): {size}"
    starting = engine.begin(prepared.home, title)
    try:
        state = engine.call(
            prepared,
            starting,
            "review",
            component,
            words,
            watch=verdicts.tell,
            say=say,
        )
    except KeyboardInterrupt:
        say("mbo: interrupted; run the same command to go on")
        raise SystemExit(130) from None
    return getattr(state.data, "result", state.data)["review"]


def _journal(home: Home) -> "Mapping[str, JsonObject]":
    """Return every event of the project journal by its id."""
    from orchestrator.events import read_events

    return {record["id"]: record for record in read_events(home)}
