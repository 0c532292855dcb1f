"""The flow of a sync: agents share what they know, finished work lands, contradictions are settled."""

import asyncio
from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.exchange import exchange
from flows.opening import Order, opened
from flows.selected import project, say, watcher
from orchestrator import team as teams


@flow(name="sync", flow_run_name="sync {agents}")
async def sync(order: Order, agents: str = teams.EVERYONE, phase: int | None = None) -> Any:
    """Sync the agents named, as `a,b` or `ALL`; with a phase, those of them who own or review its tasks."""
    async with opened(order, "sync", say.get()) as (prepared, run):
        team = teams.named(prepared.plan, agents, phase)
        listener = watcher.get()
        if listener:
            run.events.listen(listener)
        moved = await exchange(run, team)
        if moved:
            await asyncio.to_thread(project, prepared, run, say.get())
    return Completed(message=f"sync {team.title}: {'moved' if moved else 'nothing to move'}", data=moved)
