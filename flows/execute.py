"""The flow of one task, and with `cascade` of all that its merge sets free."""

from typing import Any

from prefect import flow

from flows.opening import Order, Prepared
from flows.selected import run_selected
from orchestrator import selection
from orchestrator.selection import Selection


@flow(name="execute", flow_run_name="execute {task_id}")
async def execute(order: Order, task_id: str, cascade: bool = False) -> Any:
    """Run one task, and with `cascade` its dependents; the order's `agents` may name another agent for it."""

    def choose(prepared: Prepared) -> Selection:
        return selection.single(prepared.plan, task_id, prepared.merged, cascade=cascade)

    return await run_selected(order, f"execute --task-id {task_id}{' --cascade' if cascade else ''}", choose)
