"""`plan import`: a plan made from the task list of another tool."""

import os
import shlex
from pathlib import Path

import click
import yaml

from orchestrator import plan as plans
from orchestrator import settings
from orchestrator.cli import options, words
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import say
from orchestrator.errors import InputError, PlanError
from orchestrator.foreign import AGENT, Foreign
from orchestrator.home import write_output
from orchestrator.models import JsonObject

HEAD = "# Made from {}. Gates, agents and reviewers are defaults: look them over before a build.\n"
_DUMPER: type[yaml.SafeDumper] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the same in C, where it was built


@click.command("import", cls=Manual)
@click.argument("file", type=options.FILE)
@click.option("--output", metavar="FILE", type=options.FILE, required=True, help="Where to write the plan.")
@click.option("--agent", metavar="NAME", default=AGENT, show_default=True, help="Who is to do all of it, at first.")
@click.option("--tag", metavar="TAG", help="Which list of a tasks.json with tags.  [default: master]")
@click.option("--with-done", is_flag=True, help="Take in what is done, cancelled or deferred too.")
def import_(file: Path, output: Path, agent: str, tag: str | None, with_done: bool) -> None:
    """Make a plan from the task list of another tool.

    Reads Task Master's tasks.json and Spec Kit's tasks.md. Tasks, subtasks and dependencies come over; each task gets
    a gate that runs pytest, the bundled agents' policy and one reviewer. What is done, cancelled or deferred there is
    left out. All that has no place in a plan is said, one line for each kind. What cannot be read is named with its
    place, and ends the command with exit code 2 after the plan of all the rest is written. A file that is there already
    is never overwritten.

    Examples:
      mbo plan import .taskmaster/tasks/tasks.json --output plan.yaml
      mbo plan import specs/001-login/tasks.md --output plan.yaml
    """
    from orchestrator import foreign

    if file.suffix.lower() not in (".json", ".md"):
        raise InputError(f"{file}: neither a tasks.json of Task Master nor a tasks.md of Spec Kit; name one of these")
    found = _read(file, tag, with_done=with_done)
    if found.left_out:
        say(f"{file}: not all of it is in the plan as it is there:")
    for line in (*(f"  - {line}" for line in found.left_out), *found.faults):
        say(words.flat(line))
    raw = foreign.plan(found, plans.load(settings.BUNDLED_PLAN), agent)
    if file.suffix.lower() == ".md":
        raw |= _specification(file.with_name("spec.md"), output)
    _write(output, as_yaml(raw, file.name), file)
    _tell(raw, output)
    if found.faults:
        raise InputError(f"{file}: {words.count(len(found.faults), 'fault')}, named above; all the rest is in {output}")


def as_yaml(raw: JsonObject, source: str) -> str:
    """Return a plan as the text of its file."""
    from orchestrator.foreign import one_line

    head = HEAD.format(one_line(source))
    return head + yaml.dump(raw, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=120)


def _read(file: Path, tag: str | None, *, with_done: bool) -> Foreign:
    from orchestrator.foreign import speckit, taskmaster

    if file.suffix.lower() == ".json":
        return taskmaster.read(file, tag, with_done=with_done)
    if tag is not None:
        raise InputError(f"{file}: has no tags, so that --tag {tag} means nothing; leave it out")
    return speckit.read(file, with_done=with_done)


def _specification(place: Path, output: Path) -> JsonObject:
    """Return the plan's field for what is to be built, where that is there and has a name that YAML can hold."""
    name = os.path.relpath(place.resolve(), output.parent.resolve())
    return {"specification": name} if place.is_file() and name.isprintable() else {}


def _write(output: Path, text: str, source: Path) -> None:
    """Write a plan once it is known to be one; the same again changes nothing."""
    is_file = os.path.isfile(output)  # unlike pathlib's, it takes a name that is too long for one that is not there
    if is_file or (os.path.islink(output) and not os.path.exists(output)):
        if is_file and output.read_bytes() == text.encode():
            return
        raise InputError(f"{output}: is there already; name another --output or remove it")
    try:
        plans.load(output, text=text)
    except PlanError as error:
        raise InputError(f"{source}: makes no plan, for {error.problems[0]}; mend that there") from error
    write_output(output, text)


def _tell(raw: JsonObject, output: Path) -> None:
    first = raw["tasks"][0]
    by = f"by {first['agent']}" + (f", reviewed by {first['reviewers'][0]}" if first["reviewers"] else "")
    say(f"plan      {output}: {words.count(len(raw['tasks']), 'task')}, all {by}")
    say("next      give each task its agent, add a `toolchain` if the tests need packages, then")
    say(f"          mbo plan --plan {shlex.quote(str(output))}")
    say("note      nothing gives the agents their turns yet: a build needs `playbook: DIR` in the plan")
    say("          or --playbook DIR")
