"""`demo`: a fresh home and project, one workflow built from start to end, and the proof that the product works."""

import asyncio
import shutil
from pathlib import Path

import click

from orchestrator import selection, server, settings
from orchestrator.cli import options
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import say
from orchestrator.cli.setting_up import set_up
from orchestrator.errors import HomeBusyError, InputError, WorkError
from orchestrator.events import read_events
from orchestrator.home import Home, busy_message, holder, write_json
from orchestrator.plan import load, workflow

WORKFLOW = "binary-manager"
MARK = "demo.json"


@click.command(cls=Manual)
@click.option(
    "--directory",
    metavar="DIR",
    type=options.FOLDER,
    default=Path(".demo"),
    help="Where the demo's home and project are made; an earlier demo there is removed.  [default: .demo]",
)
@options.slots
@options.no_colour
def demo(directory: Path, slots: int) -> None:
    """Build a working MCP server with scripted agents and prove it.

    Takes a minute or two, and neither a key nor an account: the turns of the agents are scripted. What these turns go
    through is real: worktrees, sandbox, gates, reviews, merges, the journal and Prefect. In the end the built
    project's own tests run once more, and a real MCP client asks the built server.

    Example:
      mbo demo --directory /tmp/demo
    """
    from flows.opening import Order, Prepared
    from orchestrator.cli import engine

    home, project = _fresh(directory)
    options.note_home(click.get_current_context(), None, home.root)
    plan = load(settings.BUNDLED_PLAN)
    set_up(home, project, plan)

    def choose(prepared: Prepared) -> selection.Selection:
        return selection.workflow(prepared.plan, WORKFLOW, prepared.merged, with_prerequisites=True)

    order = Order(home=home.root, slots=slots)
    go_on = f"run `mbo coordinate --workflow {WORKFLOW} --with-prerequisites --home {home.root}`"
    if not engine.run(order, choose, "coordinate", WORKFLOW, True, go_on=go_on):
        raise WorkError(f"the demo did not merge whole; see `mbo status --detailed --home {home.root}`")
    from orchestrator.cli import proof  # imports Prefect, which reads the environment that the run above has set

    say("\nProving that it works")
    last = workflow(plan, WORKFLOW).path[-1]
    proof.tell(home.root, project, asyncio.run(proof.prove(order, last)), list(read_events(home)))


def _fresh(directory: Path) -> tuple[Home, Path]:
    """Return an empty home and the place of a project; an earlier demo there is stopped and removed, nothing else."""
    mark = directory / MARK
    if directory.exists() and any(directory.iterdir()) and not mark.exists():
        raise InputError(f"{directory}: holds something that is no demo; choose another --directory")
    home = Home(directory / "home")
    held_by = holder(home)
    if held_by is not None:
        raise HomeBusyError(busy_message(home, held_by))
    if mark.exists():
        server.down(home)
        shutil.rmtree(directory)
    write_json(mark, {"made by": "mbo demo", "may be deleted": True})
    return home, directory / "project"
