"""`up` and `down`: the home's Prefect server, which runs in the background until it is stopped."""

from pathlib import Path

import click

from orchestrator import server
from orchestrator.cli import options
from orchestrator.home import Home


@click.command()
@options.home
def up(home: Path, plan_file: Path | None) -> None:
    """Start the home's Prefect server, if it does not run, and print its address."""
    click.echo(server.up(Home(home)).ui)


@click.command()
@options.home
def down(home: Path, plan_file: Path | None) -> None:
    """Stop the home's Prefect server, once it has written down what it was told."""
    stopped = server.down(Home(home))
    click.echo("stopped" if stopped else "there was no server to stop", err=True)
