"""`approve`, `reject` and `waive`: what the user decides, beside a run or between runs."""

import shlex
from pathlib import Path
from typing import Literal

import click

from orchestrator import components, holds, userword
from orchestrator import plan as plans
from orchestrator.cli import options, table, words
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import echo, say
from orchestrator.errors import InputError
from orchestrator.events import read_events
from orchestrator.home import Home, holder, project_record
from orchestrator.models import Component, JsonObject, Plan
from orchestrator.status import objections
from orchestrator.userword import Word

_TAKEN_UP = "the next run takes its answer up again"


@click.command(cls=Manual)
@click.argument("task", metavar="[N.M]", required=False)
@click.option("--reason", type=options.Said(), metavar="TEXT", default="approved by the user", help="Why, for the log.")
@options.home
def approve(task: str | None, reason: str, home: Path, plan_file: Path | None) -> None:
    """Approve a design, or show which ones wait for you.

    A run with --approve ask lets no design land before you approve it, and goes on with everything else meanwhile.
    Without a task, shows each design that waits, with its commit and files and how to look at them.

    Examples:
      mbo approve
      mbo approve 3.1
    """
    place = _set_up(home)
    if task is None:
        echo(_waiting(place, options.plan_of(home, plan_file), options.again(home, plan_file)))
        return
    _answer(place, options.plan_of(home, plan_file), task, "approve", reason)


@click.command(cls=Manual)
@click.argument("task", metavar="N.M")
@click.option(
    "--reason", type=options.Said(), metavar="TEXT", required=True, help="Why; it is logged, and told to the agent."
)
@options.home
def reject(task: str, reason: str, home: Path, plan_file: Path | None) -> None:
    """Send a design back, with the reason.

    For a design that waits for you, as `mbo approve` shows. Its agent gets the reason and has another round, as after
    a reviewer's request for changes.

    Example:
      mbo reject 3.1 --reason "say what happens where no binary is found"
    """
    _answer(_set_up(home), options.plan_of(home, plan_file), task, "reject", reason)


@click.command(cls=Manual)
@click.argument("task", metavar="[N.M]", required=False)
@click.option("--component", metavar="C", help="Waive the holds on a component instead, by number or name.")
@click.option("--reason", type=options.Said(), metavar="TEXT", required=True, help="Why; it is logged with the waiver.")
@options.home
def waive(task: str | None, component: str | None, reason: str, home: Path, plan_file: Path | None) -> None:
    """Overrule a veto or a block, with the reason.

    From then on the veto counts as advice on the answer that it was given on. The next run takes that answer up, with
    the checks and verdicts it has, and merges it where nothing else is against it. Another answer to the same task is
    judged anew. Who waived what is logged.

    Examples:
      mbo waive 3.4 --reason "the command runs on our own machines only"
      mbo waive --component binary-manager --reason "released to testers only"
    """
    if (task is None) == (component is None):
        raise click.UsageError("give a task or --component, and not both")
    place, plan = _set_up(home), options.plan_of(home, plan_file)
    if component is not None:
        _waive_component(place, components.find(plan, component), reason)
    else:
        _waive_task(place, plans.task(plan, task or "").id, reason)


def _set_up(root: Path) -> Home:
    home = Home(root)
    project_record(home)
    return home


def _answer(home: Home, plan: Plan, task: str, says: Literal["approve", "reject"], reason: str) -> None:
    task = plans.task(plan, task).id
    asked = userword.asked(read_events(home))
    if task not in asked:
        others = f"; what waits: {', '.join(asked)}" if asked else ""
        raise InputError(f"task {task} does not wait for your approval{others}; a run with --approve ask asks for it")
    _give(home, _word(asked[task], says, reason))
    say(f"{task} is {'approved' if says == 'approve' else 'sent back'}; {_who(home)} goes on with it")


def _waive_task(home: Home, task: str, reason: str) -> None:
    events = list(read_events(home))
    objection = objections.standing(events).get(task)
    if objection is None:
        raise InputError(f"nothing vetoes or blocks task {task}, so there is nothing to waive (see `mbo status`)")
    _give(home, _word(objection.event, "waive", reason).model_copy(update={"power": objection.power}))
    say(f"the {objection.power} of task {task} is waived: {objection.reason}")
    newest = next(event for event in reversed(events) if event.get("task") == task)
    is_mended = holder(home) is not None and newest["kind"] != "outcome"
    told = "its agent mends it meanwhile; what comes of that is judged anew" if is_mended else _TAKEN_UP
    say(told)


def _waive_component(home: Home, component: Component, reason: str) -> None:
    stand = [hold for hold in holds.standing(read_events(home)) if hold.component == component.number]
    if not stand:
        raise InputError(f"component {component.number} ({component.name}) has no hold, so there is nothing to waive")
    for hold in stand:
        word = Word(says="waive", about=hold.id, reason=reason, component=component.number, power=hold.power)
        _give(home, word)
        say(f"the {hold.power} of component {component.number} by {hold.by} is waived")


def _word(event: JsonObject, says: Literal["approve", "reject", "waive"], reason: str) -> Word:
    data = event["data"]
    return Word(
        says=says,
        about=f"{event['key'][:16]}/{data['attempt']}.{data['round']}",
        reason=reason,
        task=event["task"],
        key=event["key"],
        attempt=data["attempt"],
        round=data["round"],
    )


def _give(home: Home, word: Word) -> None:
    from flows.opening import take_in_words  # half a second of imports, which `--help` need not load

    userword.give(home, word)
    take_in_words(home)


def _who(home: Home) -> str:
    return "the run" if holder(home) else "the next run"


def _waiting(home: Home, plan: Plan, again: str) -> str:
    asked = userword.asked(read_events(home))
    given = {word.task: word.says for word in userword.read(home)}
    titles = {task.id: task.title for task in plan.tasks}
    shown = [_one(home, event, titles.get(task, ""), again, given.get(task)) for task, event in asked.items()]
    return "\n\n".join(shown) or "nothing waits for your approval"


def _one(home: Home, event: JsonObject, title: str, again: str, given: str | None) -> str:
    task, data = event["task"], event["data"]
    facts = {
        "by": f"{event['agent']}, round {data['round']}, for {words.age(event['time'])}",
        "commit": data["commit"],
        "files": ", ".join(data["files"]) or "none",
        "look": f"git -C {shlex.quote(str(home.repository))} show {data['commit'][:12]}",
        "approve": f"mbo approve {task}{again}",
        "reject": f"mbo reject {task} --reason …{again}",
    }
    if given:
        facts["yours"] = f"{given}; {_who(home)} takes it in"
    limit = table.width()
    lines = [words.hanging(f"  {name:<9}", told, limit) for name, told in facts.items()]
    return "\n".join([words.hanging("", f"{task} {title}".strip(), limit), *lines])
