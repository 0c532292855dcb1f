"""The flow of one workflow: its chain and side tasks, with what they depend on if asked for."""

from typing import Any

from prefect import flow

from flows.opening import Order, Prepared
from flows.selected import run_selected
from orchestrator import selection
from orchestrator.selection import Selection


@flow(name="coordinate", flow_run_name="coordinate {workflow}")
async def coordinate(order: Order, workflow: str, with_prerequisites: bool = False) -> Any:
    """Run the tasks of a workflow, and with `with_prerequisites` everything that they depend on."""

    def choose(prepared: Prepared) -> Selection:
        return selection.workflow(prepared.plan, workflow, prepared.merged, with_prerequisites=with_prerequisites)

    return await run_selected(order, f"coordinate {workflow}", choose)
