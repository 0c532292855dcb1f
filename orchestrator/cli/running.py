"""`execute`, `coordinate`, `phase` and `build`: the commands that have tasks done."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator import selection
from orchestrator.cli import options

if TYPE_CHECKING:
    from flows.opening import Order, Prepared


@click.command()
@click.option("--task-id", required=True, help="The task, such as 3.2.")
@click.option("--agent", help="Another agent than the plan's, by id, label or alias.")
@click.option("--cascade", is_flag=True, help="Then run what its merge sets free, and so on.")
@options.running
def execute(task_id: str, agent: str | None, cascade: bool, **given: Any) -> None:
    """Have one task done. Says which tasks its merge sets free."""

    def choose(prepared: "Prepared") -> selection.Selection:
        return selection.single(prepared.plan, task_id, prepared.merged, cascade=cascade)

    async def flow(order: "Order", **more: Any) -> Any:
        from flows.execute import execute as run_task

        return await run_task(order, task_id, cascade, **more)

    agents = {task_id: agent} if agent else {}
    _run(f"execute {task_id}", _order(**given, agents=agents), choose, flow, then=task_id)


@click.command()
@click.option("--workflow", required=True, help="The workflow, such as binary-manager.")
@click.option("--with-prerequisites", is_flag=True, help="Also run everything that its tasks depend on.")
@options.running
def coordinate(workflow: str, with_prerequisites: bool, **given: Any) -> None:
    """Have a workflow done: its chain of tasks and its side tasks."""

    def choose(prepared: "Prepared") -> selection.Selection:
        return selection.workflow(prepared.plan, workflow, prepared.merged, with_prerequisites=with_prerequisites)

    async def flow(order: "Order", **more: Any) -> Any:
        from flows.coordinate import coordinate as run_workflow

        return await run_workflow(order, workflow, with_prerequisites, **more)

    _run(f"coordinate {workflow}", _order(**given), choose, flow)


@click.command()
@click.argument("number", type=int)
@options.running
def phase(number: int, **given: Any) -> None:
    """Have every task of one phase done."""

    def choose(prepared: "Prepared") -> selection.Selection:
        return selection.phase(prepared.plan, number, prepared.merged)

    async def flow(order: "Order", **more: Any) -> Any:
        from flows.phase import phase as run_phase

        return await run_phase(order, number, **more)

    _run(f"phase {number}", _order(**given), choose, flow)


@click.command()
@click.option("--phase-barrier", "barrier", is_flag=True, help="Begin a phase only when the one before has ended.")
@options.running
def build(barrier: bool, **given: Any) -> None:
    """Have the whole plan done, each task as soon as what it waits for is merged."""

    def choose(prepared: "Prepared") -> selection.Selection:
        return selection.whole(prepared.plan)

    async def flow(order: "Order", **more: Any) -> Any:
        from flows.build import build as run_plan

        return await run_plan(order, **more)

    _run("build", _order(**given, barrier=barrier), choose, flow)


def _order(
    *,
    home: Path,
    plan_file: Path | None,
    playbook: Path | None,
    slots: int,
    without_sandbox: bool,
    **more: Any,
) -> "Order":
    from flows.opening import Order

    return Order(home=home, plan=plan_file, playbook=playbook, slots=slots, without_sandbox=without_sandbox, **more)


def _run(command: str, order: "Order", choose: Any, flow: Any, *, then: str | None = None) -> None:
    from orchestrator.cli import engine

    if not engine.run(command, order, choose, flow, then=then):
        raise SystemExit(1)
