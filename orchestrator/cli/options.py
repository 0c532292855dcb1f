"""The options that several commands share, and what they mean together."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from orchestrator import planmemory, settings
from orchestrator.cli.screen import say
from orchestrator.home import Home, read_json
from orchestrator.models import Plan

Command = Callable[..., Any]


class Place(click.Path):
    """Take a path and make it absolute; an empty one is a variable that was not set, and no path."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        if not str(value):
            self.fail("it is empty", param, ctx)
        return Path(os.fsdecode(super().convert(Path(value).expanduser(), param, ctx))).absolute()


FOLDER = Place(file_okay=False)
FILE = Place(dir_okay=False)


class Said(click.ParamType[str]):
    """Words that say something: more than spaces."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the words without the spaces around them."""
        return " ".join(str(value).split()) or self.fail("say something: it is blank", param, ctx)


class _Switch(click.ParamType[bool]):
    """Take any text as yes, as the convention for NO_COLOR has it, and none as no."""

    name = "switch"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bool:  # noqa: ARG002 click's own
        """Return whether the switch is on."""
        return bool(value)


def note_home(context: click.Context, _: click.Parameter | None, value: Path) -> Path:
    """Remember which home a command means, for whoever writes down there what nobody foresaw."""
    context.ensure_object(dict)["home"] = value
    return value


def _without_colour(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.color = False


def _above(name: str) -> Any:
    """Return what was given for the command above a subcommand, as in `mbo agents --home DIR import`."""
    context = click.get_current_context()
    return context.parent.params.get(name) if context.parent else None


_HOME = click.option(
    "--home",
    metavar="DIR",
    type=FOLDER,
    default=lambda: _above("home") or settings.default_home(),
    callback=note_home,
    help="Where everything about one project's build is kept.  [default: $MBO_HOME, or ~/.claude/projects/mcp-server]",
)
_PLAN = click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=FILE,
    default=lambda: _above("plan_file"),
    help="Plan to use instead of the one that the home was set up for (at first, the bundled one).",
)
_NO_PLAN = click.option(
    "--plan", metavar="FILE", type=FILE, expose_value=False, help="Taken everywhere; this command reads no plan."
)
no_colour = click.option(
    "--no-color",
    is_flag=True,
    type=_Switch(),
    envvar="NO_COLOR",
    expose_value=False,
    callback=_without_colour,
    help="Print without colours, as the variable NO_COLOR does; what is no terminal never gets any.",
)
slots = click.option(
    "--slots",
    metavar="N",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="How many tasks are under way at once.",
)
_APPROVE = click.option(
    "--approve",
    type=click.Choice(["agent", "ask"]),
    default="agent",
    show_default=True,
    help="Who approves a design before it lands: the agent whom the plan names, or you, by `mbo approve`.",
)
_PLAYBOOK = click.option(
    "--playbook",
    metavar="DIR",
    type=FOLDER,
    help="Folder of scripted turns to go by instead of the plan's own.",
)
_WITHOUT_SANDBOX = click.option(
    "--unsafe-no-sandbox",
    "without_sandbox",
    is_flag=True,
    help="Let agents and gates run commands as you, with no isolation; screen, journal and report say so.",
)


def form(people: Literal["table", "text"]) -> Callable[[Command], Command]:
    """Add `--format` to a command: a table or text for people, as it says, and JSON for programs."""
    return click.option(
        "--format",
        "form",
        type=click.Choice([people, "json"]),
        default=people,
        show_default=True,
        help=f"{'A table' if people == 'table' else 'Text'} for people, or JSON with everything for programs.",
    )


def home(command: Command) -> Command:
    """Add `--home`, `--plan` and `--no-color` to a command."""
    return _HOME(_PLAN(no_colour(command)))


def home_alone(command: Command) -> Command:
    """Add the same options to a command that reads no plan."""
    return _HOME(_NO_PLAN(no_colour(command)))


def equipped(command: Command) -> Command:
    """Add what every command takes that lets agents or gates run something, and what all take."""
    return _PLAYBOOK(_WITHOUT_SANDBOX(home(command)))


def running(command: Command) -> Command:
    """Add what every command takes that has tasks done, beside what `equipped` adds."""
    return slots(_APPROVE(equipped(command)))


def plan_of(root: Path, plan_file: Path | None) -> Plan:
    """Return the plan that a command means: the one given, the home's, or the bundled one."""
    record = read_json(Home(root).project_file) if plan_file is None else None
    return planmemory.load(
        plan_file or (Path(record["plan"]) if record else settings.BUNDLED_PLAN), settings.cache_folder()
    )


def again(root: Path, plan_file: Path | None = None) -> str:
    """Return what to add to a command that we tell people to type, so that it means the same home and plan."""
    home = "" if root == settings.default_home() else f" --home {shlex.quote(str(root))}"
    return home + (f" --plan {shlex.quote(str(plan_file))}" if plan_file else "")


def typed() -> str:
    """Return the arguments that this very command was called with, as they can be typed once more."""
    return shlex.join(click.get_current_context().obj["typed"])


def tell_next(root: Path, plan_file: Path | None, *, is_done: bool) -> None:
    """Say what to type next."""
    same = again(root, plan_file)
    lines = {"why": f"mbo status --detailed{same}", "report": f"mbo report{again(root)}", "again": f"mbo {typed()}"}
    for name in ("report",) if is_done else ("why", "report", "again"):
        say(f"{name:<10}{lines[name]}")
