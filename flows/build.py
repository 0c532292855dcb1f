"""The flow of the whole plan, across its phases; with the order's `barrier`, one phase after the other."""

from typing import Any

from prefect import flow

from flows.opening import Order, Prepared
from flows.selected import run_selected
from orchestrator import selection
from orchestrator.selection import Selection


@flow(name="build", flow_run_name="build")
async def build(order: Order) -> Any:
    """Run every task of the plan."""

    def choose(prepared: Prepared) -> Selection:
        return selection.whole(prepared.plan)

    return await run_selected(order, f"build{' --phase-barrier' if order.barrier else ''}", choose)
