"""`agents`: who is there, with which powers, and who stands in for whom; `agents import` brings in others' agents."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from orchestrator.cli import options, table, words
from orchestrator.cli.manual import Manual, ManualGroup
from orchestrator.cli.screen import echo, say
from orchestrator.errors import InputError
from orchestrator.home import Home, read_json, write_atomically
from orchestrator.models import Agent, Plan

HEADER = ("agent", "category", "powers", "stood in for by", "defined in")
BUNDLED = "bundled"


@click.group(cls=ManualGroup, invoke_without_command=True, subcommand_metavar="[import …]")
@options.form
@options.home
@click.pass_context
def agents(context: click.Context, form: str, home: Path, plan_file: Path | None) -> None:
    """List the agents, their powers and who stands in for whom.

    Every agent of the plan and every other one that the project defines; where a definition and the plan differ, the
    plan counts, and it is said on stderr.

    Examples:
      mbo agents
      mbo agents import ~/subagents --project-path .
    """
    if context.invoked_subcommand is not None:
        return
    from agents import roster

    loaded = options.plan_of(home, plan_file)
    project = _project(home)
    own = [entry.id for entry in loaded.agents]
    extra = [name for name in roster.load(None, project) if name not in roster.bundled()]
    team = roster.load([*own, *extra], project)
    echo(_as_json(team) if form == "json" else _as_table(team, loaded, project, roster.texts(roster.bundled())))
    for line in roster.disagreements(team, loaded.policy):
        say(f"note      {line}")


@agents.command("import", cls=Manual)
@click.argument("folder", metavar="DIR", type=options.FOLDER)
@click.option(
    "--project-path", "project", metavar="DIR", type=options.FOLDER, help="The project.  [default: that of the home]"
)
@options.home_alone
def import_(folder: Path, project: Path | None, home: Path) -> None:
    """Take a folder of Claude Code subagents into the project.

    Each file that defines an agent is copied to .claude/agents/ of the project. One that is there already with other
    words is left as it is. A file that defines none is named with line and fault, and ends the command with exit code
    2 after all others are copied.

    Examples:
      mbo agents import ~/.claude/agents --project-path ~/server
    """
    from agents import definition, roster

    into = project or _project(home)
    if into is None:
        raise InputError(f"{home}: no project here yet; name one by --project-path")
    faults: list[str] = []
    known = _by_name(into, faults)
    files = [file for file in sorted(folder.rglob("*.md")) if file.name.lower() != "readme.md"]
    if not files:
        raise InputError(f"{folder}: holds no Markdown files; name a folder of subagents")
    for file in files:
        try:
            agent = definition.read(file)
            told = _take(agent, file, into / roster.PROJECT_FOLDER, known)
            say(f"{agent.name}: {told}")
        except InputError as error:
            faults.append(str(error))
    for line in faults:
        say(words.flat(line))
    if faults:
        raise InputError(f"{folder}: {words.count(len(faults), 'fault')}, named above; all the rest was taken in")


def _by_name(project: Path, faults: list[str]) -> dict[str, Path]:
    """Return which agents the project defines, and where."""
    from agents import definition, roster

    known: dict[str, Path] = {}
    for file in sorted((project / roster.PROJECT_FOLDER).rglob("*.md")):
        try:
            known.setdefault(definition.read(file).name, file)
        except InputError as error:
            faults.append(str(error))
    return known


def _take(agent: Agent, file: Path, into: Path, known: dict[str, Path]) -> str:
    """Copy one definition, and return what was done; never in place of a different one.

    Raises:
        InputError: another agent of that name, or another file, is there.
    """
    text = file.read_bytes()
    place = known.get(agent.name, into / f"{agent.name}.md")
    if place.exists() or place.is_symlink():
        if place.is_file() and place.read_bytes() == text:
            return f"is there already, in {place}"
        raise InputError(f"{file}: {agent.name} would replace {place}, which differs; merge the two by hand")
    write_atomically(place, text.decode())
    known[agent.name] = place
    return f"taken in as {place}"


def _project(root: Path) -> Path | None:
    record = read_json(Home(root).project_file)
    return Path(record["project"]) if record else None


def _as_json(team: Mapping[str, Agent]) -> str:
    fields = {"name", "description", "category", "authority", "backups", "tools", "model", "limits"}
    told = [{**agent.model_dump(mode="json", include=fields), "source": str(agent.source)} for agent in team.values()]
    return json.dumps(told, indent=2, ensure_ascii=False)


def _as_table(team: Mapping[str, Agent], plan: Plan, project: Path | None, bundled: Mapping[str, str]) -> str:
    shared = words.prefix(plan)
    rows: list[table.Row] = [
        (
            agent.name.removeprefix(shared),
            agent.category,
            " ".join(agent.authority) or "-",
            " ".join(name.removeprefix(shared) for name in agent.backups) or "-",
            _source(agent, project, bundled),
        )
        for agent in team.values()
    ]
    size = len(HEADER) - all(row[-1] == BUNDLED for row in rows)
    told = table.headed(HEADER[:size], [row[:size] for row in rows])
    foot = words.count(len(rows), "agent") + (f", named without `{shared}`" if shared else "")
    return f"{told}\n\n{foot}"


def _source(agent: Agent, project: Path | None, bundled: Mapping[str, str]) -> str:
    """Return where the project defines an agent, unless it is as it came: that is the same for almost all."""
    if project and agent.source.is_relative_to(project):
        place = agent.source.relative_to(project).as_posix()
        return BUNDLED if bundled.get(place) == agent.source.read_text(encoding="utf-8") else place
    return BUNDLED
