"""`init`: a home, a project folder with the agents' definitions in it, and the integration repository."""

from pathlib import Path

import click

from orchestrator import settings
from orchestrator.cli import options
from orchestrator.errors import InputError
from orchestrator.home import Home, exclusive, read_json, write_json
from orchestrator.models import Plan, now


@click.command()
@click.option(
    "--project-path", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where it is built."
)
@options.home
def init(project_path: Path, home: Path, plan_file: Path | None) -> None:
    """Set up a home and a project for a plan.

    An existing git repository becomes the project: its history is the base of everything that is merged. Anything
    else must be an empty or a new folder.
    """
    loaded = options.plan_of(home, plan_file)
    source = (plan_file or settings.BUNDLED_PLAN).absolute()
    commit = set_up(Home(home), project_path.absolute(), loaded, source)
    click.echo(f"project   {project_path.absolute()} at {commit[:12]}", err=True)
    click.echo(f"home      {home.absolute()}", err=True)
    click.echo(f"plan      {loaded.name}: {len(loaded.tasks)} tasks, {len(loaded.agents)} agents", err=True)
    click.echo(f"next      mbo plan --home {home.absolute()}", err=True)


def set_up(home: Home, project: Path, plan: Plan, source: Path) -> str:
    """Make home and project ready and return the commit that the build starts from; once more changes nothing.

    Raises:
        InputError: the home serves another project, or the project folder holds something else.
    """
    from agents import roster  # reads YAML front matter; `--help` need not
    from orchestrator import project as projects
    from orchestrator.workspace import Repository

    record = read_json(home.project_file)
    if record is not None and Path(record["project"]) != project:
        raise InputError(f"{home.root}: this home serves {record['project']}; use another --home for {project}")
    bundled = set(roster.bundled())
    texts = roster.texts(entry.id for entry in plan.agents if entry.id in bundled)
    with exclusive(home, "init"):
        projects.prepare(project, texts)
        roster.load([entry.id for entry in plan.agents], project)
        commit = Repository(home).create(project)
        created = record["created"] if record else now().isoformat(timespec="seconds")
        write_json(home.project_file, {"project": str(project), "plan": str(source), "created": created})
    return commit
