"""The flow of one phase of the plan."""

from typing import Any

from prefect import flow

from flows.opening import Order, Prepared
from flows.selected import run_selected
from orchestrator import selection
from orchestrator.selection import Selection


@flow(name="phase", flow_run_name="phase {number}")
async def phase(order: Order, number: int) -> Any:
    """Run every task of one phase."""

    def choose(prepared: Prepared) -> Selection:
        return selection.phase(prepared.plan, number, prepared.merged)

    return await run_selected(order, f"phase {number}", choose)
