"""The options that several commands share, and what they mean together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestrator import settings
from orchestrator.home import Home, read_json
from orchestrator.models import Plan
from orchestrator.plan import load

Command = Callable[..., Any]

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


def home(command: Command) -> Command:
    """Add `--home` and `--plan` to a command."""
    command = click.option(
        "--plan", "plan_file", type=_FILE, help="Plan file to use instead of the one the home was made for."
    )(command)
    return click.option(
        "--home",
        type=_FOLDER,
        default=settings.default_home,
        envvar="MBO_HOME",
        show_envvar=True,
        help="Context directory [default: ~/.claude/projects/mcp-server].",
    )(command)


def running(command: Command) -> Command:
    """Add what every command that runs tasks takes."""
    for option in reversed(
        (
            click.option(
                "--slots", type=click.IntRange(1, 64), default=4, show_default=True, help="Tasks under way at once."
            ),
            click.option("--playbook", type=_FOLDER, help="Folder of scripted turns instead of the plan's own."),
            click.option(
                "--unsafe-no-sandbox",
                "without_sandbox",
                is_flag=True,
                help="Run what agents and gates run without any isolation. Recorded in the report.",
            ),
        )
    ):
        command = option(command)
    return home(command)


def plan_of(root: Path, plan_file: Path | None) -> Plan:
    """Return the plan that a command means: the one given, the home's, or the bundled one."""
    record = read_json(Home(root).project_file) if plan_file is None else None
    return load(plan_file or (Path(record["plan"]) if record else settings.BUNDLED_PLAN))
