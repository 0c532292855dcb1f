"""`plan`: what is to be done, as a table, JSON or Markdown."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from orchestrator import plan as plans
from orchestrator import stages
from orchestrator.cli import options, table, words
from orchestrator.cli.importing import import_
from orchestrator.cli.manual import ManualGroup
from orchestrator.cli.screen import echo
from orchestrator.contracts import Parties, parties
from orchestrator.models import BuildTask, JsonObject, Phase, Plan

HEADER = ("id", "stage", "task", "agent", "waits for")
CONTRACTS = ("contract", "declared by", "produced by", "consumed by")
DEPS_AT_MOST = 11
"""In a narrow terminal: three ids on a line."""


@click.group(cls=ManualGroup, invoke_without_command=True, subcommand_metavar="[import …]")
@click.option("--phase", metavar="N", type=int, help="Only the tasks of this phase.")
@click.option("--workflow", metavar="NAME", help="Only the tasks of this workflow.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    show_default=True,
    help="A table for people, JSON with everything for programs, or Markdown with what each task is accepted by.",
)
@options.home
@click.pass_context
def plan(
    context: click.Context, phase: int | None, workflow: str | None, form: str, home: Path, plan_file: Path | None
) -> None:
    """Show what is to be done, by whom, and what it waits for.

    Below the tasks stand the contracts that they declare, produce or consume. Reads and checks the whole plan: what is
    wrong with it is listed, all of it at once. Needs no home and changes nothing.

    Examples:
      mbo plan --phase 1
      mbo plan --workflow binary-manager
      mbo plan --format json | jq -r '.tasks[] | select(.kind == "design") | .id'
      mbo plan --plan ours.yaml --format markdown > plan.md
    """
    if context.invoked_subcommand is not None:
        return
    loaded = options.plan_of(home, plan_file)
    tasks = _chosen(loaded, phase, workflow)
    show = {"table": _as_table, "json": _as_json, "markdown": _as_markdown}[form]
    echo(show(loaded, tasks))


plan.add_command(import_)


def _chosen(plan: Plan, phase: int | None, workflow: str | None) -> Sequence[BuildTask]:
    tasks = plan.tasks if phase is None else plans.phase(plan, phase)
    if workflow is None:
        return tasks
    wanted = plans.workflow(plan, workflow).tasks
    return [task for task in tasks if task.id in wanted]


def _by_phase(plan: Plan, tasks: Sequence[BuildTask]) -> dict[Phase, list[BuildTask]]:
    found = {phase: [task for task in tasks if task.phase == phase.number] for phase in plan.phases}
    return {phase: own for phase, own in found.items() if own}


def _agreed(plan: Plan, tasks: Sequence[BuildTask]) -> list[Parties]:
    """Return the contracts that any of the tasks has to do with, each with all its parties."""
    everyone = parties(plan.tasks)
    return [everyone[name] for name in parties(tasks)]


def _as_table(plan: Plan, tasks: Sequence[BuildTask]) -> str:
    shared = words.prefix(plan)
    rows = {t.id: (t.id, stages.of_task(t), t.title, t.agent.removeprefix(shared), _waits(t)) for t in tasks}
    columns = table.sizes([HEADER, *rows.values()], table.width(), most={4: DEPS_AT_MOST})
    blocks: list[str] = []
    for phase, own in _by_phase(plan, tasks).items():
        title = f"Phase {phase.number}: {phase.name} ({words.count(len(own), 'task')})"
        under = table.headed(HEADER, [rows[task.id] for task in own], columns=columns)
        blocks.append(f"{title}\n\n{under}")
    return "\n\n".join([*blocks, *_contracts(_agreed(plan, tasks)), _foot(plan, tasks, shared)])


def _contracts(agreed: Sequence[Parties]) -> Iterator[str]:
    if agreed:
        rows = [_parties(contract) for contract in agreed]
        yield f"Contracts ({len(agreed)})\n\n{table.headed(CONTRACTS, rows)}"


def _parties(contract: Parties) -> table.Row:
    sides = (contract.declared_by, contract.produced_by, contract.consumed_by)
    return (contract.name, *(" ".join(side) or "-" for side in sides))


def _waits(task: BuildTask) -> str:
    """Return what a task waits for; behind a tilde, what it only comes after."""
    return " ".join((*task.deps, *(f"~{name}" for name in task.after))) or "-"


def _foot(plan: Plan, tasks: Sequence[BuildTask], shared: str) -> str:
    facts = [f"{len(tasks)} of {words.count(len(plan.tasks), 'task')}"]
    if shared:
        facts.append(f"agents are named without `{shared}`")
    if any(task.after for task in tasks):
        facts.append("`~` marks what a task comes after, and goes on without if it fails")
    names = ", ".join(item.name for item in plan.workflows)
    limit = table.width()
    told = [words.hanging("", "; ".join(facts), limit)]
    return "\n".join([*told, words.hanging("workflows: ", names, limit)] if names else told)


def _as_json(plan: Plan, tasks: Sequence[BuildTask]) -> str:
    value: JsonObject = {
        **plan.model_dump(mode="json", exclude={"tasks"}),
        "tasks": [task.model_dump(mode="json") | {"stage": stages.of_task(task)} for task in tasks],
        "contracts": [asdict(contract) | {"path": contract.path} for contract in _agreed(plan, tasks)],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _as_markdown(plan: Plan, tasks: Sequence[BuildTask]) -> str:
    lines = [f"# {plan.name}", ""]
    for phase, own in _by_phase(plan, tasks).items():
        lines += [
            f"## Phase {phase.number}: {phase.name}",
            "",
            "| id | kind | stage | task | agent | waits for | accepted when |",
        ]
        lines += ["| -- | -- | -- | -- | -- | -- | -- |", *(_row(task) for task in own), ""]
    return "\n".join(lines).rstrip()


def _row(task: BuildTask) -> str:
    stage = stages.of_task(task)
    cells = (task.id, task.kind, stage, task.title, task.agent, _waits(task), "; ".join(task.accept))
    return "| " + " | ".join(words.flat(cell).replace("|", "\\|") for cell in cells) + " |"
