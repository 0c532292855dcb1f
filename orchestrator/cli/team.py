"""`agents`: who is there, with which powers, who stands in for whom, and who stands in a bundled agent's place."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path

import click

from orchestrator.cli import options, table, words
from orchestrator.cli.manual import ManualGroup
from orchestrator.cli.recruiting import import_, project_of
from orchestrator.cli.screen import echo, say
from orchestrator.models import Agent, Plan

HEADER = ("agent", "category", "powers", "stood in for by", "defined in")
BUNDLED = "bundled"


@click.group(cls=ManualGroup, invoke_without_command=True, subcommand_metavar="[import …]")
@options.form("table")
@options.home
@click.pass_context
def agents(context: click.Context, form: str, home: Path, plan_file: Path | None) -> None:
    """List the agents, their powers and who stands in for whom.

    Every agent of the plan and every other one that the project defines; where a definition and the plan differ, the
    plan counts, and it is said on stderr. So is which of them stand in the place of a bundled agent.

    Examples:
      mbo agents
      mbo agents import ~/subagents --project-path .
    """
    if context.invoked_subcommand is not None:
        return
    from agents import roster

    loaded = options.plan_of(home, plan_file)
    project = project_of(home)
    own = [entry.id for entry in loaded.agents]
    extra = [name for name in roster.load(None, project) if name not in roster.bundled()]
    team = roster.load([*own, *extra], project)
    replaced = {name: ours for name, agent in team.items() if (ours := roster.replaced(agent))}
    told = _as_json(team, replaced) if form == "json" else _as_table(team, replaced, loaded, project)
    echo(told)
    replacements = [f"{name} replaces {roster.told(ours)}" for name, ours in replaced.items()]
    for line in (*replacements, *roster.disagreements(team, loaded.policy)):
        say(f"note      {line}")


agents.add_command(import_)


def _as_json(team: Mapping[str, Agent], replaced: Collection[str]) -> str:
    fields = {"name", "description", "category", "authority", "backups", "tools", "model", "limits"}
    told = [
        {
            **agent.model_dump(mode="json", include=fields),
            "source": str(agent.source),
            "replaces_bundled": agent.name in replaced,
        }
        for agent in team.values()
    ]
    return json.dumps(told, indent=2, ensure_ascii=False)


def _as_table(team: Mapping[str, Agent], replaced: Collection[str], plan: Plan, project: Path | None) -> str:
    from agents import roster

    shared, bundled = words.prefix(plan), roster.texts(roster.bundled())
    rows: list[table.Row] = [
        (
            agent.name.removeprefix(shared) + (" *" if agent.name in replaced else ""),
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
    if replaced:
        foot += "; `*` stands in the place of a bundled agent"
    return f"{told}\n\n{foot}"


def _source(agent: Agent, project: Path | None, bundled: Mapping[str, str]) -> str:
    """Return where the project defines an agent, unless it is as it came: that is the same for almost all."""
    if project and agent.source.is_relative_to(project):
        place = agent.source.relative_to(project).as_posix()
        return BUNDLED if bundled.get(place) == agent.source.read_text(encoding="utf-8") else place
    return BUNDLED
