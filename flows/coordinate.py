"""The flow of one workflow: its chain and side tasks, with what they depend on if asked for."""

import shlex
from collections.abc import Awaitable
from typing import Any

from prefect import flow

from flows.exchange import exchange
from flows.opening import Order, Prepared
from flows.selected import run_selected
from orchestrator import selection, team
from orchestrator.selection import Selection
from tasks.run import Run


@flow(name="coordinate", flow_run_name="coordinate {workflow}")
async def coordinate(order: Order, workflow: str, with_prerequisites: bool = False) -> Any:
    """Run the tasks of a workflow, and with `with_prerequisites` everything that they depend on.

    At its end its agents sync, also where some of it did not merge.
    """

    def choose(prepared: Prepared) -> Selection:
        return selection.workflow(prepared.plan, workflow, prepared.merged, with_prerequisites=with_prerequisites)

    def then(run: Run) -> Awaitable[object]:
        return exchange(run, team.of_workflow(run.plan, workflow))

    options = " --with-prerequisites" if with_prerequisites else ""
    return await run_selected(order, f"coordinate --workflow {shlex.quote(workflow)}{options}", choose, then)
