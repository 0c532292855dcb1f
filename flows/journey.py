"""The journey of one task: attempt after attempt, each by its own agent, and how it ends."""

import time
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed

from flows.attempt import GivenUp, Landed, attempt
from orchestrator.errors import GitError, ModelError, SandboxError
from orchestrator.models import BuildTask, Outcome
from tasks.record import record_outcome, tell_coordinator
from tasks.run import Run


@task(name="build task", task_run_name="{build_task.id} {build_task.title}", cache_policy=NO_CACHE)
async def journey(run: Run, build_task: BuildTask, slot: int) -> Any:
    """Take one task from its brief to its Outcome, and return that as JSON; a failed state where it did not merge."""
    began = time.monotonic()
    outcome = await _attempts(run, build_task, slot)
    record_outcome(run.home, run.events, outcome, time.monotonic() - began)
    if outcome.status == "merged":
        return outcome.model_dump(mode="json")
    return Failed(message=outcome.reason)


async def _attempts(run: Run, build_task: BuildTask, slot: int) -> Outcome:
    """Let the task's agent try, then its backup; each knows what became of the one before."""
    key = run.keys[build_task.id]
    spent = run.attempts_spent(key)
    previous: list[str] = []
    rounds = 0
    agents = candidates(run, build_task)
    for number, agent in enumerate(agents, start=spent + 1):
        about = {"task": build_task.id, "key": key, "agent": agent}
        run.events.record("task_started", f"{key[:16]}/attempt-{number}/started", {"attempt": number}, about=about)
        try:
            ended = await attempt(run, build_task, agent, number, slot, previous)
        except (ModelError, SandboxError, GitError) as error:
            ended = GivenUp(str(error), 0)
        rounds += ended.rounds
        if isinstance(ended, Landed):
            reason = f"merged as {ended.commit[:12]}"
            return _outcome(build_task, key, agent, "merged", reason, len(previous) + 1, rounds, ended.commit)
        previous.append(f"{agent}: {ended.reason}")
        tell_coordinator(run, build_task, agent, number, ended.reason)
        if agent != agents[-1]:
            following = agents[agents.index(agent) + 1]
            data = {"from": agent, "to": following, "reason": ended.reason, "attempt": number + 1}
            run.events.record("reassigned", f"{key[:16]}/attempt-{number + 1}/reassigned", data, about=about)
    return _outcome(build_task, key, agents[-1], "failed", previous[-1], len(previous), rounds, None)


def candidates(run: Run, build_task: BuildTask) -> list[str]:
    """Return who may work on a task, in order: its agent, then the first backup that does not review it."""
    first = run.chosen.get(build_task.id, build_task.agent)
    unfit = {first, *build_task.reviewers}
    fit = (name for name in run.agents[first].backups if name in run.agents and name not in unfit)
    return [first, *list(fit)[:1]]


def _outcome(
    build_task: BuildTask,
    key: str,
    agent: str,
    status: Any,
    reason: str,
    attempts: int,
    rounds: int,
    commit: str | None,
) -> Outcome:
    return Outcome(
        task=build_task.id,
        key=key,
        status=status,
        reason=reason,
        agent=agent,
        commit=commit,
        attempts=attempts,
        rounds=rounds,
    )
