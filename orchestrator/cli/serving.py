"""`up` and `down`: the home's Prefect server, which runs in the background until it is stopped."""

from pathlib import Path

import click

from orchestrator import server
from orchestrator.cli import options
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import echo, say
from orchestrator.home import Home, project_record


@click.command(cls=Manual)
@options.home_alone
def up(home: Path) -> None:
    """Start the home's Prefect server and print its address.

    Does nothing but that where it runs already. Commands that run tasks start it by themselves and leave it running,
    so that its UI shows what they did. Where the variable PREFECT_API_URL names another server, that one is used.
    """
    place = Home(home)
    project_record(place)
    say("waiting for the Prefect server to answer")
    echo(server.up(place).ui)


@click.command(cls=Manual)
@options.home_alone
def down(home: Path) -> None:
    """Stop the home's Prefect server.

    It first gets a moment to write down what it was told. A server that PREFECT_API_URL names is never stopped.
    """
    stopped = server.down(Home(home))
    say("stopped" if stopped else f"no server of {home} runs; there is nothing to stop")
