"""`agents import`: others' subagents taken into the project, none in place of another unless it is asked for."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from orchestrator.cli import options, words
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import say
from orchestrator.errors import InputError
from orchestrator.home import Home, read_json, write_atomically
from orchestrator.models import Agent

if TYPE_CHECKING:
    from orchestrator.foreign.notes import Notes


class Place(NamedTuple):
    """Where subagents are taken in."""

    folder: Path
    known: dict[str, Path]
    """Which agents the project defines, and where."""
    replace: bool
    """Whether one may take the place of another."""


@click.command("import", cls=Manual)
@click.argument("folder", metavar="DIR", type=options.FOLDER)
@click.option(
    "--project-path", "project", metavar="DIR", type=options.FOLDER, help="The project.  [default: that of the home]"
)
@click.option("--replace", is_flag=True, help="Let an agent take the place of the project's or the bundled one.")
@options.home_alone
def import_(folder: Path, project: Path | None, replace: bool, home: Path) -> None:
    """Take a folder of Claude Code subagents into the project.

    Each file that defines an agent is copied to .claude/agents/ of the project, and what in it has no effect here is
    said. One whose name another agent bears is left out, unless --replace says otherwise. A file that defines none is
    named with line and fault, and ends the command with exit code 2 after all others are taken in.

    Examples:
      mbo agents import ~/.claude/agents --project-path ~/server
    """
    from agents import roster
    from orchestrator.foreign.notes import Notes, listed

    into = project or project_of(home)
    if into is None:
        raise InputError(f"{home}: no project here yet; name one by --project-path")
    files = _files(folder, into)
    notes = Notes(folder)
    place = Place(into / roster.PROJECT_FOLDER, _by_name(into, notes), replace)
    came: dict[str, Path] = {}
    new = [agent.name for agent in _read(files, notes) if _take(agent, place, came, notes)]
    others = [str(file.relative_to(folder)) for file in roster.others(folder)]
    passed = [f"{listed(others)}: no agent; left where it is"] if others else []
    for line in (*notes.left_out, *passed, *notes.faults):
        say(words.flat(line))
    if new:
        say("next      name each in a plan, under `agents` and as the `agent` of its tasks, then")
        say("          mbo plan --plan FILE")
    if notes.faults:
        raise InputError(f"{folder}: {words.count(len(notes.faults), 'fault')}, named above; all the rest was taken in")


def project_of(root: Path) -> Path | None:
    """Return the project that a home serves."""
    record = read_json(Home(root).project_file)
    return Path(record["project"]) if record else None


def _files(folder: Path, project: Path) -> list[Path]:
    from agents import roster

    for place in (folder, project):
        if not place.is_dir():
            raise InputError(f"{place}: there is no such folder; name one that is there")
    files = roster.files(folder)
    if not files:
        raise InputError(f"{folder}: holds no Markdown files that define an agent; name a folder of subagents")
    return files


def _read(files: list[Path], notes: "Notes") -> list[Agent]:
    """Return the agents that files define; each file that defines none is a fault."""
    from agents import definition

    found: list[Agent] = []
    for file in files:
        try:
            found.append(definition.read(file))
        except InputError as error:
            notes.faults.append(str(error))
    return found


def _by_name(project: Path, notes: "Notes") -> dict[str, Path]:
    """Return which agents the project defines, and where."""
    from agents import roster

    known: dict[str, Path] = {}
    for agent in _read(roster.files(project / roster.PROJECT_FOLDER), notes):
        known.setdefault(agent.name, agent.source)
    return known


def _take(agent: Agent, place: Place, came: dict[str, Path], notes: "Notes") -> bool:
    """Copy one definition and say so, or say why not; tell whether it is new."""
    from agents import subagent

    if agent.name in came:
        notes.faults.append(f"{agent.source}: {agent.name} is in {came[agent.name]} as well; the first one counts")
        return False
    came[agent.name] = agent.source
    target = place.known.get(agent.name, place.folder / f"{agent.name}.md")
    text = agent.source.read_bytes()
    is_there = target.is_file() and target.read_bytes() == text
    others = "" if is_there else _others(agent, target)
    if others and not place.replace:
        way = "merge the two by hand, or let it by --replace"
        notes.faults.append(f"{agent.source}: {agent.name} would replace {others}; {way}")
        return False
    if not is_there:
        write_atomically(target, text.decode())
    told = f"is there already, in {target}" if is_there else f"taken in as {target}"
    say(f"{agent.name}: {told}" + (f", in place of {others}" if others else ""))
    for what, why in subagent.without_effect(agent):
        notes.leave(what, agent.name, why)
    return not is_there


def _others(agent: Agent, target: Path) -> str:
    """Return in words in whose place an agent would stand."""
    from agents import roster

    ours = roster.replaced(agent)
    there = f"{target}, which differs" if target.exists() or target.is_symlink() else ""
    return ", and ".join(part for part in (there, roster.told(ours) if ours else "") if part)
