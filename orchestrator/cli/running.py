"""`execute`, `coordinate`, `phase` and `build` have tasks done; `sync` shares what came of them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator import selection
from orchestrator import team as teams
from orchestrator.cli import options
from orchestrator.cli.manual import Manual
from orchestrator.team import Team

if TYPE_CHECKING:
    from flows.opening import Order, Prepared


@click.command(cls=Manual)
@click.option("--task-id", metavar="N.M", required=True, help="The task, such as 3.2.")
@click.option("--agent", metavar="NAME", help="Let another agent than the plan's do it, by id, label or alias.")
@click.option("--cascade", is_flag=True, help="Go on with the tasks that its merge sets free, and so on.")
@options.running
def execute(task_id: str, agent: str | None, cascade: bool, **given: Any) -> None:
    """Have one task done.

    The tasks that it depends on must be merged. Says which tasks its merge sets free, and with --cascade does those
    as well, with all that they set free in turn.

    Examples:
      mbo execute --task-id 1.1
      mbo execute --task-id 3.2 --agent mcp-platform-compatibility
      mbo execute --task-id 2.1 --cascade
    """

    def choose(prepared: "Prepared") -> selection.Selection:
        return selection.single(prepared.plan, task_id, prepared.merged, cascade=cascade)

    agents = {task_id: agent} if agent else {}
    _run(_order(**given, agents=agents), choose, "execute", task_id, cascade, then=task_id)


@click.command(cls=Manual)
@click.option("--workflow", metavar="NAME", required=True, help="The workflow, such as binary-manager.")
@click.option("--with-prerequisites", is_flag=True, help="Do all that its tasks depend on first.")
@options.running
def coordinate(workflow: str, with_prerequisites: bool, **given: Any) -> None:
    """Have a workflow done, such as binary-manager.

    A workflow is a chain of tasks through several agents, with side tasks. Where it depends on tasks outside it that
    are not merged, they are named and nothing is run; with --with-prerequisites they are done first. It ends with a
    sync of its agents.

    Examples:
      mbo plan --workflow binary-manager
      mbo coordinate --workflow binary-manager --with-prerequisites
    """

    def choose(prepared: "Prepared") -> selection.Selection:
        return selection.workflow(prepared.plan, workflow, prepared.merged, with_prerequisites=with_prerequisites)

    def team(prepared: "Prepared") -> Team:
        return teams.of_workflow(prepared.plan, workflow)

    _run(_order(**given), choose, "coordinate", workflow, with_prerequisites, team=team)


@click.command(cls=Manual)
@click.argument("number", metavar="N", type=int)
@options.running
def phase(number: int, **given: Any) -> None:
    """Have every task of one phase done.

    The phases that it builds on must be merged as far as its tasks depend on them.

    Example:
      mbo phase 1
    """

    def choose(prepared: "Prepared") -> selection.Selection:
        return selection.phase(prepared.plan, number, prepared.merged)

    _run(_order(**given), choose, "phase", number)


@click.command(cls=Manual)
@click.option("--phase-barrier", "barrier", is_flag=True, help="Begin a phase only when the ones before have ended.")
@options.running
def build(barrier: bool, **given: Any) -> None:
    """Have the whole plan done.

    Each task begins as soon as what it waits for is merged, its agent is free and a slot is open. What is merged
    already is not done again, so this is also how a build goes on after it was stopped, failed or killed.

    Examples:
      mbo build --slots 8
      mbo build --phase-barrier
    """

    def choose(prepared: "Prepared") -> selection.Selection:
        return selection.whole(prepared.plan)

    _run(_order(**given, barrier=barrier), choose, "build")


@click.command(cls=Manual)
@click.option(
    "--agents", metavar="A,B", required=True, help="The agents, by id, label or alias; ALL means all of them."
)
@click.option("--phase", metavar="N", type=int, help="Only agents who own or review a task of this phase.")
@options.equipped
def sync(agents: str, phase: int | None, **given: Any) -> None:
    """Have agents share what they know and settle what contradicts.

    Lands answers that were approved and whose merge a kill prevented, after its gate; settles decisions and interfaces
    that contradict each other by the rank of their authors, and leaves those of equal rank to `mbo conflicts`; shares
    messages, decisions and knowledge that others lack; merges what all learned into the shared knowledge base. Once
    more changes nothing. Every workflow ends with a sync of its agents.

    Examples:
      mbo sync --agents ALL
      mbo sync --agents ALL --phase 2
      mbo sync --agents mcp-architecture-agent,mcp-security-validation
    """
    from orchestrator.cli import engine

    if not engine.sync(_order(**given), agents, phase):
        raise SystemExit(1)


def _order(*, plan_file: Path | None, **given: Any) -> "Order":
    from flows.opening import Order

    return Order(plan=plan_file, **given)


def _run(
    order: "Order",
    choose: "Callable[[Prepared], selection.Selection]",
    flow: str,
    *given: Any,
    then: str | None = None,
    team: "Callable[[Prepared], Team] | None" = None,
) -> None:
    from orchestrator.cli import engine

    is_done = engine.run(order, choose, flow, *given, then=then, team=team)
    options.tell_next(order.home, order.plan, is_done=is_done)
    if not is_done:
        raise SystemExit(1)
