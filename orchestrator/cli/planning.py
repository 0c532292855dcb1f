"""`plan`: what is to be done, as a table, JSON or Markdown."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from orchestrator import plan as plans
from orchestrator.cli import options, table
from orchestrator.models import BuildTask, JsonObject, Plan


@click.command()
@click.option("--phase", type=int, help="Only this phase.")
@click.option("--workflow", help="Only the tasks of this workflow.")
@click.option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True)
@options.home
def plan(phase: int | None, workflow: str | None, form: str, home: Path, plan_file: Path | None) -> None:
    """Show the plan: its tasks, who does them, and what they wait for. Checks the whole plan on the way."""
    loaded = options.plan_of(home, plan_file)
    tasks = _chosen(loaded, phase, workflow)
    show = {"table": _as_table, "json": _as_json, "markdown": _as_markdown}[form]
    click.echo(show(loaded, tasks))


def _chosen(plan: Plan, phase: int | None, workflow: str | None) -> Sequence[BuildTask]:
    tasks = plan.tasks if phase is None else plans.phase(plan, phase)
    if workflow is None:
        return tasks
    wanted = plans.workflow(plan, workflow).tasks
    return [task for task in tasks if task.id in wanted]


def _as_table(plan: Plan, tasks: Sequence[BuildTask]) -> str:
    blocks: list[str] = []
    for phase in plan.phases:
        own = [task for task in tasks if task.phase == phase.number]
        if own:
            rows = [(task.id, task.kind, task.title, task.agent, " ".join(task.deps) or "-") for task in own]
            title = f"Phase {phase.number}: {phase.name} ({len(own)} tasks)"
            blocks.append(f"{title}\n\n{table.render(('id', 'kind', 'task', 'agent', 'waits for'), rows, give=2)}")
    workflows = ", ".join(item.name for item in plan.workflows)
    foot = f"{len(tasks)} of {len(plan.tasks)} tasks, {len(plan.agents)} agents; workflows: {workflows or 'none'}"
    return "\n\n".join([*blocks, foot])


def _as_json(plan: Plan, tasks: Sequence[BuildTask]) -> str:
    value: JsonObject = {
        "name": plan.name,
        "phases": [phase.model_dump() for phase in plan.phases],
        "workflows": [workflow.model_dump(mode="json") for workflow in plan.workflows],
        "tasks": [task.model_dump(mode="json") for task in tasks],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _as_markdown(plan: Plan, tasks: Sequence[BuildTask]) -> str:
    lines = [f"# {plan.name}", ""]
    for phase in plan.phases:
        own = [task for task in tasks if task.phase == phase.number]
        if own:
            lines += [f"## Phase {phase.number}: {phase.name}", "", "| id | task | agent | waits for | accepted when |"]
            lines += ["|--|--|--|--|--|", *(_row(task) for task in own), ""]
    return "\n".join(lines).rstrip()


def _row(task: BuildTask) -> str:
    cells = (task.id, task.title, task.agent, " ".join(task.deps) or "-", "; ".join(task.accept))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
