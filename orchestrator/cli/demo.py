"""`demo`: a fresh home and project, one workflow built from start to end, and the proof that the product works."""

import asyncio
import shutil
from pathlib import Path

import click

from orchestrator import selection, server, settings
from orchestrator.errors import InputError, WorkError
from orchestrator.events import read_events
from orchestrator.home import Home, write_json
from orchestrator.plan import load, workflow

WORKFLOW = "binary-manager"
MARK = "demo.json"


@click.command()
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".demo"),
    show_default=True,
    help="Where the demo's home and project are made anew.",
)
@click.option("--slots", type=click.IntRange(1, 64), default=4, show_default=True, help="Tasks under way at once.")
def demo(directory: Path, slots: int) -> None:
    """Build a working MCP server with scripted agents, in about a minute, without a key or an account.

    The turns of the agents are scripted; worktrees, sandbox, gates, reviews, merges and the journal are not.
    """
    from flows.opening import Order, Prepared
    from orchestrator.cli import engine, proof
    from orchestrator.cli.setting_up import set_up

    home, project = _fresh(directory.absolute())
    plan = load(settings.BUNDLED_PLAN)
    set_up(home, project, plan, settings.BUNDLED_PLAN)
    click.echo("The agents' turns are scripted (playbook); everything they go through is real.", err=True)

    def choose(prepared: Prepared) -> selection.Selection:
        return selection.workflow(prepared.plan, WORKFLOW, prepared.merged, with_prerequisites=True)

    async def flow(order: Order, **more: object) -> object:
        from flows.coordinate import coordinate

        return await coordinate(order, WORKFLOW, True, **more)  # pyright: ignore[reportCallIssue]

    order = Order(home=home.root, slots=slots)
    if not engine.run(f"demo ({WORKFLOW})", order, choose, flow):
        raise WorkError(f"the demo's workflow did not merge whole; see `mbo status --detailed --home {home.root}`")
    last = workflow(plan, WORKFLOW).path[-1]
    proof.tell(home.root, project, asyncio.run(proof.prove(order, last)), list(read_events(home)))


def _fresh(directory: Path) -> tuple[Home, Path]:
    """Return an empty home and the place of a project; an earlier demo there is stopped and removed, nothing else."""
    mark = directory / MARK
    if directory.exists() and any(directory.iterdir()) and not mark.exists():
        raise InputError(f"{directory}: holds something that is no demo; choose another --directory")
    home = Home(directory / "home")
    if mark.exists():
        server.down(home)
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    write_json(mark, {"made by": "mbo demo", "may be deleted": True})
    return home, directory / "project"
