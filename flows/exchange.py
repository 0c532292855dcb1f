"""The exchange of a sync, as it stands in Prefect: a task run of its own in whatever flow it ends or makes up."""

import asyncio

from prefect import task
from prefect.cache_policies import NO_CACHE

from orchestrator.models import JsonObject
from orchestrator.team import Team
from tasks import moves
from tasks.integrate import integrate
from tasks.moves import Move
from tasks.run import Run
from tasks.sync import note_landed, reconcile, share, waiting

SLOT = 0
"""A sync merges where no task has a slot."""


@task(name="sync", task_run_name="sync · {team.title}", cache_policy=NO_CACHE)
async def exchange(run: Run, team: Team) -> JsonObject | None:
    """Land finished work, settle contradictions and share what stands then; return what moved, if anything did."""
    moved: list[Move] = []
    tried: set[str] = set()
    while left := [item for item in await waiting(run, team) if item.answer.session.key not in tried]:
        for item in left:  # a merge may make the next ones possible
            tried.add(item.answer.session.key)
            integration = await integrate(run, item.answer, item.verdicts, SLOT)
            if integration.commit:
                moved.append(await asyncio.to_thread(note_landed, run, item))
    moved += await reconcile(run, team)
    moved += await share(run, team)
    return moves.record(run.events, team, moved)
