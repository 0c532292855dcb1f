"""`init`: a home, a project folder with the agents' definitions in it, and the integration repository."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from orchestrator.cli import options, table, words
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import say
from orchestrator.errors import InputError
from orchestrator.home import Home, exclusive, read_json, write_json
from orchestrator.models import Plan, now


@click.command(cls=Manual)
@click.option(
    "--project-path",
    "project",
    metavar="DIR",
    type=options.FOLDER,
    required=True,
    help="Where it is to be built: a git repository, an empty folder or a new one.",
)
@options.home
def init(project: Path, home: Path, plan_file: Path | None) -> None:
    """Set up a home and a project for a plan.

    An existing git repository becomes the project: its history is the base of everything that is merged, and its
    checkout moves forward after each merge while that loses nothing. The agents' definitions are written to
    .claude/agents, where they can be edited; those already there are used as they are. Once more changes nothing.

    Examples:
      mbo init --project-path ~/claude-code-mcp
      mbo init --project-path . --home ~/homes/ours --plan ours.yaml
    """
    from orchestrator.project import inspect

    loaded = options.plan_of(home, plan_file)
    dirty = inspect(project).dirty if project.is_dir() else ()
    commit = set_up(Home(home), project, loaded)
    told = {
        "project": f"{project} at {commit[:12]}",
        "home": str(home),
        "plan": f"{loaded.name}: {words.count(len(loaded.tasks), 'task')}, {words.count(len(loaded.agents), 'agent')}",
    }
    if dirty:
        more = f" and {len(dirty) - 3} more" if len(dirty) > 3 else ""
        told["note"] = (
            f"uncommitted changes in {', '.join(dirty[:3])}{more}: the build begins from the commit above, and leaves "
            "your checkout alone until they are committed"
        )
    told["next"] = f"mbo plan{options.again(home)}"
    for name, text in told.items():
        say(words.hanging(f"{name:<9}", text, table.width()))


def set_up(home: Home, project: Path, plan: Plan) -> str:
    """Make home and project ready and return the commit that the build starts from; once more changes nothing.

    Raises:
        InputError: the home serves another project, or the project folder holds something else.
    """
    from agents import roster  # reads YAML front matter; `--help` need not
    from orchestrator import project as projects
    from orchestrator.workspace import Repository

    if home.root.is_relative_to(project) or project.is_relative_to(home.root):
        raise InputError(f"{project}: a project and its home ({home.root}) cannot lie in each other; move one of them")
    record = read_json(home.project_file)
    if record is not None and Path(record["project"]) != project:
        raise InputError(f"{home.root}: this home serves {record['project']}; use another --home for {project}")
    names = [entry.id for entry in plan.agents]
    with _held(home):
        agents = roster.load(names, project)
        theirs = {name for name in names if agents[name].source.is_relative_to(project)}
        projects.prepare(project, roster.texts(name for name in names if name not in theirs))
        commit = Repository(home).create(project)
        created = record["created"] if record else now().isoformat(timespec="seconds")
        write_json(home.project_file, {"project": str(project), "plan": str(plan.source), "created": created})
    return commit


@contextmanager
def _held(home: Home) -> Generator[None]:
    """Hold the home while it is set up; a new one is removed again where that fails, with the folders made for it."""
    made = [folder for folder in (home.root, *home.root.parents) if not folder.exists()]
    try:
        with exclusive(home, "init"):
            yield
    except BaseException:
        if made:
            shutil.rmtree(home.root, ignore_errors=True)
            with suppress(OSError):  # the first that holds something else, such as the project, ends it
                for folder in made[1:]:
                    folder.rmdir()
        raise
