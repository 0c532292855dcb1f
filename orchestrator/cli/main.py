"""The `mbo` command: its subcommands, loaded when called, and the one place where errors become text and exit codes."""

import importlib
import io
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from orchestrator import __version__
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import echo, say
from orchestrator.errors import OrchestratorError, PlanError


class Entry(NamedTuple):
    """A command in the overview: the module beside this one that holds it under its own name, and what it does."""

    module: str
    about: str


SECTIONS = {
    "Set up and look": {
        "init": Entry("setting_up", "Set up a home and a project for a plan."),
        "plan": Entry("planning", "Show what is to be done, by whom, and what it waits for."),
        "status": Entry("telling", "Show where the build stands, also while it runs."),
        "report": Entry("reporting", "Tell from the journal what happened, what it cost and what comes next."),
    },
    "Look closer": {
        "why": Entry("explaining", "Tell why a task is where it is, from its first attempt on."),
        "messages": Entry("mail", "List what agents wrote to each other, and what is unanswered."),
        "knowledge": Entry("learned", "List or search what agents have learned."),
        "agents": Entry("team", "List the agents, their powers and who stands in for whom."),
        "decisions": Entry("deciding", "Show what was decided, by whom and why, and what stands."),
        "conflicts": Entry("conflicting", "Show what contradicts and waits to be settled, and settle it."),
    },
    "Have tasks done": {
        "execute": Entry("running", "Have one task done."),
        "coordinate": Entry("running", "Have a workflow done, such as binary-manager."),
        "phase": Entry("running", "Have every task of one phase done."),
        "build": Entry("running", "Have the whole plan done."),
        "sync": Entry("running", "Have agents share what they know and settle what contradicts."),
        "review": Entry("reviewing", "Have a merged component judged, with evidence from our own tools."),
        "demo": Entry("demo", "Build a working MCP server with scripted agents and prove it."),
    },
    "Decide": {
        "approve": Entry("approving", "Approve a design, or show which ones wait for you."),
        "reject": Entry("approving", "Send a design back, with the reason."),
        "waive": Entry("approving", "Overrule a veto or a block, with the reason."),
    },
    "See the runs in Prefect's UI": {
        "up": Entry("serving", "Start the home's Prefect server and print its address."),
        "down": Entry("serving", "Stop the home's Prefect server."),
    },
}
"""The commands as a newcomer meets them."""

COMMANDS = {name: entry for entries in SECTIONS.values() for name, entry in entries.items()}


class Lazy(Manual, click.Group):
    """Load a command's module only when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's own
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name in COMMANDS:
            return getattr(importlib.import_module(f"orchestrator.cli.{COMMANDS[cmd_name].module}"), cmd_name)
        if cmd_name.startswith("-"):
            return None  # an option, on which click has more to say
        raise click.exceptions.NoSuchCommand(cmd_name, possibilities=list(COMMANDS), ctx=ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 click's own
        """Write the overview without loading any command."""
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.about) for name, entry in entries.items()])


@click.group(
    cls=Lazy,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
)
@click.version_option(__version__, prog_name="mbo", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Have software built by many agents, and merge only what checks prove.

    A plan of small tasks and a roster of specialised agents become a built, tested, reviewed and merged code base.
    Every command can be stopped at any time; the same command goes on from there and repeats nothing.

    Begin with one of these:
      mbo demo
      mbo init --project-path DIR

    Exit codes:
      0    all that was asked for is done
      1    the work failed: a task did not merge, a reviewer objects, a full disk
      2    the input is wrong or this machine lacks something; no task was begun
      130  interrupted

    Data goes to stdout, talk to stderr.

    For completion in bash:
      eval "$(_MBO_COMPLETE=bash_source mbo)"
    """
    if context.invoked_subcommand is None:
        echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; raise SystemExit with a code other than 0 where it did not succeed."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our signs gets others, never an error
    typed = sys.argv[1:] if arguments is None else list(arguments)
    seen: dict[str, object] = {"typed": typed}
    try:
        commands.main(args=typed, prog_name="mbo", standalone_mode=False, obj=seen)
    except (click.Abort, KeyboardInterrupt):
        _end("interrupted", 130)
    except click.UsageError as error:
        _end(_usage(error), error.exit_code)
    except click.ClickException as error:
        _end(error.format_message(), error.exit_code)
    except PlanError as error:
        _end(str(error), error.exit_code)
    except OrchestratorError as error:
        _end(" ".join(str(error).splitlines()), error.exit_code)
    except PermissionError as error:
        _end(f"{error.filename or error}: permission denied; mend its owner or mode, or use another --home", 2)
    except Exception as error:  # noqa: BLE001 what nobody foresaw is told in one line, with all of it in a file
        from orchestrator.cli import unforeseen

        _end(unforeseen.tell(error, ["mbo", *typed], seen.get("home")), 1)


def _end(message: str, code: int) -> None:
    say(f"mbo: {message}")
    sys.exit(code)


def _usage(error: click.UsageError) -> str:
    """Return what was wrong with the words typed, in one line with click's best guess, and whose help to read."""
    guesses = getattr(error, "possibilities", None) or ()
    told = " ".join((error.message if guesses else error.format_message()).split()).removesuffix(".")
    asked = f"; did you mean {guesses[0]!r}?" if guesses else ""
    name = error.ctx.command_path if error.ctx else "mbo"
    return f"{told[:1].lower()}{told[1:]}{asked} (see `{name} --help`)"
