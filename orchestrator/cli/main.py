"""The `mbo` command: its subcommands, loaded when called, and the one place where errors become text and exit codes."""

import importlib
import sys

import click

from orchestrator import __version__
from orchestrator.errors import OrchestratorError

_COMMANDS = {
    "init": "setting_up",
    "plan": "planning",
    "execute": "running",
    "coordinate": "running",
    "phase": "running",
    "build": "running",
    "status": "telling",
    "report": "telling",
    "up": "serving",
    "down": "serving",
    "demo": "demo",
}
"""Each command and the module beside this one that holds it as a function of its name."""


class Lazy(click.Group):
    """Load a command's module only when the command, or its help, is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order in which a newcomer meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        module = _COMMANDS.get(cmd_name)
        return getattr(importlib.import_module(f"orchestrator.cli.{module}"), cmd_name) if module else None


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mbo")
def commands() -> None:
    """Have software built by many agents, and merge only what checks prove.

    A plan of small tasks and a roster of specialised agents become a built, tested, reviewed and merged code base.
    Start with `mbo demo`, or with `mbo init --project-path DIR`.
    """


def main() -> None:
    """Run the command line; exit code 2 for wrong input, 1 where the work failed, 130 when interrupted."""
    try:
        commands(prog_name="mbo", standalone_mode=False)
    except click.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        click.echo("mbo: interrupted; run the same command to go on", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OrchestratorError as error:
        click.echo(f"mbo: {error}", err=True)
        sys.exit(error.exit_code)
