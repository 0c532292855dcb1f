"""The steps of a sync: land what waits for its merge, settle contradictions, share what stands."""

import asyncio

from prefect import task
from prefect.cache_policies import NO_CACHE

from orchestrator.team import Team
from tasks import reconciling, sharing, unlanded
from tasks.moves import Move
from tasks.release import held
from tasks.retry import POLICY
from tasks.run import Run
from tasks.settle import settle
from tasks.unlanded import Unlanded


@task(task_run_name="contradictions · {team.title}", cache_policy=NO_CACHE, **POLICY)
async def reconcile(run: Run, team: Team) -> list[Move]:
    """Settle contradictions by rank, and return those settled and those left open."""
    return await asyncio.to_thread(reconciling.reconcile, run.home, run.plan, run.events, team)


@task(task_run_name="context · {team.title}", cache_policy=NO_CACHE, **POLICY)
async def share(run: Run, team: Team) -> list[Move]:
    """Share messages, decisions and knowledge, and return what moved."""
    return await asyncio.to_thread(sharing.share, run.home, run.plan, run.events, team)


async def waiting(run: Run, team: Team) -> list[Unlanded]:
    """Return the team's accepted answers that have not landed; a release that is held does not land."""
    landed = await asyncio.to_thread(run.repository.landed)
    found = await asyncio.to_thread(unlanded.find, run.events, run.plan, run.keys, landed)
    own = [item for item in found if item.answer.session.agent in team.agents]
    return [item for item in own if held(run, run.task(item.answer.session.task)) is None]


def note_landed(run: Run, item: Unlanded) -> Move:
    """Record how the task of an answer ended that has just landed, as a run would have."""
    if run.project is not None:
        settle(run.home, run.project, run.agents, run.events, run.repository)
    session = item.answer.session
    return Move("merges", session.agent, session.task)
